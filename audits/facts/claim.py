"""A value that somebody wrote down, with where: never to be mixed with one that was measured here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from audits.location import Location

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Claim(Generic[Value]):
    """One stated value."""

    value: Value
    location: Location
    text: str
    """The source text it was read from, shortened."""


def decimals(text: str) -> int:
    """Return how many digits stand after the decimal point of a number as written."""
    mantissa = text.lower().split("e", 1)[0]
    return len(mantissa.split(".", 1)[1]) if "." in mantissa else 0


def half_unit(text: str) -> float:
    """Return the rounding error that a number as written may hide: half a unit of its last digit."""
    exponent = 0
    if "e" in text.lower():
        tail = text.lower().split("e", 1)[1]
        exponent = int(tail) if tail.lstrip("+-").isdigit() and len(tail) < 5 else 0
    return 0.5 * float(10.0 ** (exponent - decimals(text)))
