"""Rule: quantisation is calibrated on training shards after training time has run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, HOOKED, script
from audits.example_folder import folder, log
from audits.facts.headline import claimed_runs
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._calibration import Calibration, Source, calibrations
from audits.rules._exposures import Breach, exposures_of
from audits.rules._flow import EVIDENCE_CAP

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.logs import LogFacts
    from audits.outcome import Outcome

ON_TRAINING, GENERATED, LATE = "gptq-calib-on-train", "gptq-selfgen", "calib-on-train-at-eval"
_ROOM_SECONDS = 5.0
_SCRIPT = script(HOOKED, EVALUATE, steps=("hessian = collect(args, model, load_tokens(args.train_files))",))
_OWN_TEXT = script(HOOKED, EVALUATE, steps=("hessian = collect(args, model, generate(args, model))",))


class CalibrationOnTrainingDataAtEval(Rule):
    """Statistics for quantisation are collected on training shards when the training clock has stopped.

    Why: evaluation may not read training data. Calibration belongs to training and has to fit its time, or to do
    without data.
    Looks for: functions that hook modules and take outer products of activations, or whose callers do, or a long
    function that does both in place; the source that their arguments lead back to, and whether the runs kept
    time for it: late is what starts at the cap or overruns it with less than half of its time in reserve.
    Calibration inside the time, and on text that the model generates itself, is named and legal.
    Blind to: statistics that modules store themselves, without a hook.
    Ruling: reported of 2026-03-25 (#593, #609) as forbidden, yet rows did so by some seconds (#1855). What it
    costs in time is judged under limits; here it is noted.
    """

    id = "calibration-on-training-data-at-eval"
    axis = Axis.LEGALITY
    condition = Condition.DATA
    severity = Severity.NOTE
    pattern = LATE
    sources = (
        RuleSource(
            "README", "openai", "2026-03-20", "no training data during evaluation unless it is paid for"
        ),
        RuleSource(
            "PR #593 and #609",
            "valerio-oai (reported)",
            "2026-03-25",
            "calibration at evaluation may not read training data",
        ),
        RuleSource(
            "PR #1019",
            "valerio-oai (reported)",
            "2026-03-28",
            "calibration on generated text is probably legal",
        ),
    )
    flagged = (
        Example(
            "the clock had stopped at the cap",
            _SCRIPT,
            folder({"train_seed42.log": log(stop_ms=600_050)}),
            "#1308",
        ),
    )
    clean = (
        Example(
            "twelve seconds were kept", _SCRIPT, folder({"train_seed42.log": log(stop_ms=588_050)}), "#1688"
        ),
        Example("calibration on generated text", _OWN_TEXT, folder({"train_seed42.log": log()}), "#1280"),
    )

    def check(self, facts: Facts) -> Outcome:
        """Name the source of each calibration, and note training data that is read too late."""
        if exposures_of(facts.code.behaviour, Breach.CALIBRATION):
            return self.outcome(
                Status.NOT_APPLICABLE, "calibrated on validation tokens, as another rule says"
            )
        found = [item for item in calibrations(facts.code) if item.source is not Source.VALIDATION]
        trained = [item for item in found if item.source is Source.TRAINING]
        if not found:
            return self.outcome(Status.NOT_APPLICABLE, "no calibration whose source could be told")
        late = next((run for run in _runs(facts) if _late(run, facts)), None) if trained else None
        names = [GENERATED] if len(trained) < len(found) else []
        if trained:
            names.append(LATE if late else ON_TRAINING)
        if late is not None:
            stop = (late.train_milliseconds or 0.0) / 1000.0
            shown = _shown(trained, Status.FLAGGED)
            reason = f"{shown[0].message}, and the training clock stops at {stop:,.1f} s"
            return self.outcome(
                Status.FLAGGED,
                reason,
                shown,
                confidence=0.7,
                patterns=tuple(names),
                dispute="calib-on-train-at-eval",
            )
        shown = _shown(found, Status.CLEAN)
        return self.outcome(Status.CLEAN, shown[0].message, shown, patterns=tuple(names))


def _shown(found: list[Calibration], status: Status) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            item.place, f"{item.collector} collects statistics on {item.source}", status, Severity.NOTE, 0.7
        )
        for item in found[:EVIDENCE_CAP]
    )


def _runs(facts: Facts) -> list[LogFacts]:
    return [run for run in claimed_runs(facts.logs, facts.claims) if run.train_milliseconds]


def _late(run: LogFacts, facts: Facts) -> bool:
    """Return True when a run left no time for what it reads after the loop."""
    reference = facts.challenge.track(facts.track.reference)
    cap = facts.track.train_seconds or (reference.train_seconds if reference else None)
    if cap is None:
        return False
    stop = (run.train_milliseconds or 0.0) / 1000.0
    spent = run.hessian_seconds
    kept = run.gptq_reserve_seconds.value if run.gptq_reserve_seconds else 0.0
    if spent:
        return kept < spent / 2 and stop + spent >= cap + facts.track.one_step_tolerance_seconds
    return kept < 1.0 and stop > cap - _ROOM_SECONDS
