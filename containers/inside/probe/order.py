"""Which runs of a script are made, two at a time, and what the parent keeps of each.

Traces come out of memory that the parent made; streams and artifacts are read by the parent itself.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import zygote
from ..channel import Channel
from ..data.vocabulary import SIZES, home_of
from ..job import Job
from ..smoke import workplace
from ..smoke.order import PACKED
from . import forks, pairs, sizes, streams
from .child import Plan, reload_of
from .coverage import coverage
from .finding import (
    EVENT_COVERAGE,
    EVENT_LINES,
    EVENT_PHASE,
    EVENT_RUN,
    EVENT_WHOLE,
    Call,
    PhaseEnd,
    Test,
    TestEnd,
)
from .left import run_child
from .replays import replay_of
from .runs import (
    AGAIN,
    CHANGED,
    NORMALISED,
    PLAIN,
    PLANTED,
    RANKED,
    RANKED_AGAIN,
    RANKED_CHANGED,
    RELOADED,
    SCALED,
    Replay,
    Run,
    Runs,
)
from .trace import Kind, Trace

RUN_SECONDS = 150.0
"""Processor time of a run where the job names none."""
PROBE_SECONDS = 420.0
"""Wall time after which no further run is begun."""
LANES = 2
ORDER = (PLAIN, CHANGED[0], AGAIN, PLANTED, NORMALISED, RELOADED, *CHANGED[1:], SCALED)
MAX_FILE = 64 * 1024 * 1024


class Probe:
    """All runs of one job."""

    def __init__(
        self,
        job: Job,
        channel: Channel,
        phases: Callable[[Runs], tuple[PhaseEnd, ...]],
        whole: Callable[[Runs], tuple[TestEnd, ...]],
    ) -> None:
        """Keep the job, and the comparison of phases and of runs as a whole."""
        self.phases = phases
        self.whole = whole
        self.job = job
        self.channel = channel
        self.runs: dict[str, Run] = {}
        self.skipped: dict[str, str] = {}
        self.replays: dict[str, Replay] = {}
        self.ranked: dict[str, tuple[Run, ...]] = {}
        self.seconds = job.seconds("run", RUN_SECONDS)
        self.until = time.monotonic() + job.seconds("probe", PROBE_SECONDS)

    def run(self) -> bool:
        """Make the runs, compare them and report; return whether the plain run came to its end."""
        waiting, busy = list(ORDER), dict[Future[Run], str]()
        with ThreadPoolExecutor(LANES) as lanes:
            while waiting or busy:
                self._begin(waiting, busy, lanes)
                done, _ = wait(busy, return_when=FIRST_COMPLETED) if busy else (set(), None)
                for future in done:
                    self.runs[busy.pop(future)] = future.result()
        self._rank()
        self._report()
        plain = self.runs.get(PLAIN)
        return plain is not None and plain.ok

    def _begin(self, waiting: list[str], busy: dict[Future[Run], str], lanes: ThreadPoolExecutor) -> None:
        """Begin as many runs as there are lanes for, leaving out those that would say nothing."""
        while waiting and len(busy) < LANES and self._is_known(waiting[0]):
            name = waiting.pop(0)
            reason = self._needless(name)
            if reason:
                self._skip(name, reason)
            else:
                busy[lanes.submit(self._make, name)] = name

    def _is_known(self, name: str) -> bool:
        """Return whether what a run hangs on is done: the first two begin at once."""
        if name in (PLAIN, CHANGED[0]):
            return True
        if name == SCALED:
            return NORMALISED in {*self.runs, *self.skipped}
        if name in (*CHANGED[1:], NORMALISED):
            return {PLAIN, AGAIN, CHANGED[0]} <= {*self.runs, *self.skipped}
        return PLAIN in self.runs

    def _needless(self, name: str) -> str:
        """Return why a run need not be made, empty where it must."""
        plain = self.runs.get(PLAIN)
        if plain is not None and not plain.ok:
            return "the plain run did not come to its end"
        if time.monotonic() > self.until:
            return "no time was left"
        if name == RELOADED and plain is not None and not reload_of(plain.trace.events):
            return "no file that the run wrote was read back before the last evaluation"
        if name in (*CHANGED[1:], NORMALISED) and self._ended_as(Test.SUFFIX, Call.LEAK):
            return "a leak was seen already"
        if name == NORMALISED:
            return self._not_replayed()
        return self._not_scaled() if name == SCALED else ""

    def _not_scaled(self) -> str:
        if self._ended_as(Test.NORMALISATION, Call.LEAK):
            return "a leak was seen already"
        run = self.runs.get(NORMALISED)
        tables = run.trace.facts.get("tables") if run is not None else None
        return "" if tables else self.skipped.get(NORMALISED, "no table whose size is named")

    def _not_replayed(self) -> str:
        if self._ended_as(Test.NORMALISATION, Call.CLEAN):
            return "each value is the log-softmax of its row of logits"
        headline = self._headline()
        if headline is None or headline.phase < 0 or not headline.items:
            return "no function that evaluates was seen to give the number reported"
        return ""

    def _headline(self) -> PhaseEnd | None:
        return next((phase for phase in self.phases(self._all()) if phase.headline), None)

    def _ended_as(self, test: Test, call: Call) -> bool:
        """Return whether a test has ended so on the headline, by the runs so far."""
        headline = self._headline()
        return headline is not None and any(end.test is test and end.call is call for end in headline.tests)

    def _make(self, name: str) -> Run:
        """Make one run; called from a thread, which waits for the child."""
        number = ORDER.index(name)
        root = workplace.lay_out(f"run{number}")
        known = workplace.files_of(root)
        plain = self.runs.get(PLAIN)
        reload = reload_of(plain.trace.events) if name == RELOADED and plain is not None else 0
        allowed = self.seconds + forks.SECONDS * (name in (NORMALISED, SCALED))
        left = run_child(self.job, Plan(name, root, number, reload, self._phase(name)), allowed)
        trace, ended = left.trace, left.ended
        files = artifacts(root, known, _read_back(trace))
        run = self._run_of(name, trace, ended, {_without(number, path): made for path, made in files.items()})
        self._ended(name, run, ended)
        if name == PLAIN:
            self._covered(trace, ended)
        if name in (NORMALISED, SCALED):
            self._replayed(name, run)
        return run

    def _rank(self) -> None:
        """Run as several ranks, where what one of them learns could reach another's scores."""
        reason = self._one_rank_will_do()
        for name in () if reason else (RANKED, RANKED_CHANGED, RANKED_AGAIN):
            reason = reason or self._no_more_ranks(name)
            if not reason:
                self.ranked[name] = self._make_ranks(name)
        self.skipped[RANKED] = reason

    def _one_rank_will_do(self) -> str:
        """Return why runs as several ranks would say nothing, empty where they may."""
        plain, headline = self.runs.get(PLAIN), self._headline()
        if plain is None or not plain.ok or headline is None or not headline.items:
            return "the headline's scores were not seen in one process"
        ends = {end.test: end for end in headline.tests if end.test is not Test.BOUNDARY}
        if any(end.call is Call.LEAK for end in ends.values()):
            return "a leak was seen already"
        order = ends.get(Test.UPDATE_ORDER)
        if order is None or not order.figures.get("positions_learnt"):
            return "no adaptation in the evaluation"
        return "" if plain.trace.facts.get("collectives") else "the script exchanges nothing between ranks"

    def _no_more_ranks(self, name: str) -> str:
        """Return why a run as several ranks need not be made, empty where it must."""
        failed = next((run for runs in self.ranked.values() for run in runs if not run.ok), None)
        if failed is not None:
            return f"as two ranks the script did not run to its end: {failed.error[:200]}"
        if time.monotonic() > self.until:
            return "no time was left"
        if name == RANKED_AGAIN:
            ends = [end for end in self.whole(self._all()) if end.test is Test.RANK_SLICES]
            return "" if any(end.count for end in ends) else "nothing differed"
        return ""

    def _make_ranks(self, name: str) -> tuple[Run, ...]:
        """Make one run as several ranks, and tell of it as of one run."""
        number = len(ORDER) + (RANKED, RANKED_CHANGED, RANKED_AGAIN).index(name)
        made = pairs.make(self.job, name, number, self.seconds)
        runs = tuple(
            replace(self._run_of(name, one.trace, one.ended, {}), name=f"{name} rank {rank}")
            for rank, one in enumerate(made)
        )
        worst = min(range(len(made)), key=lambda rank: runs[rank].ok)
        whole = replace(
            made[worst].ended,
            seconds=max(one.ended.seconds for one in made),
            cpu_seconds=sum(one.ended.cpu_seconds for one in made),
        )
        self._ended(name, runs[worst], whole)
        return runs

    def _phase(self, name: str) -> int:
        """Return which evaluation a run replays, -1 for none."""
        headline = self._headline() if name in (NORMALISED, SCALED) else None
        return -1 if headline is None else headline.phase

    def _replayed(self, name: str, run: Run) -> None:
        """Keep what a run's replays give, or why they give nothing."""
        load = "scaled" if name == SCALED else "default"
        made = replay_of(run.trace, streams.REPLAYED, sizes.VOCABULARY, load)
        if made is not None:
            self.replays[name] = made
            return
        told = run.trace.facts.get("replays")
        seconds = told.get("seconds", 0.0) if isinstance(told, dict) else 0.0
        why = f"replays would take {seconds} s" if seconds else "replays do not fit together"
        self.skipped[name] = f"{why} {run.error}".strip()

    def _run_of(self, name: str, trace: Trace | None, ended: zygote.Ended, files: dict[str, str]) -> Run:
        stream, change = streams.stream(self._home(trace), name)
        if name == PLANTED:
            change = streams.changes(stream)[CHANGED[0]]
        error = ended.error or {}
        return Run(
            name=name,
            trace=trace or Trace(()),
            stream=stream,
            start=change.first,
            stop=stream.size if change.first >= 0 and change.end < 0 else change.end,
            ok=ended.ok and trace is not None,
            error=f"{error.get('class', '')}: {error.get('message', '')}"[:300] if error else "",
            error_line=f"{error.get('file', '')}:{error.get('line', '')}"[:200] if error else "",
            artifacts=files,
            seconds=ended.seconds,
            cpu_seconds=ended.cpu_seconds,
        )

    def _home(self, trace: Trace | None) -> Path:
        """Return the folder of the vocabulary whose validation shard the run says that it read."""
        facts = trace.facts if trace is not None else {}
        for key in ("validation", "vocab_size"):
            if str(facts.get(key, "")).isdigit() and 256 <= int(str(facts[key])) <= 65536:
                return home_of(int(str(facts[key])))
        return home_of(1024 if 1024 in SIZES else SIZES[0])

    def _all(self) -> Runs:
        plain = self.runs.get(PLAIN)
        counts, spaces, control = streams.counted(
            streams.read_pieces(self._home(plain.trace if plain is not None else None))
        )
        compared = {name: run for name, run in self.runs.items() if name not in (NORMALISED, SCALED)}
        replays = tuple(self.replays.values())
        labels, skipped = self.job.headline_labels, dict(self.skipped)
        return Runs(compared, counts, spaces, control, skipped, replays, labels, dict(self.ranked))

    def _report(self) -> None:
        runs = self._all()
        for phase in self.phases(runs):
            self.channel.send(EVENT_PHASE, **phase.document())
        for end in self.whole(runs):
            self.channel.send(EVENT_WHOLE, **end.document())

    def _ended(self, name: str, run: Run, ended: zygote.Ended) -> None:
        self.channel.send(
            EVENT_RUN,
            run=name,
            status="ok" if run.ok else "failed",
            seconds=round(ended.seconds, 3),
            cpu_seconds=round(ended.cpu_seconds, 3),
            error=ended.error,
            events=len(run.trace.events),
            start=run.start,
        )

    def _skip(self, name: str, reason: str) -> None:
        self.skipped[name] = reason
        self.channel.send(EVENT_RUN, run=name, status="skipped", seconds=0.0, cpu_seconds=0.0, reason=reason)

    def _covered(self, trace: Trace | None, ended: zygote.Ended) -> None:
        if trace is not None:
            self.channel.send(EVENT_COVERAGE, **coverage(trace).document())
        lines: dict[str, Any] = ended.facts.get("lines") or {}
        for file, texts in list(lines.items())[:40]:
            self.channel.send(EVENT_LINES, file=file, lines=texts)


def _read_back(trace: Trace | None) -> frozenset[str]:
    """Return the files that a run says it wrote and read back."""
    events = trace.events if trace is not None else ()
    return frozenset(event.text for event in events if event.kind is Kind.LOAD)


def _without(number: int, path: str) -> str:
    """Return a path without the run's own id, by which files are named."""
    return path.replace(f"probe{number}", "probe")


def artifacts(root: Path, known: frozenset[str], read_back: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the digests of the files that a run has written into its folder and packed, or read back."""
    found = {}
    for path, size in workplace.files_written(root, known)[:200]:
        name = os.path.basename(path)
        if (
            not (path.endswith(PACKED) or path in read_back)
            or path.startswith(("data/", "placed/"))
            or name.startswith("fineweb_")
        ):
            continue
        if size <= MAX_FILE:
            found[path] = _digest(root / path)
    return found


def _digest(path: Path) -> str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with os.fdopen(handle, "rb") as file:
        return hashlib.sha256(file.read(MAX_FILE + 1)).hexdigest()
