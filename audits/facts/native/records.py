"""Hints whose presence depends on the token that they are used to predict, in Python and in C."""

from __future__ import annotations

from dataclasses import dataclass

from audits.facts.settings import Scalar
from audits.location import Location


@dataclass(frozen=True, slots=True)
class Switch:
    """A number that can switch a hint off: its boost, threshold or weight."""

    name: str
    """Name of the setting (environment variable) or, where none was found, of the variable."""
    constant: Scalar
    """Value where the code fixes it, else None."""
    threshold: bool = False
    """The hint is compared with it; otherwise it is multiplied or added."""
    default: Scalar = None
    """What the code gives the setting when the environment does not name it."""


@dataclass(frozen=True, slots=True)
class GatedHint:
    """One per-position prediction that is stored only when the realised token is of a class."""

    location: Location
    """Where the prediction is stored."""
    guard: Location
    """Where the class of the realised token is looked up."""
    function: str
    language: str
    output: str
    """Name of the array that it is stored in."""
    switches: tuple[Switch, ...] = ()
    reached: bool | None = None
    """Whether the claimed run calls the function that stores it; None where that is not known."""


@dataclass(frozen=True, slots=True)
class NativeFunction:
    """One function of a C, C++ or CUDA source, as far as it was read."""

    name: str
    location: Location
    parameters: tuple[str, ...]
    gated: tuple[int, ...] = ()
    """Positions of array parameters that receive a gated prediction."""
    reads_tokens: bool = False
    """Its position loop looks up a property of the token at that position."""


@dataclass(frozen=True, slots=True)
class NativeFacts:
    """What per-position predictors depend on."""

    functions: tuple[NativeFunction, ...] = ()
    gated: tuple[GatedHint, ...] = ()
    predictors: tuple[Location, ...] = ()
    """Places where a prediction is stored for a position from a table, gated or not."""
    problems: tuple[str, ...] = ()

    @property
    def compiled_predictors(self) -> tuple[Location, ...]:
        """Return the predictors of native sources: what Python stores is followed into the score instead."""
        native = {(entry.location.path, entry.location.layer) for entry in self.functions}
        return tuple(where for where in self.predictors if (where.path, where.layer) in native)
