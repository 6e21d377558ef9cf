"""Rule: one claim mixes results of different hardware."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder
from audits.outcome import Axis, Condition, Evidence, Outcome, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.claim import Claim

FAMILY = re.compile(
    r"(?<![A-Za-z0-9])(?:\d{1,3}\s?[x×]\s?)?(apple|m[1-9](?=[^A-Za-z0-9]|$)|rtx\s?[a-z]?\d{4}|[hab][1-3]00|gh200|l40s?|l4|t4|v100|mi\d{3}x?|tpu|mlx|cpu)"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
SAME = {"mlx": "apple", "m1": "apple", "m2": "apple", "m3": "apple", "m4": "apple", "m5": "apple"}


class MixedHardware(Rule):
    """The claims of one entry come from different kinds of hardware, or from another than the log shows.

    Why: a score of a laptop and a step time of eight H100 describe no run that anybody can repeat.
    Looks for: several accelerator families in the hardware fields of submission.json, scores whose key names a
    family, and an accelerator in the logs that the claim does not name.
    Blind to: prose; a README may tell the history of the work on any machine.
    """

    id = "mixed-hardware"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (
        RuleSource("PR #1073", "measured", "2026-04-03", "a laptop's score beside 8xH100 step counts"),
    )
    flagged = (
        Example(
            "a laptop and a server",
            SCRIPT,
            folder(json_text=claims(gpu="Apple M4 (MLX), 8xH100 SXM")),
            "#1073",
        ),
    )
    clean = (Example("one machine", SCRIPT, folder(json_text=claims(gpu="8xH100 80GB SXM")), "#1019"),)

    def check(self, facts: Facts) -> Outcome:
        """Collect the accelerator families that the claims name."""
        json = facts.claims.submission
        stated = [claim for claim in json.hardware if families(claim.value)]
        named: dict[str, Claim[str]] = {}
        for claim in stated:
            for family in sorted(families(claim.value)):
                named.setdefault(family, claim)
        if not named:
            return self.outcome(Status.NOT_APPLICABLE, "submission.json names no accelerator")
        evidence = [
            Evidence(claim.location, f"{claim.text} names {family}") for family, claim in named.items()
        ]
        if len(named) > 1:
            evidence += [
                Evidence(claim.location, f"a score of one machine: {claim.text}")
                for claim in json.other_bpb
                if families(claim.text.partition(":")[0].replace("_", " "))
            ]
            listed = ", ".join(sorted(named))
            return self.outcome(
                Status.FLAGGED, f"claims from different hardware are mixed: {listed}", tuple(evidence)
            )
        logged = [run for run in facts.logs if run.gpu_name and families(run.gpu_name.value)]
        other = [run for run in logged if run.gpu_name and not families(run.gpu_name.value) & named.keys()]
        if other and len(other) == len(logged):
            found = tuple(
                Evidence(r.gpu_name.location, f"the log ran on {r.gpu_name.value}")
                for r in other
                if r.gpu_name
            )
            return self.outcome(
                Status.FLAGGED, f"{next(iter(named))} is claimed, {found[0].message}", (*evidence, *found)
            )
        return self.outcome(Status.CLEAN, f"the claims name one accelerator: {next(iter(named))}")


def families(text: str) -> set[str]:
    """Return the accelerator families that a text names."""
    words = (match.group(1).lower().replace(" ", "") for match in FAMILY.finditer(text[:2000]))
    return {SAME.get(word, word) for word in words}
