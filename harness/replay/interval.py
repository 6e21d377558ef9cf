"""Times that are known only to lie between two observations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A number of seconds that lies somewhere from `low` to `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if self.high < self.low:
            raise ValueError(f"an interval from {self.low} to {self.high} is empty")

    @classmethod
    def exactly(cls, seconds: float) -> Interval:
        """Return the interval of an event that was seen itself."""
        return cls(seconds, seconds)

    @property
    def width(self) -> float:
        """Return how much is not known, in seconds."""
        return self.high - self.low

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def until(self, end: Interval) -> Interval:
        """Return how long it took from this point in time to a later one; never less than nothing."""
        return Interval(max(0.0, end.low - self.high), max(0.0, end.high - self.low))

    def holds(self, seconds: float, slack: float = 0.0) -> bool:
        """Return whether a stated number can be true, give or take `slack`."""
        return self.low - slack <= seconds <= self.high + slack


NOTHING = Interval(0.0, 0.0)
