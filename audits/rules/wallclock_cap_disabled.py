"""Rule: the documented or logged run switches the training clock off or sets it past the track's cap."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder, log, readme
from audits.facts.headline import claimed_runs
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.settings import Setting
    from audits.submission import RunCommand

CAP = re.compile(r"^max_?(?:wall_?clock|train(?:ing)?)_?(?:seconds|secs?|time)$", re.IGNORECASE)
FIXED_STOP = re.compile(r"^force_?stop_?steps?$|^stop_at_step$", re.IGNORECASE)


class WallclockCapDisabled(Rule):
    """The run is started with a training clock longer than the track's cap, or with one that is ignored.

    Why: a loop that stops at a fixed step or at a raised cap is not held to ten minutes.
    Looks for: a wall-clock setting above the cap in the documented command or in a claimed run's printed
    configuration (0 or less means none), and a setting that forces the last step.
    Blind to: clocks that the script computes from several settings.
    Ruling: a raised cap that the run stayed under, and a forced stop that came in time, are warnings.
    """

    id = "wallclock-cap-disabled"
    axis = Axis.LIMITS
    condition = Condition.TIME
    sources = (
        RuleSource("PR #1118", "author's README", "2026-03-30", "the run was capped at 900 s"),
        RuleSource("PR #1908", "reviewers", "2026-04-28", "a forced last step ignores the clock"),
    )
    flagged = (
        Example(
            "the command asks for fifteen minutes",
            SCRIPT,
            folder(
                {"train_seed42.log": log(cap=900.0, stop_ms=900_020)},
                readme_text=readme(
                    command="MAX_WALLCLOCK_SECONDS=900 torchrun --nproc_per_node=8 train_gpt.py"
                ),
            ),
            "#1118",
        ),
    )
    clean = (Example("ten minutes, as logged", SCRIPT, folder(), "#549"),)

    def check(self, facts: Facts) -> Outcome:
        """Look at the clock settings of the command and of the claimed runs."""
        cap = facts.track.train_seconds
        if cap is None:
            return self.outcome(Status.NOT_APPLICABLE, f"track {facts.track.name} sets no training time")
        runs = claimed_runs(facts.logs, facts.claims)
        late = any(
            (run.train_milliseconds or 0) / 1000 >= cap + facts.track.one_step_tolerance_seconds
            for run in runs
        )
        found = [*_in_logs(facts, cap), *_in_commands(facts, cap)]
        if found:
            severity = Severity.VIOLATION if late else Severity.WARNING
            return self.outcome(
                Status.FLAGGED,
                "; ".join(dict.fromkeys(entry.message for entry in found)),
                tuple(found),
                severity=severity,
                confidence=0.85,
            )
        seen = [run for run in runs if run.cap_seconds]
        if seen:
            return self.outcome(Status.CLEAN, f"{len(seen)} runs print a clock of at most {cap:,.0f} s")
        default = _default(facts)
        if default is not None and 0 < default.value <= cap:  # type: ignore[operator]
            shown = Evidence(
                default.location, f"{default.name} = {default.value}", Status.CLEAN, Severity.NOTE
            )
            return self.outcome(Status.CLEAN, f"the script's clock stands at {default.value} s", (shown,))
        return self.outcome(Status.NOT_APPLICABLE, "neither a log nor a command sets the training clock")


def _default(facts: Facts) -> Setting | None:
    for name, setting in facts.code.settings.by_name:
        if CAP.match(name) and isinstance(setting.value, int | float):
            return setting
    return None


def _in_logs(facts: Facts, cap: float) -> list[Evidence]:
    found = []
    for run in claimed_runs(facts.logs, facts.claims):
        claim = run.cap_seconds
        if claim and (claim.value > cap or claim.value <= 0):
            found.append(
                Evidence(
                    claim.location, f"the run's clock is set to {claim.value:,.0f} s, the cap is {cap:,.0f} s"
                )
            )
        for name, value, line in run.hyperparameters:
            if FIXED_STOP.match(name) and _number(value):
                where = Location(run.path, line, line)
                found.append(
                    Evidence(where, f"{name} = {value} stops at a fixed step, whatever the clock says")
                )
    return found


def _in_commands(facts: Facts, cap: float) -> list[Evidence]:
    runs = claimed_runs(facts.logs, facts.claims)
    if any(run.cap_seconds and 0 < run.cap_seconds.value <= cap for run in runs):
        # The claimed runs print their clock: another command of the README is not theirs.
        return []
    return [entry for command in facts.submission.run_commands for entry in _in_command(command, cap)]


def _in_command(command: RunCommand, cap: float) -> list[Evidence]:
    where = Location(command.path, command.line, command.line)
    found = []
    for name, value in command.env:
        number = _number(value)
        if CAP.match(name) and number is not None and (number > cap or number <= 0):
            found.append(Evidence(where, f"{name}={value} in the command, the cap is {cap:,.0f} s"))
        if FIXED_STOP.match(name) and number:
            found.append(
                Evidence(
                    where, f"{name}={value} in the command stops at a fixed step, whatever the clock says"
                )
            )
    return found


def _number(text: str) -> float | None:
    match = re.match(r"-?\d{1,12}(?:\.\d{1,6})?$", text.strip().strip("'\""))
    return float(match.group()) if match else None
