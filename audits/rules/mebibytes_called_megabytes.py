"""Rule: a size in MiB is called MB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder, log, readme
from audits.facts.claim import half_unit
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts

MEGABYTE, MEBIBYTE = 1_000_000, 1_048_576


class MebibytesCalledMegabytes(Rule):
    """A size stated in MB is the artifact's size in MiB.

    Why: 15.51 "MB" read as decimal hides an artifact of 16.27 million bytes; the cap is decimal.
    Looks for: sizes in MB in the README that equal a logged or claimed total divided by 2^20 and do not equal it
    divided by 10^6.
    Blind to: sizes stated with fewer than two decimals.
    """

    id = "mebibytes-called-megabytes"
    axis = Axis.CLAIMS
    condition = Condition.SIZE
    sources = (RuleSource("PR #861", "measured", "2026-03-26", "15.51 MB stated, 16,265,723 bytes in fact"),)
    flagged = (
        Example(
            "over the cap, called 15.46 MB",
            SCRIPT,
            folder({"train_seed42.log": log(model=16_210_000)}, readme_text=readme("Artifact: 15.46 MB")),
            "#861",
        ),
    )
    clean = (Example("decimal", SCRIPT, folder(readme_text=readme("Artifact: 15.80 MB")), "#549"),)

    def check(self, facts: Facts) -> Outcome:
        """Compare the README's megabytes with the known totals."""
        totals = _totals(facts)
        stated = [
            claim
            for claim in facts.claims.readme.megabytes
            if "." in claim.text and "mib" not in claim.text.lower()
        ]
        stated = [claim for claim in stated if len(claim.text.split(".")[1].rstrip(" MBmb")) >= 2]
        if not totals or not stated:
            return self.outcome(Status.NOT_APPLICABLE, "no size in MB beside a size in bytes")
        wrong: list[tuple[Evidence, int]] = []
        for claim in stated:
            grain = half_unit(claim.text.rstrip(" MBmb"))
            binary = [t for t in totals if abs(t / MEBIBYTE - claim.value) <= grain]
            if binary and not any(abs(t / MEGABYTE - claim.value) <= 2 * grain for t in totals):
                message = f"{claim.text} is {binary[0]:,} bytes in MiB, {binary[0] / MEGABYTE:.2f} MB"
                wrong.append((Evidence(claim.location, message), binary[0]))
        if not wrong:
            return self.outcome(Status.CLEAN, "sizes in MB are decimal")
        cap = facts.track.artifact_bytes
        over = cap is not None and any(size > cap for _, size in wrong)
        severity = Severity.VIOLATION if over else Severity.WARNING
        return self.outcome(
            Status.FLAGGED, wrong[0][0].message, tuple(e for e, _ in wrong), severity=severity
        )


def _totals(facts: Facts) -> list[int]:
    logged = [seed.logged_total for seed in facts.artifact.seeds if seed.logged_total]
    claimed = [facts.artifact.claimed_total.value] if facts.artifact.claimed_total else []
    return [
        *logged,
        *claimed,
        *(claim.value for claim in facts.claims.readme.byte_counts if claim.value > MEGABYTE),
    ]
