"""The probes of a sweep: which are missing, making them, keeping what came of each.

Promises what `smoking` does of smoke runs: nothing is run twice unless what would be run, or the image,
changed; a changed reading is made from the kept recording; a fault of the environment is tried again.
What is kept is what the box gave: it is held against the audit when it is read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import containers
from containers.probe_result import ProbeStatus
from harness.sweep.records import StoredSmoke
from harness.sweep.smoking import SmokeDone, packed, read_task, unpacked

if TYPE_CHECKING:
    from audits.launch import LaunchPlan
    from audits.submission import Submission
    from containers.result import SandboxResult
    from harness.probe.probing import Bench
    from harness.sweep.smoking import SmokeTask


@cache
def judge_version() -> str:
    """Return a digest of the code that interprets a probe."""
    room = Path(containers.__file__).parent
    digest = hashlib.sha256()
    for path in sorted((*room.glob("probe*.py"), *room.glob("smoke*.py"), room / "result.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def probe_one(bench: Bench, task: SmokeTask) -> SmokeDone:
    """Return what came of one task: kept, read again, or run."""
    from audits.launch import launch_plan

    submission, facts = read_task(task)
    plan = launch_plan(submission, facts)
    key = _key(plan, bench)
    known = task.known
    if known is not None and known.key == key and _status(known) is ProbeStatus.RAN:
        if known.judge == judge_version():
            return SmokeDone(task.where, known, ran=False)
        if known.recording is not None:
            return SmokeDone(task.where, _read_again(bench, plan, known, known.recording), ran=False)
    return SmokeDone(task.where, _run(bench, plan, submission, key), ran=True)


def is_unfinished(stored: StoredSmoke) -> bool:
    """Tell whether a kept probe came to no end: on a busy machine that says little."""
    document = json.loads(stored.document)
    return not any(sign["seen"] for sign in document["signs"] if sign["by"] == "parent")


def _run(bench: Bench, plan: LaunchPlan, submission: Submission, key: str) -> StoredSmoke:
    """Run, and keep the recording beside the result."""
    from harness.probe.document import to_document
    from harness.probe.probing import probe_plan

    recording: list[SandboxResult] = []

    def recorded(request: Any) -> SandboxResult:
        assert bench.workshop.run is not None
        recording.append(bench.workshop.run(request))
        return recording[-1]

    run = recorded if bench.workshop.run is not None else None
    result = probe_plan(replace(bench, workshop=replace(bench.workshop, run=run)), plan, submission)
    document = json.dumps(to_document(result), ensure_ascii=True)
    return StoredSmoke(key, judge_version(), document, packed(recording[0]) if recording else None)


def _read_again(bench: Bench, plan: LaunchPlan, known: StoredSmoke, recording: bytes) -> StoredSmoke:
    """Return the result that the present code makes of a kept recording."""
    from containers.probe import probe
    from harness.probe.document import from_document, to_document

    box = unpacked(recording)
    result = probe(plan, lambda request: box, bench.workshop.image, bench.options)
    before = from_document(json.loads(known.document))
    result = replace(result, seconds=before.seconds)
    return replace(known, judge=judge_version(), document=json.dumps(to_document(result), ensure_ascii=True))


def _key(plan: LaunchPlan, bench: Bench) -> str:
    """Return what a probe hangs on: what is run, in which image, within which limits."""
    workshop = bench.workshop
    words = ("probe", plan.digest(), workshop.image, workshop.engine, repr(bench.options))
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:32]


def _status(known: StoredSmoke) -> ProbeStatus:
    return ProbeStatus(json.loads(known.document)["status"])
