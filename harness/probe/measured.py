"""The probes of one sweep held against labels, row by row, and counted against what was promised.

Every labelled folder is a row, and one that did not run counts as BLIND: nothing is left out of a total.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from containers.probe_result import ProbeVerdict
from harness.score.answers import Answers
from harness.score.cases import meets
from harness.score.figures import share
from harness.smoke.measured import Goal, percentile
from harness.sweep.smoke_phase import probes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from containers.probe_result import ProbeResult
    from harness.score.labels import GoldLabel
    from harness.sweep.reader import Reader

POLICY = "practice"
JUDGED_BY_PROBE = frozenset({"C1", "C2", "C3", "C4"})
CAUGHT_SHARE = 0.90
BLIND_SHARE = 0.10
AGREED_SHARE = 0.98
ALL_SECONDS = 240.0
SUFFIX_SECONDS = 60.0
_SUFFIX_RUNS = ("A", "A2", "B1")
_CORES = 2


class Standing(StrEnum):
    """How a row stands to its label."""

    RIGHT = "right"
    WRONG = "WRONG"
    """A leak where the label is CLEAN, none where it is ILLEGAL, or one under other conditions."""
    BLIND = "BLIND"
    UNCLEAR = "UNCLEAR"
    OPEN = "open"
    """The label itself leaves the question open."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled folder."""

    label: GoldLabel
    result: ProbeResult | None
    """None where the sweep has no probe of the folder."""
    why_not: str
    """Why there is none."""
    legality: str
    """What static analysis and probe together say."""

    @property
    def verdict(self) -> ProbeVerdict:
        """Return the verdict; a folder that was not probed is BLIND."""
        return self.result.verdict if self.result is not None else ProbeVerdict.BLIND

    @property
    def reason(self) -> str:
        """Return why the verdict is what it is."""
        return self.result.reason if self.result is not None else self.why_not

    @property
    def reached(self) -> bool:
        """Tell whether the script came to its end in the box."""
        runs = self.result.runs if self.result is not None else ()
        return any(run.run == "A" and run.status == "ok" for run in runs)

    @property
    def to_catch(self) -> bool:
        """Tell whether the label names a violation that a probe is there to find."""
        return self.label.axes.legality == "ILLEGAL" and not JUDGED_BY_PROBE.isdisjoint(self.label.conditions)

    @property
    def caught(self) -> bool:
        """Tell whether it was found under a condition that the label names."""
        conditions = self.result.conditions if self.result is not None else ()
        return self.verdict is ProbeVerdict.LEAK and not set(conditions).isdisjoint(self.label.conditions)

    @property
    def accused(self) -> bool:
        """Tell whether a leak was found that makes a submission illegal: a wrong count of bytes does not."""
        conditions = self.result.conditions if self.result is not None else ()
        return self.verdict is ProbeVerdict.LEAK and set(conditions) != {"BPB"}

    @property
    def standing(self) -> Standing:
        """Return how the row stands to its label."""
        if self.verdict is ProbeVerdict.BLIND:
            return Standing.BLIND
        if self.verdict is ProbeVerdict.UNCLEAR:
            return Standing.UNCLEAR
        if self.to_catch:
            return Standing.RIGHT if self.caught else Standing.WRONG
        if self.label.axes.legality == "CLEAN":
            return Standing.WRONG if self.accused else Standing.RIGHT
        return Standing.OPEN


def rows_of(reader: Reader, labels: Sequence[GoldLabel]) -> tuple[Row, ...]:
    """Return a row for each label that is sure enough to be a measure, by pull request."""
    answers, probes = Answers(reader, POLICY), probes_of(reader)
    return tuple(
        _row(label, answers, probes)
        for label in sorted(labels, key=lambda label: (label.pr, label.folder))
        if label.confident
    )


def _row(label: GoldLabel, answers: Answers, probes: dict[tuple[int, int], ProbeResult]) -> Row:
    answer = answers.to_gold(label)
    found = [
        probes[where] for item in answer.judged if (where := (item.entry.pr, item.entry.position)) in probes
    ]
    worst = min(found, key=lambda result: list(ProbeVerdict).index(result.verdict), default=None)
    missing = answer.missing or "it was not probed"
    return Row(label, worst, "" if worst is not None else missing, answer.call("legality"))


def goals_of(rows: Sequence[Row]) -> tuple[Goal, ...]:
    """Return the promises of the probe with what these rows say of them."""
    catch = [row for row in rows if row.to_catch]
    clean = [row for row in rows if row.label.axes.legality == "CLEAN"]
    reached = [row for row in rows if row.reached]
    decided = [row for row in rows if row.label.axes.legality != "UNCLEAR"]
    return (
        _at_least("ILLEGAL by C1 to C4: LEAK with a right condition", catch, _is_caught, CAUGHT_SHARE),
        _at_least(
            "the same, of those that reach the end",
            [row for row in catch if row.reached],
            _is_caught,
            CAUGHT_SHARE,
        ),
        _at_most("CLEAN ones called LEAK", clean, _leaks, 0.0),
        _at_most("BLIND", rows, _is_blind, BLIND_SHARE),
        _at_most("BLIND, of those that reach the end", reached, _is_blind, BLIND_SHARE),
        _at_least("legality by static analysis and probe together", decided, _agrees, AGREED_SHARE),
        _time("all tests, median", [_all_seconds(row) for row in reached], 50, ALL_SECONDS),
        _time("all tests, 95th percentile", [_all_seconds(row) for row in reached], 95, None),
        _time(
            "suffix test with its control on two cores, median",
            [_suffix_seconds(row) for row in reached],
            50,
            SUFFIX_SECONDS,
        ),
    )


def _is_caught(row: Row) -> bool:
    return row.caught


def _leaks(row: Row) -> bool:
    return row.accused


def _is_blind(row: Row) -> bool:
    return row.verdict is ProbeVerdict.BLIND


def _agrees(row: Row) -> bool:
    return meets(row.label.axes.legality, row.legality)


def _at_least(name: str, rows: Sequence[Row], fits: Callable[[Row], bool], bound: float) -> Goal:
    part = sum(map(fits, rows))
    met = bool(rows) and part >= bound * len(rows)
    return Goal(name, f"at least {bound:.0%}", str(share(part, len(rows))), met)


def _at_most(name: str, rows: Sequence[Row], fits: Callable[[Row], bool], bound: float) -> Goal:
    part = sum(map(fits, rows))
    met = bool(rows) and part <= bound * len(rows)
    wanted = f"at most {bound:.0%}" if bound else "none"
    return Goal(name, wanted, str(share(part, len(rows))), met)


def _time(name: str, values: Sequence[float], percent: float, bound: float | None) -> Goal:
    seconds = percentile(values, percent)
    reached = "nothing ran" if seconds is None else f"{seconds:.1f} s"
    wanted = f"at most {bound:g} s" if bound is not None else "told"
    return Goal(name, wanted, reached, seconds is not None and (bound is None or seconds <= bound))


def _all_seconds(row: Row) -> float:
    seconds = row.result.seconds if row.result is not None else None
    return seconds.run + seconds.overhead if seconds is not None else 0.0


def _suffix_seconds(row: Row) -> float:
    """Return the processor time of the three runs of the suffix test, spread over two cores."""
    runs = row.result.runs if row.result is not None else ()
    return sum(run.cpu_seconds or 0.0 for run in runs if run.run in _SUFFIX_RUNS) / _CORES
