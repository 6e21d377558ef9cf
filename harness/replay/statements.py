"""What one line of a run's output states, by the challenge's log dialect.

Everything here is the submission's word about itself: the time of arrival is ours, the numbers are theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from audits.facts.logs.dialect import fields
from audits.facts.logs.parse import stated_seconds

if TYPE_CHECKING:
    from audits.challenge import Challenge

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "": 1.0}
_PROGRESS: Final = re.compile(r"\b\d{1,9}/\d{1,9}\b")
_SCORING: Final = re.compile(r"bpb|loss|nll|score", re.IGNORECASE)
TEXT_LENGTH: Final = 400


class States(StrEnum):
    """What a line says about where the run is."""

    WARM_UP = "warm_up"
    TRAIN_STEP = "train_step"
    VALIDATION = "validation"
    """A validation pass inside the training loop has ended."""
    STOP = "stop"
    CALIBRATION = "calibration"
    SIZE = "size"
    EVAL_WARM_UP = "eval_warm_up"
    PROGRESS = "progress"
    """Some of some many are done; after training, of an evaluation."""
    RESULT = "result"
    """An evaluation outside the training loop has ended."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Statement:
    """What one line states."""

    states: States
    text: str
    step: int | None = None
    own_seconds: float | None = None
    """Their clock: accumulated training time, or the duration of what the line reports."""
    label: str = ""
    val_loss: float | None = None
    val_bpb: float | None = None


class Dialect:
    """Reads lines by the dialect of one challenge."""

    def __init__(self, challenge: Challenge) -> None:
        self._fields = fields(challenge)

    def read(self, text: str) -> Statement | None:
        """Return what a line states, None for nothing that we know."""
        text = text.strip()
        if not text:
            return None
        lowered = text.lower()
        found = {}
        for field in self._fields:
            if field.trigger and field.trigger in lowered:
                match = next((m for p in field.patterns if (m := p.search(text))), None)
                if match is not None:
                    found[field.name] = tuple(group or "" for group in match.groups())
        return _statement(text[:TEXT_LENGTH], lowered, found)


def _statement(text: str, lowered: str, found: dict[str, tuple[str, ...]]) -> Statement | None:
    """Return the strongest thing that the fields of one line say."""
    if lowered.startswith("warmup"):
        return Statement(States.WARM_UP, text)
    if "stop" in found:
        value, unit, step, _ = found["stop"]
        return Statement(States.STOP, text, int(step), _seconds(value, unit))
    if "step" in found:
        return _step(text, found)
    if "val_step" in found:
        step, _, loss, bpb = found["val_step"]
        return Statement(States.VALIDATION, text, int(step), None, "", float(loss), float(bpb))
    if "hessian" in found:
        return Statement(States.CALIBRATION, text, own_seconds=float(found["hessian"][1]))
    if "warmup_seconds" in found or "compile warm" in lowered or "compile_warm" in lowered:
        return Statement(States.EVAL_WARM_UP, text)
    if "final" in found:
        label, loss, bpb = found["final"]
        own = stated_seconds(text)
        if _PROGRESS.search(text) and own is None:
            return Statement(States.PROGRESS, text)
        return Statement(States.RESULT, text, None, own, label, float(loss), float(bpb))
    if "final_bpb_only" in found:
        label, bpb = found["final_bpb_only"]
        return Statement(States.RESULT, text, None, stated_seconds(text), label, None, float(bpb))
    if {"model_bytes", "total_bytes", "artifact_bytes", "code_bytes"} & found.keys():
        return Statement(States.SIZE, text)
    if _PROGRESS.search(text) and _SCORING.search(text):
        return Statement(States.PROGRESS, text)
    return Statement(States.OTHER, text) if found else None


def _step(text: str, found: dict[str, tuple[str, ...]]) -> Statement:
    """Return a timed step: a validation when it carries a validation score."""
    step, _, value, unit = found["step"]
    own = _seconds(value, unit)
    if "val_step" in found:
        _, _, loss, bpb = found["val_step"]
        return Statement(States.VALIDATION, text, int(step), own, "", float(loss), float(bpb))
    return Statement(States.TRAIN_STEP, text, int(step), own)


def _seconds(value: str, unit: str) -> float:
    return float(value) * _SECONDS[unit.lower()]
