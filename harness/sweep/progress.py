"""What a person sees of a sweep: a bar with rate and time to go, then the totals. Goes to standard error and
output.
"""

from __future__ import annotations

import resource
import sys
from collections import Counter
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from harness.report.escape import one_line
from harness.sweep.reader import Reader
from harness.sweep.records import State
from harness.sweep.smoke_phase import probes_of

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from rich.progress import Task, TaskID

    from harness.sweep.sweeper import Report

_KIBIBYTES_A_MEGABYTE = 1000 * 1000 / 1024
_SHOWN_CRASHES = 20


class _Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        """Return the rate of the last while."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="progress.data.speed")


class TerminalProgress:
    """A bar a phase; without a terminal a line a phase."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.bars = Progress(
            TextColumn("{task.description}", justify="left"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            _Rate(),
            TextColumn("eta"),
            TimeRemainingColumn(),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing."""
        self.bars.stop()

    def phase(self, name: str, total: int) -> None:
        """Begin a phase of `total` steps."""
        if self.bars.disable:
            print(f"{name}: {total}", file=sys.stderr, flush=True)
        self.task = self.bars.add_task(name, total=total)

    def step(self) -> None:
        """Tell that one more step is done."""
        if self.task is not None:
            self.bars.advance(self.task)


def print_report(report: Report, out: Path) -> None:
    """Print what the sweep did, and every crash with its cause."""
    print(
        f"{report.asked} pull requests asked for: "
        + ", ".join(f"{report.states[state]} {state.value.replace('_', ' ')}" for state in State)
    )
    print(f"{report.folders} record folders audited, in {report.clusters} clusters")
    print(f"{report.read} read anew, {report.judged} judged again from stored facts, {report.seconds:.1f} s")
    if report.smoked:
        print(f"{report.smoked} run in boxes")
    if report.probed:
        print(f"{report.probed} probed in boxes")
    if report.parse_seconds is not None:
        print(f"floor: ast.parse alone over {report.parsed} distinct scripts, {report.parse_seconds:.1f} s")
    print(f"peak memory: {_peak_megabytes('self'):.0f} MB here, {_peak_megabytes('workers'):.0f} MB a worker")
    reader = Reader.open(out)
    _print_calls(reader)
    _print_smokes(reader)
    _print_probes(reader)
    _print_crashes(reader)
    reader.close()
    if report.interrupted:
        print(f"interrupted; the same command goes on where it stopped (results in {out})")


def _print_calls(reader: Reader) -> None:
    calls = Counter(item.verdicts["practice"].legality for item in reader.judged())
    print("legality: " + ", ".join(f"{count} {call}" for call, count in calls.most_common()))


def _print_smokes(reader: Reader) -> None:
    """Print how the smoke runs ended, where there are any."""
    labels = Counter(result.label.value for result in reader.smokes().values())
    if labels:
        print("smoke: " + ", ".join(f"{count} {label}" for label, count in labels.most_common()))


def _print_probes(reader: Reader) -> None:
    """Print what the probes say, where there are any."""
    verdicts = Counter(result.verdict.value for result in probes_of(reader).values())
    if verdicts:
        print("probe: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()))


def _print_crashes(reader: Reader) -> None:
    crashed = [pull for pull in reader.pulls() if pull.state is State.CRASHED]
    for pull in crashed[:_SHOWN_CRASHES]:
        print(f"crashed: #{pull.pr}: {one_line(pull.cause, 300)}")
    if len(crashed) > _SHOWN_CRASHES:
        print(f"crashed: and {len(crashed) - _SHOWN_CRASHES} more")


def _peak_megabytes(who: str) -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF if who == "self" else resource.RUSAGE_CHILDREN)
    return usage.ru_maxrss / _KIBIBYTES_A_MEGABYTE
