"""The record that the four passes over the code end in."""

from __future__ import annotations

from dataclasses import dataclass, field

from audits.facts.code.behaviour import Behaviour
from audits.facts.layer import Layer
from audits.facts.settings import Settings
from audits.location import Location


@dataclass(frozen=True, slots=True)
class Import:
    """One imported top-level package that is neither local nor of the standard library."""

    package: str
    location: Location
    guarded: bool
    """Inside try/except ImportError or under a switch, so a missing package is survivable."""


@dataclass(frozen=True, slots=True)
class CodeProblem:
    """Why some code could not be read: broken syntax, undecoded payload, caps exceeded."""

    code: str
    """`syntax-error`, `undecoded-payload`, `size-cap`, `ratio-cap`, `too-deep`, `budget-spent`."""
    location: Location
    message: str


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """Facts about all code of the folder that the scored path may reach."""

    layers: tuple[Layer, ...]
    main: Layer | None
    """The effective main script: the innermost executed layer of the main script."""
    settings: Settings
    imports: tuple[Import, ...]
    problems: tuple[CodeProblem, ...]
    behaviour: Behaviour = field(default_factory=Behaviour)
    """What the code does in the claimed run."""
    dormant: Behaviour = field(default_factory=Behaviour)
    """What it could do with its switches the other way, beyond `behaviour`."""
