"""The two kinds of label files, told apart by their keys, one JSON object a line.

A gold label is one reader's judgement of the code of one folder. A community label is what somebody said in
public about a pull request. Promises that a line that is neither stops the reading with its number.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from audits.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CONFIDENT = 0.6
"""Below this a gold label is an open question, not a measure."""
OWN_ROUND = 3
"""The round that was judged by hand for this project; it is never pooled with the others."""
PATTERN_NAMES = frozenset(
    "pure-neural score-first-ttt lora-ttt phased-ttt prequant-ttt train-on-val multi-epoch-final-score"
    " slot-scored slot-context-only ngram-target-key ngram-normalised ngram-embedding-only hedge-mixer"
    " entropy-expert target-gated-hint two-pass-rescore calib-on-val checkpoint-chosen-on-val"
    " calib-on-train-at-eval gptq-calib-on-train gptq-selfgen ttt-warmup-on-val ppm-byte-mixture"
    " tokenizer-bytes partial-validation"
    " weights-not-in-artifact bos-leak paid-prefix".split()
)
"""Patterns that the labels name. What only we have a name for cannot be scored by them."""
MAINTAINERS = frozenset({"0hq", "cocohearts", "valerio-oai", "regina-openai", "yuzhougu-oai"})
REVIEWER = "MatoTeziTanka"
"""The community reviewer whose verdicts are put beside ours."""

_Record = TypeVar("_Record")
OffLegality = Literal["CLEAN", "FLAG", "VIOLATION", "UNCLEAR", "UNJUDGED"]


@dataclass(frozen=True, slots=True)
class Axes:
    """What a reader judged on each axis."""

    legality: Literal["CLEAN", "FLAG", "ILLEGAL", "UNCLEAR"]
    metric: OffLegality = "UNJUDGED"
    limits: OffLegality = "UNJUDGED"

    def on(self, axis: str) -> str:
        """Return the label on one axis."""
        return str(getattr(self, axis))


@dataclass(frozen=True, slots=True)
class GoldPattern:
    """One pattern that a reader saw."""

    name: str
    lines: str = ""
    """Lines of the script, unpacked where it is packed."""
    reachable: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class GoldLabel:
    """One reader's judgement of one record folder."""

    pr: int
    folder: str
    axes: Axes
    confidence: float
    """The reader's own, 0 to 1."""
    head_sha: str = ""
    track: str | None = None
    file: str = ""
    """The script that was read, with remarks behind its name."""
    conditions: tuple[str, ...] = ()
    """Conditions that an ILLEGAL one breaks: C1, C2, C3, C4, DATA."""
    patterns: tuple[GoldPattern, ...] = ()
    round: int = 1
    """1 is enriched with hard cases, 2 was drawn near the base rate, 3 was judged for this project."""
    why: str = ""
    """The reason, with lines."""

    @property
    def confident(self) -> bool:
        """Tell whether the reader is sure enough to be a measure."""
        return self.confidence >= CONFIDENT

    @property
    def reachable(self) -> frozenset[str]:
        """Return the names of the patterns that run, one-offs left out."""
        return frozenset(p.name for p in self.patterns if p.reachable) & PATTERN_NAMES


@dataclass(frozen=True, slots=True)
class CommunityLabel:
    """What one person said in public about one pull request."""

    pr: int
    source: str
    verdict: Literal["CLEAN", "FLAG", "ILLEGAL", "HOLD", "NEEDS_AUTHOR_ACTION", "CLOSED_ILLEGAL", "RETRACTED"]
    pattern: tuple[str, ...] = ()
    """Tags in the words of those who spoke."""
    head_sha: str | None = None
    """Often abbreviated."""
    file: str | None = None
    line: int | None = None
    evidence: str = ""
    """Paraphrased."""
    url: str = ""
    smoke: str | None = None
    """What the smoke test of whoever spoke printed."""

    @property
    def from_maintainer(self) -> bool:
        """Tell whether a maintainer of the challenge said it."""
        return self.source in MAINTAINERS


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One file of labels."""

    name: str
    sha256: str
    gold: tuple[GoldLabel, ...]
    community: tuple[CommunityLabel, ...]

    @property
    def rows(self) -> int:
        """Return how many labels it holds."""
        return len(self.gold) + len(self.community)


@cache
def _gold() -> TypeAdapter[GoldLabel]:
    return TypeAdapter(GoldLabel)


@cache
def _community() -> TypeAdapter[CommunityLabel]:
    return TypeAdapter(CommunityLabel)


def read_label_file(path: Path) -> LabelFile:
    """Return the labels of one file."""
    data = read_bytes(path)
    rows = [label_of(row, path, number) for number, row in json_lines(data, path)]
    if not rows:
        raise UserError(f"{path} holds no labels", "one JSON object a line")
    return LabelFile(
        name=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        gold=tuple(row for row in rows if isinstance(row, GoldLabel)),
        community=tuple(row for row in rows if isinstance(row, CommunityLabel)),
    )


def label_of(row: Any, path: Path, number: int) -> GoldLabel | CommunityLabel:
    """Return one label of either kind."""
    keys = row.keys() if isinstance(row, dict) else frozenset()
    if {"axes", "confidence"} <= keys:
        return validated(_gold(), row, path, number)
    if {"source", "verdict"} <= keys:
        return validated(_community(), row, path, number)
    raise UserError(
        f"{path.name}, line {number}: not a label",
        "a gold label has axes and confidence, a community label source and verdict",
    )


def validated(adapter: TypeAdapter[_Record], row: Any, path: Path, number: int) -> _Record:
    """Return one line as a record, or say what is wrong with it."""
    try:
        return adapter.validate_python(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path.name}, line {number}: {where}: {first['msg']}") from error


def read_bytes(path: Path) -> bytes:
    """Return the content of a file that the caller named."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}", "is the path right?") from error


def json_lines(data: bytes, path: Path) -> Iterable[tuple[int, Any]]:
    """Yield line number and object of every line that is not empty."""
    # Not splitlines: a line separator inside a JSON string is legal and does not end the line.
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise UserError(f"{path.name}, line {number}: not JSON", "one JSON object a line") from error
