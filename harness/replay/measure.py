"""From what happened to what was measured: sizes and digests off the disk, times off the observations.

The result lines are read by the same parser as submitted logs, from the lines that arrived. Nothing that a
run wrote is opened for more than its bytes: no unpickling, no archive, no import.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from audits.facts.claim import half_unit
from audits.facts.logs import parse_logs
from audits.submission import SourceFile
from harness.replay.attempts import attempts_of
from harness.replay.files import may_be_artifact
from harness.replay.interval import NOTHING
from harness.replay.measurement import (
    ArtifactMeasured,
    Ending,
    FileMeasured,
    ScoreMeasured,
    SeedMeasurement,
)
from harness.replay.phases import Phase
from harness.replay.recording import STATED
from harness.replay.signs import signs, split_signs

if TYPE_CHECKING:
    from pathlib import Path

    from audits.facts import Facts
    from audits.facts.logs import FinalLine, LogFacts
    from harness.replay.measurement import SplitEvaluation
    from harness.replay.phases import Span, Tracker
    from harness.replay.plan import Plan
    from harness.replay.seed_run import SeedRun

MAX_FILES: Final = 10_000
MAX_STATED_BYTES: Final = 64 << 20
LOG_NAME: Final = "replay_seed{seed}.log"


def measure_seed(
    run: SeedRun,
    folder: Path,
    facts: Facts,
    plan: Plan,
) -> SeedMeasurement:
    """Return the measurement of one run from its recording in `folder` and from what it wrote."""
    from harness.replay.faults import fault_of

    log = _log(run.seed, folder, facts) if run.watched else None
    score = _score(log, plan.score_labels, facts) if log else None
    files = _files(run.scratch)
    tracker = run.watched.tracker if run.watched else None
    fault, evidence = fault_of(run, folder)
    scored = _scored_span(tracker, score) if tracker and score else None
    left = run.watched.left_behind if run.watched else ()
    return SeedMeasurement(
        seed=run.seed,
        ending=_ending(run),
        exit=run.watched.exit if run.watched else None,
        wall_seconds=run.watched.wall_seconds if run.watched else 0.0,
        breach=run.watched.breach if run.watched else None,
        spans=tuple(tracker.spans) if tracker else (),
        training=tracker.train_seconds() if tracker else NOTHING,
        own_training_seconds=tracker.own_training if tracker else None,
        evaluation=scored.seconds if scored else None,
        own_evaluation_seconds=scored.own_seconds if scored else None,
        steps=log.last_step.step if log and log.last_step else None,
        artifact=_artifact(files, tracker, facts),
        score=score,
        split=None,
        files=files,
        signs=signs(tracker, score, attempts_of(run), left) if tracker else (),
        fault=fault,
        fault_evidence=evidence,
        left_behind=left,
        missing_isolation=run.missing_isolation,
    )


def with_split(measured: SeedMeasurement, split: SplitEvaluation, noise_bpb: float) -> SeedMeasurement:
    """Return a measurement that has a score with what its artifact alone gave."""
    assert measured.score is not None
    found = tuple(split_signs(measured.score, split, noise_bpb))
    return replace(measured, split=split, signs=(*measured.signs, *found))


def _ending(run: SeedRun) -> Ending:
    """Return how a run ended, from outside."""
    if run.watched is None:
        return Ending.NEVER_RAN
    if run.watched.interrupted:
        return Ending.INTERRUPTED
    if run.watched.breach is not None:
        return Ending.STOPPED_AT_LIMIT
    return Ending.FINISHED if run.watched.exit.code == 0 else Ending.FAILED


def _log(seed: int, folder: Path, facts: Facts) -> LogFacts | None:
    """Return what the run's own lines state, by the parser of submitted logs."""
    with (folder / STATED).open("rb") as stream:
        data = stream.read(MAX_STATED_BYTES)
    name = LOG_NAME.format(seed=seed)
    file = SourceFile(path=name, data=data, size=len(data), blob_id="")
    alone = replace(facts.submission, files=(file,), _index={})
    return next(iter(parse_logs(alone, facts.challenge)), None)


