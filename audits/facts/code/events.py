"""What the passes over the code record: updates, scores, table reads, conflicts and reports.

A rule is a short predicate over these records. None of them holds a rule's opinion.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from audits.location import Location


class UpdateKind(StrEnum):
    """How something came to depend on validation tokens."""

    OPTIMISER = "optimiser"
    GRADIENT = "gradient"
    """A gradient taken by hand and applied without an optimiser object."""
    IN_PLACE = "in_place"
    LOADED = "loaded"
    """Weights loaded from something computed on validation tokens (calibrated quantisation)."""
    TABLE = "table"
    HISTOGRAM = "histogram"
    """A histogram of a piece of tokens, added to what is predicted in it."""
    SOLVED = "solved"
    """A closed-form fit (least squares, solve)."""


class Learner(StrEnum):
    """What kind of thing was updated."""

    MODEL = "model"
    ADAPTER = "adapter"
    """A module other than the scored model: LoRA, a mixer."""
    FREE_TENSOR = "free_tensor"
    """A tensor made for the purpose: a SLOT delta or logit bias."""
    TABLE = "table"
    UNKNOWN = "unknown"


@dataclass(slots=True, eq=False)
class UpdateSite:
    """One place where state comes to depend on validation tokens."""

    location: Location
    kind: UpdateKind
    learner: Learner
    order: int
    """Running number of the first visit: updates and scores share one sequence."""
    function: str
    loops: tuple[int, ...]
    """Loop instances open at the first visit, outermost first."""
    shared: bool = False
    """The learner is one tensor shared by a batch of windows."""
    prefix_only: bool = False
    """The loss it learned from was restricted to positions before a boundary."""
    repeated: bool = False
    """A loop around those that cut the tokens out goes over them again (epochs)."""
    lineage: int = 0
    """Mask of `made from what learned here`."""
    byte_keyed: bool = False
    """A table keyed by bytes of token pieces."""
    owner: int = 0
    """Mask of the trainable thing that learned, 0 for a table."""
    overlapping: bool = False
    """It learns from windows that reach into those of the next pass."""


@dataclass(slots=True, eq=False)
class ScoreSite:
    """One place where a loss on validation targets is computed, in one context."""

    location: Location
    order: int
    function: str
    loops: tuple[int, ...]
    key: object
    learned: int
    """Mask of the learned states the prediction depends on, all of them from earlier tokens or not."""
    params: int
    """Mask of the trainable things the prediction depends on."""
    targets: int = 0
    lineages: int = 0
    """Mask of what the weights behind the prediction were copied or loaded from."""
    trained_on: bool = False
    """The very loss is also what an update descends on."""
    cut: bool = False
    """The targets come from a constant number of validation tokens."""
    whole: bool = False
    """All positions of windows count that reach into those of the next pass."""


@dataclass(frozen=True, slots=True, eq=False)
class Conflict:
    """A score that depends on a state learned from the tokens it scores, or from later ones."""

    update: UpdateSite
    score: ScoreSite
    same_pass: bool
    """Both lie in the same pass of some loop (SLOT, train-then-score), else in separate sweeps."""


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """One read of a table under a key made of token ids."""

    location: Location
    key: object
    reads: int
    """Mask of the token reads that make up the key."""
    hashed: bool
    target_in_key: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A place where a score is turned into bits per byte."""

    location: Location
    labels: int
    order: int
    function: str


@dataclass(slots=True)
class Trace:
    """Everything one run of the abstract machine recorded."""

    updates: list[UpdateSite] = field(default_factory=list)
    scores: list[ScoreSite] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    marks: list[tuple[int, Location]] = field(default_factory=list)
    """Fixed label and the place where it first arose (target-keyed ratio, oracle minimum, ...)."""
    visited: set[tuple[str, int, int]] = field(default_factory=set)
    """Functions entered, as (path, layer, first line)."""
    prints: list[tuple[str, int]] = field(default_factory=list)
    """Texts that show a score, with what is known of them (`*` for the rest) and the labels shown."""
    texts: dict[str, int] = field(default_factory=dict)
    """Beginnings of the texts that were built, most of them log lines, and the switches they stand under."""
    stated: dict[str, str] = field(default_factory=dict)
    """Text that stands before the value of a switch in a formatted text, and the switch."""
    caps: list[int] = field(default_factory=list)
    """Constants that something else was held under."""
    cuts: list[tuple[int, Location]] = field(default_factory=list)
    """Where validation tokens were cut to a constant number, with the number."""
    budget_spent: bool = False
