"""The smoke runs of a sweep: which are missing, running them a few at a time, keeping what came of each.

Promises that nothing is run a second time unless what would be run, or the image, changed; that a changed
reading of what happened is made from the kept recording, without running; and that a fault of the
environment is tried again by the next sweep.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

import containers
from containers.result import SandboxResult
from containers.smoke_result import Label
from harness.sweep.records import StoredSmoke

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audits.launch import LaunchPlan
    from audits.submission import Submission
    from harness.smoke.workshop import Setup, Workshop
    from harness.sweep.records import Where

KEPT_OUTPUT_BYTES = 20_000
_TRIED_AGAIN = frozenset({Label.INFRA_FAULT, Label.NOT_RUN})
_READS = ("blame.py", "failure.py", "request.py", "result.py")


@dataclass(frozen=True, slots=True)
class SmokeTask:
    """One record folder to be run."""

    where: Where
    repo: str
    shell: bytes
    facts: bytes | None
    known: StoredSmoke | None
    """What an earlier sweep kept."""


@dataclass(frozen=True, slots=True)
class SmokeDone:
    """What came of one record folder."""

    where: Where
    stored: StoredSmoke
    ran: bool
    """Whether it was run now; otherwise what was kept is fresh, or was read again."""


@cache
def judge_version() -> str:
    """Return a digest of the code that interprets a run."""
    room = Path(containers.__file__).parent
    digest = hashlib.sha256()
    for path in sorted((*room.glob("smoke*.py"), *(room / name for name in _READS))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def carry_out(
    one: Callable[[SmokeTask], SmokeDone], tasks: Iterator[SmokeTask], jobs: int
) -> Iterator[SmokeDone]:
    """Yield what `one` makes of each task, as they end; at most `jobs` boxes at a time."""
    _prepare()
    with ThreadPoolExecutor(jobs, thread_name_prefix="referee-box") as pool:
        running = {pool.submit(one, task) for task in islice(tasks, 2 * jobs)}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(one, task) for task in islice(tasks, len(done))}
                for future in done:
                    yield future.result()
        finally:
            # What is in a box already ends by itself within its limit, and its box is removed.
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare() -> None:
    """Make what every task needs while there is one thread: Python 3.11 parses in one thread only."""
    from harness.probe import document as probe_document
    from harness.smoke import document

    _adapter()
    document.prepare()
    probe_document.prepare()


def smoke_one(workshop: Workshop, task: SmokeTask) -> SmokeDone:
    """Return what came of one task: kept, read again, or run."""
    from audits.launch import launch_plan

    submission, facts = read_task(task)
    plan = launch_plan(submission, facts)
    key = _key(plan, workshop)
    known = task.known
    if known is not None and known.key == key and _label(known) not in _TRIED_AGAIN:
        if known.judge == judge_version():
            return SmokeDone(task.where, known, ran=False)
        again = _read_again(plan, workshop, known)
        if again is not None:
            return SmokeDone(task.where, again, ran=False)
    return SmokeDone(task.where, _run(plan, submission, workshop, key), ran=True)


def read_task(task: SmokeTask) -> tuple[Submission, Any]:
    """Return submission and facts of a task, its files read again from the repository."""
    from audits.intake.git import open_repository, read_again
    from harness.sweep.packing import unpack_record

    # Opened for each task: an open repository is not to be shared between threads.
    submission = read_again(open_repository(task.repo), unpack_record(task.shell))
    return submission, unpack_record(task.facts) if task.facts is not None else None


def _run(plan: LaunchPlan, submission: Submission, workshop: Workshop, key: str) -> StoredSmoke:
    """Run, and keep the recording beside the result."""
    from harness.smoke.document import to_document

    recording: list[SandboxResult] = []

    def recorded(request: Any) -> SandboxResult:
        assert workshop.run is not None
        recording.append(workshop.run(request))
        return recording[-1]

    watched = replace(workshop, run=recorded if workshop.run is not None else None)
    result = watched.smoke_plan(plan, submission)
    document = json.dumps(to_document(result), ensure_ascii=True)
    return StoredSmoke(key, judge_version(), document, packed(recording[0]) if recording else None)


def _read_again(plan: LaunchPlan, workshop: Workshop, known: StoredSmoke) -> StoredSmoke | None:
    """Return the result that the present code makes of a kept recording, None where there is none."""
    from containers.smoke import smoke
    from harness.smoke.document import from_document, to_document

    if known.recording is None:
        return None
    box = unpacked(known.recording)
    result = smoke(
        plan, lambda request: box, workshop.image, workshop.setup.options, installed=workshop.installed
    )
    before = from_document(json.loads(known.document))
    result = replace(result, seconds=before.seconds)
    return replace(known, judge=judge_version(), document=json.dumps(to_document(result), ensure_ascii=True))


def _key(plan: LaunchPlan, workshop: Workshop) -> str:
    """Return what a run hangs on: what is run, in which image, within which limits."""
    words = (plan.digest(), workshop.image, workshop.engine, repr(workshop.setup.options))
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:32]


def _label(known: StoredSmoke) -> Label:
    return Label(json.loads(known.document)["label"])


@cache
def _adapter() -> TypeAdapter[SandboxResult]:
    return TypeAdapter(SandboxResult)


def packed(box: SandboxResult) -> bytes:
    """Return a recording, its output cut to the end."""
    output = box.output[-KEPT_OUTPUT_BYTES:].decode("utf-8", "replace").encode()
    return zlib.compress(_adapter().dump_json(replace(box, output=output)), 6)


def unpacked(recording: bytes) -> SandboxResult:
    """Return the recording that `packed` made."""
    return _adapter().validate_json(zlib.decompress(recording))


def open_for_sweep(setup: Setup, say: Callable[[str], None]) -> Workshop:
    """Return a workshop that works, or raise what the caller has to do first."""
    from audits.errors import UserError
    from harness.smoke.workshop import open_workshop

    workshop = open_workshop(setup, say)
    if workshop.run is None:
        raise UserError(f"--smoke needs a box to run in: {workshop.problem}", workshop.hint)
    return workshop
