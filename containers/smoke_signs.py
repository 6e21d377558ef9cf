"""The independent signs that a pass needs, and the contradictions that only forging explains.

Witnesses, by how hard they are to fool: the engine (exit status, clock), the supervisor (another user, sees
files and processes), our parent process (forks the submission's and runs none of its code; its lines are told
apart by their sender), and the process that theirs shares, which is believed in nothing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from containers.result import Ending
from containers.smoke_job import REPOSITORY
from containers.smoke_result import Sign, StageName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.launch import LaunchPlan
    from containers.result import SandboxResult, ScratchFile
    from containers.smoke_report import Reported

CLOCK_SLACK_SECONDS = 2.0
MIN_RUN_SECONDS = 0.05
MIN_ARTIFACT_BYTES = 256
SAW_THE_END = "supervisor saw the end"
TOLD_APART = "senders told apart"
ENVIRONMENTAL = frozenset({SAW_THE_END, TOLD_APART})
"""Signs whose absence is the environment's fault."""
RUN_ROOT = "/scratch/run/"
"""The repository in which the last stage runs the script; some write beside its root."""
RUN_FOLDER = RUN_ROOT + "records/track_10min_16mb/submission/"
"""The record folder there."""
_PACKED = (
    ".ptz",
    ".xz",
    ".lzma",
    ".zst",
    ".br",
    ".npz",
    ".z",
    ".gz",
    ".lrz",
    ".pgz",
    ".bz2",
    ".rans",
    ".zip",
)
_ORDER = (StageName.IMPORT, StageName.BUILD, StageName.FORWARD, StageName.RUN)
_TOO_MUCH = frozenset({"StageTimeoutError", "MemoryError", "OutOfMemoryError", "Killed"})
_NO_ARTIFACTS = (".txt", ".log", ".md", ".py", ".json", ".csv", ".pyc", ".c", ".cpp", ".so", ".o", ".tsv")


def signs_of(plan: LaunchPlan, reported: Reported, box: SandboxResult) -> tuple[Sign, ...]:
    """Return every sign that a pass needs, seen or not."""
    return tuple(_signs(plan, reported, box))


def _signs(plan: LaunchPlan, reported: Reported, box: SandboxResult) -> Iterator[Sign]:
    # Our program leaves with 1 where a stage failed, also where that failure is no fault.
    fine = (0, 1) if too_large(reported) else (0,)
    ended = box.ending is Ending.EXITED and box.exit_code in fine
    yield Sign("exit status 0", ended, "engine", f"{box.ending}, status {box.exit_code}")
    yield Sign(SAW_THE_END, box.observed.complete, "supervisor", "the last look is missing")
    # Without it anybody in the box could write our parent's marks.
    yield Sign(TOLD_APART, bool(reported.parent), "supervisor", "it cannot tell who sent a line")
    marks = {mark.end.stage: mark for mark in reported.marks}
    run = marks.get(StageName.RUN)
    came = run is not None and run.end.status == "ok"
    yield Sign("main() returned", came, "parent", "" if came else "no mark of the parent process")
    artifact = artifact_of(plan, box)
    detail = f"{artifact.path}, {artifact.size_bytes:,} bytes" if artifact else "no file but logs was written"
    yield Sign("artifact in scratch", artifact is not None, "supervisor", detail)
    spent = _told_seconds(reported)
    fits = spent <= box.wall_seconds + CLOCK_SLACK_SECONDS
    yield Sign("stages fit the clock", fits, "engine", f"{spent:.1f} s told, {box.wall_seconds:.1f} s passed")
    told = bool(reported.evaluations) or "val_loss" in reported.figures or "val_bpb" in reported.figures
    yield Sign("an evaluation was reached", told, "process", "" if told else "none was reported")


