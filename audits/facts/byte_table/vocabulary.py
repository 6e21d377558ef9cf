"""A small made-up vocabulary: one piece for every kind that a byte table must tell apart.

A builder that is followed over these pieces shows its meaning in the numbers, whatever its names are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

MARKER = "\u2581"


class Kind(Enum):
    """What the tokenizer says a piece is."""

    UNKNOWN = auto()
    CONTROL = auto()
    BYTE = auto()
    UNUSED = auto()
    NORMAL = auto()


@dataclass(frozen=True, slots=True)
class Probe:
    """One piece of the made-up vocabulary."""

    piece: str
    kind: Kind = Kind.NORMAL


PROBES = (  # ids 0 to 3 as the challenge's own tokenizers have them
    Probe("<pad>", Kind.CONTROL),
    Probe("<s>", Kind.CONTROL),
    Probe("</s>", Kind.CONTROL),
    Probe("<unk>", Kind.UNKNOWN),
    Probe("<0x0A>", Kind.BYTE),
    Probe("<0xE2>", Kind.BYTE),
    Probe(MARKER + "the"),
    Probe("ing"),
    Probe("\u00e9"),
    Probe(MARKER + "n\u00e9"),
    Probe("?a"),
    Probe("unused", Kind.UNUSED),
)
SIZE = len(PROBES)
BOS, UNKNOWN, BYTE, HIGH_BYTE, LED, PLAIN, ACCENTED, LED_ACCENTED, QUERY, UNUSED = (
    1,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
)