def _score(log: LogFacts, labels: tuple[str, ...], facts: Facts) -> ScoreMeasured | None:
    """Return the result that stands for the run: under the claimed score's label, else the last."""
    named = [line for line in log.finals if line.label in labels]
    chosen = (named or list(log.finals))[-1:]
    if not chosen:
        return None
    line = chosen[0]
    return ScoreMeasured(
        label=line.label,
        line=line.line,
        val_loss=line.val_loss,
        val_bpb=line.val_bpb,
        implied_bytes=_implied_bytes(line, log),
        split_bytes=_split_bytes(log, facts),
    )


def _implied_bytes(line: FinalLine, log: LogFacts) -> float | None:
    """Return the bytes of text that loss, score and token count imply; None where digits are too few."""
    if not line.val_loss or log.val_tokens is None or line.val_bpb <= 0:
        return None
    rounding = half_unit(line.loss_text) / line.val_loss + half_unit(line.bpb_text) / line.val_bpb
    if rounding > 1e-3:
        return None
    return log.val_tokens.value * line.val_loss / (math.log(2) * line.val_bpb)


def _split_bytes(log: LogFacts, facts: Facts) -> float | None:
    """Return the bytes of the validation split that has this many tokens, None for an unknown one."""
    tokens = log.val_tokens.value if log.val_tokens else 0
    known = [
        c.bytes_total for c in facts.challenge.byte_constants if abs(c.val_tokens - tokens) <= 0.0005 * tokens
    ]
    return known[0] if known else None


def _scored_span(tracker: Tracker, score: ScoreMeasured) -> Span | None:
    """Return the evaluation that gave the score: the longest one that ended with its number.

    The number is often printed twice, with few and with all digits; the second line took no time.
    """
    same = [
        span
        for span in tracker.spans
        if span.phase is Phase.EVALUATION
        and span.val_bpb is not None
        and abs(span.val_bpb - score.val_bpb) <= 6e-5
    ]
    return max(same, key=lambda span: span.seconds.high, default=None)


def _files(scratch: Path) -> tuple[FileMeasured, ...]:
    """Return every regular file under scratch but for the data, with size and digest."""
    found: list[FileMeasured] = []
    for root, folders, names in os.walk(scratch, followlinks=False):
        if root == str(scratch) and "data" in folders:
            folders.remove("data")
        for name in sorted(names):
            measured = _file(os.path.join(root, name), scratch)
            if measured is not None:
                found.append(measured)
            if len(found) >= MAX_FILES:
                return tuple(found)
    return tuple(sorted(found, key=lambda entry: entry.path))


def _file(path: str, scratch: Path) -> FileMeasured | None:
    """Return one regular file, None for a link, a pipe or a device."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        whole, size = hashlib.sha256(), 0
        while chunk := stream.read(1 << 20):
            whole.update(chunk)
            size += len(chunk)
    name = os.path.relpath(path, scratch).encode("utf-8", "replace").decode()
    return FileMeasured(name, size, whole.hexdigest())


def _artifact(files: tuple[FileMeasured, ...], tracker: Tracker | None, facts: Facts) -> ArtifactMeasured:
    """Return the bytes that count: the file read back before scoring, else the smallest model."""
    by_path = {entry.path: entry for entry in files}
    read = tracker.artifact_path if tracker else None
    candidates = [entry for entry in files if may_be_artifact(entry.path, entry.bytes)]
    # A raw checkpoint often lies beside the packed one; what was read back is what scored.
    chosen = by_path.get(read) if read else min(candidates, key=lambda entry: entry.bytes, default=None)
    code = facts.artifact.code
    model = chosen.bytes if chosen else None

    def total(code_bytes: int | None) -> int | None:
        return None if model is None or code_bytes is None else model + code_bytes

    return ArtifactMeasured(
        model_path=chosen.path if chosen else None,
        model_bytes=model,
        read_back=read is not None and chosen is not None,
        strict=total(code.strict),
        readme=total(code.readme),
        practice=total(code.practice),
    )
