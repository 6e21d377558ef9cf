"""When a run is stopped: only once the narrowest reading of what was observed is past a cap.

A boundary that was not itself observed is granted to the submission. Where nothing is printed at all, the
longest preparation that the profile grants is granted too, so a stop is always beyond doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.replay.phases import Phase

if TYPE_CHECKING:
    from harness.replay.phases import Tracker


@dataclass(frozen=True, slots=True)
class Caps:
    """The limits of one profile, in seconds. None means that there is none."""

    train_seconds: float | None
    train_tolerance_seconds: float
    """Granted beyond the cap: the last step runs to its end (rulebook TIME-2)."""
    eval_seconds: float | None
    eval_tolerance_seconds: float
    preparation_seconds: float
    """Granted between the artifact and the first scored token: decompression, compilation (TIME-5)."""
    setup_seconds: float
    """Granted before the first step, warm-up included."""
    silence_seconds: float
    """Longest time without any sign of life."""


class Breached(StrEnum):
    """Which limit was passed."""

    TRAIN = "train"
    EVALUATION = "evaluation"
    SETUP = "setup"
    SILENCE = "silence"
    SCRATCH = "scratch"
    """It wrote more than its profile grants."""
    DISK = "disk"
    """The disk of this machine ran short under it."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that was passed, beyond doubt."""

    breached: Breached
    seconds: float
    """The least that it took; for room on disk, when that was seen."""
    cap_seconds: float
    """0 where the limit is no time."""
    why: str


def breach(tracker: Tracker, caps: Caps, now: float) -> Breach | None:
    """Return the limit that the run is past at this moment, None while it is within all."""
    return _train(tracker, caps) or _evaluation(tracker, caps, now) or _waiting(tracker, caps, now)


def _train(tracker: Tracker, caps: Caps) -> Breach | None:
    """Training steps kept ending after the cap."""
    if caps.train_seconds is None:
        return None
    least, cap = tracker.train_seconds().low, caps.train_seconds + caps.train_tolerance_seconds
    if least <= cap:
        return None
    return Breach(Breached.TRAIN, least, caps.train_seconds, "training steps went on past the cap")


def _evaluation(tracker: Tracker, caps: Caps, now: float) -> Breach | None:
    """An evaluation goes on: seen to score for too long, or silent beyond all that may be granted."""
    if caps.eval_seconds is None:
        return None
    cap = caps.eval_seconds + caps.eval_tolerance_seconds
    scoring = tracker.eval_low(now)
    if scoring > cap:
        return Breach(Breached.EVALUATION, scoring, caps.eval_seconds, "scoring went on past the cap")
    if tracker.phase not in (Phase.DECOMPRESSION, Phase.EVALUATION) or tracker.scoring_since is not None:
        return None
    silent = now - tracker.since.high - caps.preparation_seconds
    if silent <= cap:
        return None
    why = f"no result {now - tracker.since.high:.0f} s after the artifact was read or the last result came"
    return Breach(Breached.EVALUATION, silent, caps.eval_seconds, why)


def _waiting(tracker: Tracker, caps: Caps, now: float) -> Breach | None:
    """The run does not get to its first step, or gives no sign of life."""
    if tracker.phase in (Phase.SETUP, Phase.WARM_UP) and now > caps.setup_seconds:
        return Breach(Breached.SETUP, now, caps.setup_seconds, "no training step was seen")
    silent = now - tracker.alive
    if silent > caps.silence_seconds:
        return Breach(Breached.SILENCE, silent, caps.silence_seconds, f"nothing for {silent:.0f} s")
    return None
