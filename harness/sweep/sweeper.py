"""Carry out a sweep: find what is not known yet, have it worked out, keep it. Judges nothing itself.

Promises that every pull request asked for ends in exactly one state, that whatever finished is kept when the
sweep is interrupted, and that nothing is read, parsed or judged a second time unless it, or the code that
does it, changed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from harness.sweep import smoke_phase, targets, work
from harness.sweep.clusters import name_clusters
from harness.sweep.executor import Done, Executor, Limits, Task, open_executor
from harness.sweep.records import Entry, Pull, State
from harness.sweep.store import Store
from harness.sweep.versions import Versions, current

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from harness.probe.probing import ProbeSetup
    from harness.smoke.workshop import Setup
    from harness.sweep.records import Where

_TOGETHER = 6
"""Folders a task, at most."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be swept, and how."""

    repo: str
    out: Path
    prs: str | None = None
    """Ranges such as `1-200,305`."""
    labels: Path | None = None
    since: date | None = None
    base: str | None = None
    executor: str = "local"
    jobs: int | None = None
    limits: Limits = field(default_factory=Limits)
    retry_crashed: bool = False
    smoke: Setup | None = None
    """How to run each folder's own code in a box, None not to."""
    probe: ProbeSetup | None = None
    """How to probe each folder's own evaluation in a box, None not to."""
    smoke_jobs: int = 2
    """Boxes at a time."""
    measure_floor: bool = False
    """Whether to time `ast.parse` over the same scripts afterwards."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one sweep did."""

    asked: int
    states: Counter[State]
    """Pull requests by state; the counts add up to `asked`."""
    folders: int
    """Record folders audited."""
    read: int
    """Facts that were read anew."""
    smoked: int
    """Folders whose own code was run now."""
    probed: int
    """Folders that were probed now."""
    judged: int
    """Entries whose stored facts were judged again."""
    clusters: int
    seconds: float
    parse_seconds: float | None
    """CPU time that `ast.parse` alone takes over the same distinct scripts, spread over the workers."""
    parsed: int
    interrupted: bool


class Progress(Protocol):
    """Whoever is told how far a sweep is."""

    def phase(self, name: str, total: int) -> None:
        """Begin a phase of `total` steps."""

    def step(self) -> None:
        """Tell that one more step is done."""


def sweep(request: Request, progress: Progress) -> Report:
    """Sweep, and return what was done; Ctrl-C ends it early with what there is."""
    started = perf_counter()
    known = targets.heads(request.repo)
    chosen = targets.choose(request.repo, known, prs=request.prs, labels=request.labels, since=request.since)
    run = _Sweep(request, progress, known)
    interrupted = False
    try:
        run.everything(chosen)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        run.close()
    seconds = perf_counter() - started
    parse_seconds, parsed = (None, 0)
    if request.measure_floor and not interrupted:
        parse_seconds, parsed = run.floor()
        run.close()
    pulls, entries = run.store.pulls(), run.store.entries()
    run.store.close()
    return Report(
        asked=len(chosen),
        states=Counter(pull.state for pull in pulls),
        folders=sum(entry.state is State.AUDITED for entry in entries),
        read=run.read,
        judged=run.judged,
        smoked=run.smoked,
        probed=run.probed,
        clusters=len({entry.cluster for entry in entries if entry.cluster}),
        seconds=seconds,
        parse_seconds=parse_seconds,
        parsed=parsed,
        interrupted=interrupted,
    )


