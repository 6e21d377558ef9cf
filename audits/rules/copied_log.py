"""Rule: one log stands for two seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder, log
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.logs import LogFacts

EXACT_DECIMALS = 6


class CopiedLog(Rule):
    """Two logs that are passed off as different seeds report one and the same run.

    Why: copies overstate the evidence; two seeds never agree to eight digits and to the millisecond.
    Looks for: runs with equal stop times and equal results (six decimals and more) whose printed seeds or whose
    file names tell different seeds.
    Blind to: copies whose numbers were altered.
    Ruling: a `train.log` that repeats one seed's log is customary and counts as one run (#287, #414).
    """

    id = "copied-log"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (
        RuleSource("PR #287 and #414", "measured", "2026-03-22", "train.log is a copy of one seed's log"),
    )
    flagged = (
        Example(
            "a copy under another seed's name",
            SCRIPT,
            folder({"train_seed1.log": log(1), "train_seed2.log": log(1)}),
            "#1412",
        ),
    )
    clean = (
        Example(
            "two seeds",
            SCRIPT,
            folder({"train_seed1.log": log(1), "train_seed2.log": log(2, 1.21, stop_ms=600_051)}),
            "#1019",
        ),
        Example(
            "train.log repeats a seed",
            SCRIPT,
            folder({"train.log": log(1), "train_seed1.log": log(1)}),
            "#287",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Group the runs by what they report."""
        groups: dict[tuple[object, ...], list[LogFacts]] = {}
        for run in facts.logs:
            key = _reported(run)
            if key is not None:
                groups.setdefault(key, []).append(run)
        if not groups:
            return self.outcome(Status.NOT_APPLICABLE, "no log reports a result to six decimals")
        copies = [group for group in groups.values() if len(_seeds(group)) > 1]
        if copies:
            evidence = tuple(_evidence(group) for group in copies)
            return self.outcome(Status.FLAGGED, evidence[0].message, evidence, confidence=0.9)
        return self.outcome(Status.CLEAN, f"{len(groups)} distinct runs in {len(facts.logs)} logs")


def _reported(run: LogFacts) -> tuple[object, ...] | None:
    exact = tuple(
        final.bpb_text for final in run.finals if len(final.bpb_text.partition(".")[2]) >= EXACT_DECIMALS
    )
    if not exact or run.train_milliseconds is None:
        return None
    return (run.train_milliseconds, *exact)


def _seeds(group: list[LogFacts]) -> set[int]:
    """Return the seeds a group claims to be of: those in file names, and those printed."""
    named = {run.name_seed for run in group if run.name_seed is not None}
    printed = {run.seed.value for run in group if run.seed}
    return named if len(named) > 1 else printed


def _evidence(group: list[LogFacts]) -> Evidence:
    names = ", ".join(sorted({run.path for run in group}))
    first = group[0]
    return Evidence(Location(first.path, first.first_line, first.last_line), f"{names} report the same run")
