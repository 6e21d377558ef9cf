"""Rule: a claimed run did not use the track's hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder, log
from audits.facts.headline import claimed_runs
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts


class WrongHardware(Rule):
    """A claimed run logs another number of processes or another accelerator than the track prescribes.

    Why: ten minutes mean nothing without the machine; more or faster devices buy training time.
    Looks for: `world_size` and the accelerator's name in the logs of the claimed runs.
    Blind to: logs that print neither; two nodes of four devices look like one of eight (#44).
    Ruling: more or other devices than the track's are flagged for a person. Fewer ones train less and only miss
    the proof that the run reproduces on the track's machine; H200 was let pass in two early rows.
    """

    id = "wrong-hardware"
    axis = Axis.LIMITS
    condition = Condition.HARDWARE
    sources = (
        RuleSource("README", "openai", "2026-03-18", "8xH100, SXM variant"),
        RuleSource("corpus", "measured", "2026-05-02", "world size 8 in 1,883 record-track logs, 1 in 73"),
    )
    flagged = (
        Example("sixteen processes", SCRIPT, folder({"train_seed42.log": log(world_size=16)}), "#44"),
        Example("another accelerator", SCRIPT, folder({"train_seed42.log": log(gpu="NVIDIA B200")}), "#44"),
    )
    clean = (
        Example(
            "eight H100", SCRIPT, folder({"train_seed42.log": log(gpu="NVIDIA H100 80GB HBM3")}), "#1019"
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Compare world size and accelerator of the claimed runs with the track's."""
        track = facts.track
        if track.world_size is None and track.gpu_name is None:
            return self.outcome(Status.NOT_APPLICABLE, f"track {track.name} prescribes no hardware")
        runs = claimed_runs(facts.logs, facts.claims)
        seen = [run for run in runs if run.world_size or run.gpu_name]
        if not seen:
            return self.outcome(Status.NOT_APPLICABLE, "no claimed run logs its hardware")
        more: list[Evidence] = []
        fewer: list[Evidence] = []
        for run in seen:
            if run.world_size and track.world_size and run.world_size.value != track.world_size:
                excess = run.world_size.value > track.world_size
                message = f"{run.world_size.value} processes, the track has {track.world_size}"
                severity = Severity.DISPUTED if excess else Severity.WARNING
                (more if excess else fewer).append(
                    Evidence(run.world_size.location, message, severity=severity)
                )
            if run.gpu_name and track.gpu_name and track.gpu_name.lower() not in run.gpu_name.value.lower():
                name = run.gpu_name.value
                tolerated = any(word.lower() in name.lower() for word in track.gpu_tolerated)
                severity = Severity.WARNING if tolerated else Severity.DISPUTED
                found = Evidence(
                    run.gpu_name.location, f"ran on {name}, the track has {track.gpu_name}", severity=severity
                )
                (fewer if tolerated else more).append(found)
        if not more and not fewer:
            return self.outcome(Status.CLEAN, f"{len(seen)} claimed runs log the track's hardware")
        reason = "; ".join(dict.fromkeys(entry.message for entry in (*more, *fewer)))
        worst = Severity.DISPUTED if more else Severity.WARNING
        return self.outcome(Status.FLAGGED, reason, (*more, *fewer), severity=worst, confidence=0.9)