def artifact_of(plan: LaunchPlan, box: SandboxResult) -> ScratchFile | None:
    """Return the file that stands for the artifact: packed rather than raw, then the largest.

    Only what the run itself wrote counts: neither the submission's files nor our tiny data. A committed file
    that the run wrote anew is the run's (#984).
    """
    found = [
        file
        for file in box.observed.files
        if file.path.startswith(RUN_ROOT)
        and file.size_bytes >= MIN_ARTIFACT_BYTES
        and not file.path.endswith(_NO_ARTIFACTS)
        and not _ours(_relative(file.path))
        and not _brought(plan, file)
    ]
    return max(found, key=lambda file: (file.path.endswith(_PACKED), file.size_bytes), default=None)


def _brought(plan: LaunchPlan, file: ScratchFile) -> bool:
    """Tell whether a file is the submission's own, as it was handed in."""
    path = _relative(file.path)
    # What a submission hands in under our own name for the repository's files lies at the root, too.
    names = (path, f"{REPOSITORY}/{file.path.removeprefix(RUN_ROOT)}")
    for name, data in plan.files:
        if name in names:
            return file.size_bytes == len(data) and file.sha256 in (None, hashlib.sha256(data).hexdigest())
    # What could not be read was not laid out either: the run wrote what lies under its name.
    left = (entry for entry in plan.left_out if entry.readable)
    return any(entry.path in names and entry.size in (-1, file.size_bytes) for entry in left)


def _relative(path: str) -> str:
    """Return a path relative to the record folder, else to the repository's root."""
    return path.removeprefix(RUN_FOLDER).removeprefix(RUN_ROOT)


def _told_seconds(reported: Reported) -> float:
    """Return the time that the stages are said to have taken; build and forward share one process."""
    alone = (mark.end for mark in reported.marks if mark.end.stage is not StageName.FORWARD)
    return sum(end.seconds or 0.0 for end in alone)


def too_large(reported: Reported) -> bool:
    """Tell whether only the model at full size was too much for the box, and the tiny run came to its end.

    That is a limit of ours, and no fault of a submission.
    """
    run = reported.mark(StageName.RUN)
    failed = [mark for mark in reported.marks if mark.end.status == "failed"]
    return (
        run is not None
        and run.end.status == "ok"
        and bool(failed)
        and all(
            mark.end.stage in (StageName.BUILD, StageName.FORWARD)
            and mark.error is not None
            and mark.error.kind in _TOO_MUCH
            for mark in failed
        )
    )


def _ours(path: str) -> bool:
    """Tell whether a file of the run's folder is part of the data that the box laid out."""
    return path.startswith(("data/", "tmp/")) or path.rsplit("/", 1)[-1].startswith("fineweb_")


def forgery(reported: Reported, box: SandboxResult) -> str:
    """Return what shows that somebody else wrote marks of ours, else an empty string."""
    return next(iter(_contradictions(reported, box)), "")


def _contradictions(reported: Reported, box: SandboxResult) -> Iterator[str]:
    stages = [mark.end.stage for mark in reported.marks]
    for stage in _ORDER:
        if stages.count(stage) > 1:
            yield f"two statements that the stage {stage} ended"
    known = [_ORDER.index(stage) for stage in stages]
    if known != sorted(known):
        yield "stages are said to have ended in another order than they run"
    if any(sender != reported.parent for sender in (*(m.sender for m in reported.marks), *reported.ends)):
        yield "a process other than our own said that a stage, or the run, had ended"
    if len(reported.ends) > 1:
        yield "two statements that the run had ended"
    spent = _told_seconds(reported)
    if box.wall_seconds and spent > box.wall_seconds + 10 * CLOCK_SLACK_SECONDS:
        yield f"stages of {spent:.0f} s in a run of {box.wall_seconds:.0f} s"
    if any((mark.end.seconds or 0.0) < 0 for mark in reported.marks):
        yield "a stage of less than no time"
    written = {file.path.rsplit("/", 1)[-1]: file.size_bytes for file in box.observed.files}
    for path, size in reported.files:
        name = path.rsplit("/", 1)[-1]
        if box.observed.complete and not box.observed.files_left_out and size and not written:
            yield f"it says that it wrote {name[:80]}, and there is no file"
