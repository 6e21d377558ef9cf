"""One run of the script as `__main__`, watched, in a process of its own.

Its trace goes into memory that the parent made.

Promises that a run differs from another in nothing but its folder, its run id and its validation stream.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import attempts
from ..data.vocabulary import home_of
from ..job import Job
from ..shim import ranks
from ..shim.patching import used_parts
from ..smoke import evaluations
from ..smoke.run_stage import ExitStatusError
from ..smoke.session import ALL, Session
from ..source import accumulations, loader, warmups
from . import blocks, forks, plant, poison, sizes, streams, watch_losses, watch_sums, watch_weights
from .mlx_run import MlxRun
from .recorder import RECORDER
from .runs import CHANGED, PLAIN, PLANTED, RANKS, SCALED
from .trace import MAX_BYTES, Event, Kind, encode
from .watch_files import Files

MAX_LINE = 120
_COLLECTIVES = ("all_reduce", "broadcast(", "all_gather", "reduce_scatter", "DistributedDataParallel")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is particular to one run."""

    name: str
    root: Path
    """The record folder, laid out."""
    number: int
    """Its run id's."""
    reload: int = 0
    """At which opening of a file of its own the memory is spoilt, counted from one; 0 for never."""
    phase: int = -1
    """Which evaluation is replayed for each entry of a small vocabulary; -1 for none."""
    rank: int = -1
    """Which of `RANKS` processes this is; -1 for a run by itself."""


class Child:
    """One run in this process."""

    def __init__(self, job: Job, plan: Plan, memory: int) -> None:
        self.plan = plan
        self.memory = memory
        job = replace(job, virtual_clock=True)
        if plan.phase >= 0:
            kept = tuple(pair for pair in job.env if pair[0] != "VOCAB_SIZE")
            job = replace(job, env=(*kept, ("VOCAB_SIZE", str(sizes.VOCABULARY))))
        self.session = Session(job, plan.root, ALL)
        self.session.layout.only = plan.phase >= 0
        self.shards = plan.root.parents[2] / "validation"
        self.files = Files(plan.root, self.shards)
        self.mlx = MlxRun(self.files)

    def stage(self) -> dict[str, Any]:
        """Run the script; whatever becomes of it, leave the trace."""
        os.environ["REFEREE_SCRATCH"] = str(self.shards.parent)
        self.session.layout.validation = streams.writer(self.shards, self.plan.name)
        self._watch()
        self.session.begin()
        os.environ["RUN_ID"] = f"probe{self.plan.number}"
        if self.plan.rank >= 0:
            ranks.join(self.plan.rank, RANKS, str(self.shards.parent / "ranks"))
        if self.plan.name == PLAIN:
            loader.REWRITES.append(blocks.mark)
            loader.HELPERS[blocks.RAN] = blocks.ran
        RECORDER.open = True
        try:
            self._run()
        finally:
            self._leave()
        attempts.tampered()
        return {"shims": list(used_parts()), "lines": self._lines()}

    def _watch(self) -> None:
        loader.HELPERS.update(
            {
                accumulations.SUM: watch_sums.reduction,
                accumulations.ADD: watch_sums.adding,
                accumulations.READ: watch_sums.reading,
                "sum": watch_sums.summing,
            }
        )
        loader.REWRITES += [accumulations.instrument, warmups.instrument]
        watch_losses.install()
        watch_weights.install()
        self.files.install()
        loader.LISTENERS += [_joins, self.mlx.learn]
        evaluations.BEGUN.append(self._begun)
        evaluations.DONE.append(RECORDER.end)
        evaluations.HEARD.append(_printed)
        if self.plan.reload:
            poison.plan(self.plan.reload, str(self.plan.root))
        if self.plan.phase >= 0:
            self._replay()
        if self.plan.name == PLANTED:
            loader.LISTENERS.append(self._plant)

    def _replay(self) -> None:
        """Replay one evaluation with a small vocabulary, tables as large as they are or scaled."""
        sizes.install(scaled=self.plan.name == SCALED)
        home = home_of(sizes.VOCABULARY)
        stream, _ = streams.stream(home, self.plan.name)
        replays = forks.Replays(self.plan.phase, streams.REPLAYED, sizes.VOCABULARY, stream)
        replays.shard = str(self.shards / home.name / "val.bin")
        evaluations.BEGUN += [self.mlx.settle, replays.begun]
        forks.entered.append(self.mlx.revive)
        evaluations.DONE.append(replays.done)

    def _begun(self, function: Any) -> None:
        shard = Path(self.files.validation).parent.name
        RECORDER.vocabulary = int(shard) if shard.isdigit() else self.session.layout.size
        RECORDER.begin(function)

    def _plant(self, _: str) -> None:
        if not watch_losses.before:
            home = home_of(self.session.layout.size)
            # A script that scores in no evaluating function never says which vocabulary it scores (#1550).
            RECORDER.vocabulary = RECORDER.vocabulary or self.session.layout.size
            later, change = streams.stream(home, CHANGED[0])
            plant.install(plant.size(later, change.first))

    def _run(self) -> None:
        try:
            self.session.run("__main__")
        except forks.ReplaysDoneError:
            return
        except SystemExit as error:
            if error.code not in (None, 0):
                raise ExitStatusError(f"the script called exit with {error.code!r}").with_traceback(
                    error.__traceback__
                ) from None

    def _leave(self) -> None:
        RECORDER.open = False
        RECORDER.facts["vocab_size"] = self.session.layout.size
        RECORDER.facts["validation"] = Path(self.files.validation).parent.name
        data = encode(RECORDER.trace())[:MAX_BYTES]
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        while data:
            data = data[os.write(self.memory, data) :]

    def _lines(self) -> dict[str, list[str]]:
        return blocks.lines(str(self.plan.root)) if self.plan.name == PLAIN else {}


def _joins(text: str) -> None:
    """Note a source that exchanges tensors with other ranks."""
    if any(word in text for word in _COLLECTIVES):
        RECORDER.facts["collectives"] = True


def _printed(name: str, number: float, line: str) -> None:
    RECORDER.put(Event(Kind.PRINT, line.strip()[:MAX_LINE], RECORDER.phase, number, text=name))


def reload_of(events: tuple[Event, ...]) -> int:
    """Return which opening of a file of its own is the last before the last evaluation; 0 for none."""
    ends = [index for index, event in enumerate(events) if _reports(event)]
    last = ends[-1] if ends else len(events)
    begin = max((i for i, e in enumerate(events[:last]) if e.kind is Kind.BEGIN), default=last)
    return sum(event.kind is Kind.LOAD for event in events[:begin])


def _reports(event: Event) -> bool:
    return event.kind is Kind.END and event.values is not None and event.values.size > 0