class _Sweep:
    """One sweep under way: the store, and workers once there is work."""

    def __init__(self, request: Request, progress: Progress, known: dict[int, str]) -> None:
        self.request, self.progress, self.known = request, progress, known
        self.base = targets.base_commit(request.repo, request.base)
        self.versions: Versions = current()
        self.store = Store.create(request.out)
        self.executor: Executor | None = None
        self.read = 0
        self.judged = 0
        self.smoked = 0
        self.probed = 0
        # Opened first: who has no engine should hear it before hours of reading.
        self.workshop = smoke_phase.open_workshop(request.smoke, progress) if request.smoke else None
        self.bench = smoke_phase.open_bench(request.probe, self.workshop, progress) if request.probe else None

    def everything(self, chosen: list[int]) -> None:
        """Bring every pull request that was asked for up to date."""
        self.store.ask(chosen, self._about())
        if self.request.retry_crashed:
            self.store.forget_crashes()
        self._take_in(chosen)
        self._examine()
        self._judge_again()
        self._decide_again()
        if self.workshop is not None:
            request = self.request
            how = (self.workshop, request.repo, request.smoke_jobs, self.progress)
            self.smoked = smoke_phase.smoke_missing(self.store, *how, retry=request.retry_crashed)
        if self.bench is not None:
            request = self.request
            bench = (self.bench, request.repo, request.smoke_jobs, self.progress)
            named = targets.labelled_folders(request.labels) if request.labels else None
            self.probed = smoke_phase.probe_missing(
                self.store, *bench, retry=request.retry_crashed, folders=named
            )
        smoke_phase.merge(self.store, self.versions)
        self._cluster()

    def _about(self) -> dict[str, str]:
        return {
            "repo": Path(self.request.repo).name,
            "base": self.base,
            "extractor": self.versions.extractor,
            "rulebook": self.versions.rulebook,
            "policy": self.versions.policy,
        }

    def _take_in(self, chosen: list[int]) -> None:
        fresh = self.store.fresh_pulls(self.base, self.versions.extractor)
        stale = [pr for pr in chosen if pr not in fresh or fresh[pr] != self.known.get(pr, "")]
        tasks = (Task(pr, work.take_in, (self.request.repo, pr, self.base)) for pr in stale)
        for done in self._run("reading pull requests", len(stale), tasks):
            self._keep_taken(done)

    def _keep_taken(self, done: Done) -> None:
        taken: work.Taken | None = done.result
        if taken is None:
            lost = Pull(done.key, self.known.get(done.key, ""), "", State.CRASHED, done.cause, ())
            self.store.put_pull(lost, self.base, self.versions.extractor, 0.0, ())
            return
        pull = Pull(taken.pr, taken.head_sha, taken.committed_at, State.PENDING, "", taken.notes)
        entries = [
            (_entry(taken.pr, position, found), found.shell) for position, found in enumerate(taken.entries)
        ]
        self.store.put_pull(pull, self.base, self.versions.extractor, taken.seconds, entries)

    def _examine(self) -> None:
        """Audit what is missing: folders with the same script together, alone where that gave nothing."""
        missing = self.store.missing_facts(self.versions.extractor)
        groups = together(missing, self.store.scripts())
        while groups:
            tasks = (Task(keys, work.examine_all, self._folders(keys, missing)) for keys in groups)
            alone: list[tuple[str, ...]] = []
            for done in self._run("auditing", sum(map(len, groups)), tasks):
                if done.result is None and len(done.key) > 1:
                    alone += [(key,) for key in done.key]
                    continue
                with self.store.transaction():
                    for key, found in zip(done.key, done.result or (None,), strict=True):
                        self._keep_facts(key, found, done.cause)
                self.read += len(done.key)
                for _ in done.key[1:]:
                    self.progress.step()
            groups = alone

    def _folders(self, keys: tuple[str, ...], places: dict[str, list[Where]]) -> tuple[Any, ...]:
        """Return the arguments of `work.examine_all`."""
        return self.request.repo, tuple((key, self._shells(places[key])) for key in keys)

    def _keep_facts(self, key: str, found: work.Examined | None, cause: str) -> None:
        extractor = self.versions.extractor
        if found is None:
            self.store.put_facts(key, extractor, None, cause, None, self.request.limits.seconds)
            return
        self.store.put_facts(key, extractor, found.facts, found.cause, found.sketch, found.seconds)
        for judged in found.judged:
            self.store.put_judgement(judged, key, self.versions)

    def _judge_again(self) -> None:
        stale = self.store.stale_judgements(self.versions)
        tasks = (
            Task(key, work.judge_again, (self.store.facts_record(key), self._shells(places)))
            for key, places in stale.items()
        )
        for done in self._run("judging stored facts", len(stale), tasks):
            with self.store.transaction():
                if done.result is None:
                    self.store.put_facts(done.key, self.versions.extractor, None, done.cause, None, 0.0)
                for judged in done.result or ():
                    self.store.put_judgement(judged, done.key, self.versions)
                    self.judged += 1

    def _decide_again(self) -> None:
        stale = self.store.stale_verdicts(self.versions)
        tasks = (Task(where, work.decide_again, (self.store.outcomes_json(where),)) for where in stale)
        for done in self._run("weighing outcomes", len(stale), tasks):
            if done.result is None:
                raise RuntimeError(f"no verdict on {done.key}: {done.cause}")
            with self.store.transaction():
                self.store.put_verdicts(done.key, done.result, self.versions)

    def _cluster(self) -> None:
        sketches, digest = self.store.sketches()
        if digest:
            self.progress.phase("comparing scripts", 1)
            self.store.put_clusters(name_clusters(sketches), digest)
            self.progress.step()

    def floor(self) -> tuple[float, int]:
        """Return the seconds that `ast.parse` takes over every distinct script, and how many there are."""
        places: dict[str, Where] = {}
        for entry in self.store.entries():
            if entry.state is State.AUDITED and entry.script_blob:
                places.setdefault(entry.script_blob, (entry.pr, entry.position))
        tasks = (
            Task(blob, work.parse_only, (self.request.repo, self.store.shell(where)))
            for blob, where in places.items()
        )
        spent = [done.result or 0.0 for done in self._run("parsing alone", len(places), tasks)]
        workers = self.executor.jobs if self.executor else 1
        return sum(spent) / workers, len(places)

    def _shells(self, places: Iterable[Where]) -> tuple[tuple[Where, bytes], ...]:
        return tuple((where, self.store.shell(where)) for where in places)

    def _run(self, phase: str, total: int, tasks: Iterator[Task]) -> Iterator[Done]:
        if not total:
            return
        if self.executor is None:
            self.executor = open_executor(self.request.executor, self.request.jobs, self.request.limits)
        self.progress.phase(phase, total)
        for done in self.executor.run(tasks):
            yield done
            self.progress.step()

    def close(self) -> None:
        """End the workers."""
        if self.executor is not None:
            self.executor.close()
            self.executor = None


def together(keys: Iterable[str], scripts: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return the keys of folders in groups with one script, large ones first: short tasks end a sweep."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(scripts.get(key) or key, []).append(key)
    found = [tuple(part) for keys in groups.values() for part in batched(keys)]
    return sorted(found, key=len, reverse=True)


def batched(keys: list[str]) -> Iterator[list[str]]:
    """Yield parts of a group small enough for the time that one task has."""
    for start in range(0, len(keys), _TOGETHER):
        yield keys[start : start + _TOGETHER]


def _entry(pr: int, position: int, found: work.TakenEntry) -> Entry:
    return Entry(
        pr=pr,
        position=position,
        path=found.path,
        track=found.track,
        folder=found.folder,
        main_script=found.main_script,
        script_blob=found.script_blob,
        facts_key=found.facts_key,
        state=State.PENDING,
        cause="",
        cluster="",
    )
