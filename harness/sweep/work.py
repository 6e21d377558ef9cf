"""What a worker does for one task. Pure functions of picklable arguments, so that any executor can run them.

Promises that a task raises only where it cannot be carried out at all; what a rule or a pass of the analysis
trips over is part of the result.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from harness.sweep.containment import ran_short
from harness.sweep.records import StoredVerdict, Summary, Where

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.outcome import Outcome
    from audits.submission import Submission
    from audits.verdict import Verdict


@dataclass(frozen=True, slots=True)
class TakenEntry:
    """One record folder as intake found it."""

    path: str
    track: str | None
    folder: str
    main_script: str | None
    script_blob: str
    facts_key: str
    shell: bytes
    """The packed `Submission` without its files."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One pull request as intake found it."""

    pr: int
    head_sha: str
    committed_at: str
    notes: tuple[str, ...]
    entries: tuple[TakenEntry, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class JudgedEntry:
    """What the rules say of one entry."""

    where: Where
    outcomes: str
    """JSON, see `reader.outcomes_to_json`."""
    summary: Summary | None
    verdicts: tuple[StoredVerdict, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """Facts of one folder with the judgement of every entry that shares them."""

    facts: bytes | None
    """Packed; None when the facts could not be read."""
    cause: str
    """Why there are no facts, else empty."""
    sketch: bytes | None
    """MinHash of the main script, see `clusters`."""
    judged: tuple[JudgedEntry, ...]
    seconds: float


def take_in(repo: str, pr: int, base: str) -> Taken:
    """Read one pull request and return its record folders, keyed by all that will be read of them."""
    from audits.intake import Intake, NothingToAuditError, load
    from harness.sweep.packing import pack
    from harness.sweep.targets import committed_at

    started = perf_counter()
    try:
        intake = load(None, repo=repo, pr=pr, base=base or None)
    except NothingToAuditError as nothing:
        intake = Intake((), (nothing.message,))
    entries = tuple(
        TakenEntry(
            path=submission.path,
            track=submission.track,
            folder=submission.folder,
            main_script=submission.main_script,
            script_blob=_script_blob(submission),
            facts_key=facts_key(submission),
            shell=pack(replace(submission, files=(), _index={})),
        )
        for submission in intake.submissions
    )
    head, when = committed_at(repo, pr)
    return Taken(pr, head, when, intake.notes, entries, perf_counter() - started)


def facts_key(submission: Submission) -> str:
    """Return the digest of everything about `submission` that its facts depend on.

    What the pull request does elsewhere is left out: rules ask for it, facts do not, so that the same folder
    in two pull requests is read once.
    """
    seen = [
        submission.path,
        submission.track,
        submission.folder,
        submission.main_script,
        submission.main_script_reason,
        [
            [file.path, file.blob_id, file.size, file.truncated, file.absent, file.unread]
            for file in submission.files
        ],
    ]
    return hashlib.sha256(json.dumps(seen).encode("utf-8", "surrogatepass")).hexdigest()


def examine(repo: str, key: str, shells: tuple[tuple[Where, bytes], ...]) -> Examined:
    """Read the facts of the folder with this `key`, and judge every entry that shares them.

    Entries come as place and packed submission; the folder of the first one is read again.
    """
    from audits.intake.git import read_again
    from audits.runner import audit
    from harness.sweep.clusters import sketch_of
    from harness.sweep.packing import pack, unpack_record
    from harness.sweep.targets import repository

    started = perf_counter()
    where, shell = shells[0]
    submission = read_again(repository(repo), unpack_record(shell))
    if facts_key(submission) != key:
        raise RuntimeError(f"the files of pull request {where[0]} are not those that intake saw")
    result = audit(submission)
    _require_memory(result.crash, result.outcomes)
    if result.facts is None:
        return Examined(None, _last_line(result.crash), None, (), perf_counter() - started)
    judged = tuple(
        _judge(result.facts, where, shell, result.outcomes if index == 0 else None)
        for index, (where, shell) in enumerate(shells)
    )
    stored = replace(result.facts, submission=replace(submission, _index={}))
    return Examined(pack(stored), "", sketch_of(stored), judged, perf_counter() - started)


def examine_all(
    repo: str, folders: tuple[tuple[str, tuple[tuple[Where, bytes], ...]], ...]
) -> tuple[Examined, ...]:
    """Examine folders that share a script, one after another: what is read off the script is read once."""
    from audits.facts.code.kept import forget

    try:
        return tuple(examine(repo, key, shells) for key, shells in folders)
    finally:
        # The next task has another script, and may need the room.
        forget()


def judge_again(facts: bytes, shells: tuple[tuple[Where, bytes], ...]) -> tuple[JudgedEntry, ...]:
    """Judge entries by their stored facts, without reading or parsing anything of theirs."""
    from harness.sweep.packing import unpack_record

    known: Facts = unpack_record(facts)
    return tuple(_judge(known, where, shell, None) for where, shell in shells)


def decide_again(outcomes: str) -> tuple[StoredVerdict, ...]:
    """Return the verdicts that these policies make of stored outcomes."""
    from harness.sweep.reader import outcomes_from_json

    return verdicts_of(outcomes_from_json(outcomes))


def verdicts_of(outcomes: tuple[Outcome, ...]) -> tuple[StoredVerdict, ...]:
    """Return the verdict under every policy."""
    from audits.policy import POLICY_NAMES, load_policy
    from audits.verdict import decide

    return tuple(_stored(decide(outcomes, load_policy(name))) for name in POLICY_NAMES)


def parse_only(repo: str, shell: bytes) -> float:
    """Return the CPU seconds of `ast.parse` over the unpacked main script: the floor of any audit."""
    import ast
    import contextlib
    import warnings

    from audits.intake.git import read_again
    from audits.unpack.layers import unpack
    from harness.sweep.packing import unpack_record
    from harness.sweep.targets import repository

    main = unpack(read_again(repository(repo), unpack_record(shell))).main
    started = process_time()
    if main is not None:
        broken = (SyntaxError, ValueError, RecursionError, MemoryError)
        with warnings.catch_warnings(), contextlib.suppress(*broken):
            warnings.simplefilter("ignore")
            ast.parse(main.source)
    return process_time() - started


def _judge(facts: Facts, where: Where, shell: bytes, outcomes: tuple[Outcome, ...] | None) -> JudgedEntry:
    from audits.rules import discover
    from audits.runner import run_rule
    from harness.sweep.packing import unpack_record
    from harness.sweep.reader import outcomes_to_json
    from harness.sweep.summary import summarise

    if outcomes is None:
        own = replace(unpack_record(shell), files=facts.submission.files)
        facts = replace(facts, submission=own)
        outcomes = tuple(run_rule(rule, facts) for rule in discover())
        _require_memory(None, outcomes)
    return JudgedEntry(where, outcomes_to_json(outcomes), summarise(facts), verdicts_of(outcomes))


def _require_memory(crash: str | None, outcomes: tuple[Outcome, ...]) -> None:
    """Raise `MemoryError` where a stage or a rule ran out of memory: the executor knows what follows."""
    from audits.outcome import Status

    if ran_short(crash) or any(
        outcome.status is Status.CRASHED and ran_short(outcome.reason) for outcome in outcomes
    ):
        raise MemoryError


def _stored(verdict: Verdict) -> StoredVerdict:
    return StoredVerdict(
        policy=verdict.policy,
        edition=verdict.edition.isoformat(),
        overall=verdict.overall.value,
        axes={entry.axis.value: entry.call.value for entry in verdict.axes},
        deciding=verdict.deciding,
    )


def _last_line(traceback: str | None) -> str:
    """Return the line of a traceback that names the exception."""
    lines = (traceback or "").strip().splitlines()
    return lines[-1][:300] if lines else "no facts"


def _script_blob(submission: Submission) -> str:
    script = submission.file(submission.main_script) if submission.main_script else None
    return script.blob_id if script else ""
