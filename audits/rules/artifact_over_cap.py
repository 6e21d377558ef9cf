"""Rule: the artifact is larger than the track allows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder, log
from audits.facts.artifact import PracticeBasis
from audits.facts.headline import claimed_runs, of_another_run
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.artifact import CodeBytes, SeedArtifact

MEBIBYTE = 1024 * 1024


class ArtifactOverCap(Rule):
    """Code plus compressed model exceed the artifact cap.

    Why: the cap is decimal (16,000,000 bytes, not 16 MiB) and every seed's artifact must keep it.
    Looks for: model bytes of each claimed run plus the code under three readings: strict (all local code the
    scored path needs), README-literal (the script as committed), accepted practice (packed, or as the run
    counted it packed). Without a log it falls back to the sizes that submission.json admits.
    Blind to: tokenizers (nobody counts them), models that no log sizes, and whether a logged size is true.
    Where no log shows the claimed score and the claim's own artifact keeps the cap, the sizes are of other runs and
    the question is left to a person (#554).
    Ruling: the practised reading decides here; totals over the cap only under another reading are notes that a
    stricter policy may raise.
    """

    id = "artifact-over-cap"
    axis = Axis.LIMITS
    condition = Condition.SIZE
    sources = (
        RuleSource(
            "README", "openai", "2026-03-18", "code bytes plus compressed model bytes, decimal megabytes"
        ),
        RuleSource(
            "PR #1809", "regina-openai", "2026-04-26", "16,024,793 bytes with unpacked code is ineligible"
        ),
        RuleSource("PR #1394", "merged record", "2026-04-05", "a packed script counts at its packed size"),
    )
    flagged = (
        Example(
            "one of two seeds is over",
            SCRIPT,
            folder({"train_seed1.log": log(1), "train_seed2.log": log(2, model=16_020_000)}),
            "#194",
        ),
        Example(
            "no log, and the claim admits it",
            SCRIPT,
            folder({}, claims(bytes_total=16_170_051, bytes_code=70_854)),
            "#339",
        ),
    )
    clean = (
        Example("below the cap", SCRIPT, folder(), "#549"),
        Example(
            "the uncompressed total means nothing",
            SCRIPT,
            folder({"train_seed42.log": "Total submission size: 67272625 bytes\n" + log()}),
            "#1019",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Compare every claimed run's artifact with the cap."""
        cap = facts.track.artifact_bytes
        if cap is None:
            return self.outcome(Status.NOT_APPLICABLE, f"track {facts.track.name} sets no artifact cap")
        paths = {(run.path, run.any_seed) for run in claimed_runs(facts.logs, facts.claims)}
        seeds = [s for s in facts.artifact.seeds if not s.from_log or (s.path, s.seed) in paths]
        if not seeds:
            return self._from_claim(facts, cap)
        over = [seed for seed in seeds if (_practised(seed) or 0) > cap]
        if over:
            found = self._over(over, seeds, facts.artifact.code, cap)
            total = facts.artifact.claimed_total
            if total is not None and total.value <= cap and of_another_run(facts.logs, facts.claims):
                says = f"{total.value:,} bytes claimed; no log shows the claimed score"
                shown = (*found.evidence, Evidence(total.location, says, severity=Severity.NOTE))
                reason = f"{found.reason}; the claim is of another run, whose size no log shows"
                return replace(found, severity=Severity.DISPUTED, reason=reason, evidence=shown)
            return found
        return self._under(seeds, facts.artifact.code, cap)

    def _over(
        self, over: list[SeedArtifact], seeds: list[SeedArtifact], code: CodeBytes, cap: int
    ) -> Outcome:
        worst = max(over, key=lambda seed: _practised(seed) or 0)
        bound = code.packed_upper_bound
        savable = bound is not None and worst.model_bytes + bound <= cap
        # A bound above the cap proves nothing: a minifier may bring the script below it.
        uncertain = code.basis is PracticeBasis.UPPER_BOUND
        advice = f"; packing the script (about {bound:,} bytes) would fit" if savable else ""
        reason = (
            f"{len(over)} of {len(seeds)} sized runs exceed {cap:,} bytes: {_practised(worst):,} at worst"
            f"{_mebibytes(worst, cap)}{advice}"
        )
        return self.outcome(
            Status.FLAGGED,
            reason,
            tuple(_evidence(seed, code, cap, Severity.VIOLATION) for seed in over),
            confidence=0.5 if uncertain else 0.95 if worst.from_log else 0.85,
        )

    def _under(self, seeds: list[SeedArtifact], code: CodeBytes, cap: int) -> Outcome:
        reading = next((name for name in ("readme", "strict") if _any_over(seeds, name, cap)), None)
        logged = [seed for seed in seeds if (seed.logged_total or 0) > cap]
        worst = max(seeds, key=lambda seed: _practised(seed) or 0)
        size = f"{_practised(worst):,} bytes at most under accepted practice ({code.basis.value})"
        if reading is None and not logged:
            shown = tuple(_evidence(seed, code, cap, Severity.NOTE, Status.CLEAN) for seed in seeds)
            return self.outcome(Status.CLEAN, size, shown)
        notes = [
            seed for seed in seeds if seed in logged or (reading and (getattr(seed, reading) or 0) > cap)
        ]
        why = (
            f"over {cap:,} only under the {reading} reading" if reading else "a logged total is over the cap"
        )
        return self.outcome(
            Status.FLAGGED,
            f"{size}; {why}",
            tuple(_evidence(seed, code, cap, Severity.NOTE) for seed in notes),
            severity=Severity.NOTE,
            dispute=f"{reading}-bytes" if reading else None,
        )

    def _from_claim(self, facts: Facts, cap: int) -> Outcome:
        claim = facts.artifact.claimed_total
        if claim is None:
            return self.outcome(Status.UNCLEAR, "neither a log nor a claim states the artifact's size")
        if claim.value > cap:
            evidence = Evidence(claim.location, f"{claim.value:,} bytes claimed, cap {cap:,}")
            return self.outcome(
                Status.FLAGGED,
                f"the claimed {claim.value:,} bytes exceed {cap:,}",
                (evidence,),
                confidence=0.85,
            )
        note = Evidence(claim.location, f"{claim.value:,} bytes claimed", Status.UNCLEAR, Severity.NOTE)
        return self.outcome(
            Status.UNCLEAR, f"{claim.value:,} bytes are claimed, and no log shows them", (note,)
        )


def _practised(seed: SeedArtifact) -> int | None:
    """Return the total under accepted practice; without a script the logged total stands in."""
    return seed.practice if seed.practice is not None else seed.logged_total or seed.model_bytes


def _any_over(seeds: list[SeedArtifact], reading: str, cap: int) -> bool:
    return any((getattr(seed, reading) or 0) > cap for seed in seeds)


def _mebibytes(seed: SeedArtifact, cap: int) -> str:
    total = _practised(seed) or 0
    fits = total <= cap // 1_000_000 * MEBIBYTE
    return f" ({total / MEBIBYTE:.2f} MiB: the cap is in decimal megabytes)" if fits else ""


def _evidence(
    seed: SeedArtifact, code: CodeBytes, cap: int, severity: Severity, status: Status = Status.FLAGGED
) -> Evidence:
    totals = [
        f"{name} {value:,}"
        for name, value in (
            ("strict", seed.strict),
            ("readme", seed.readme),
            ("practice", seed.practice),
            ("logged", seed.logged_total),
        )
        if value is not None
    ]
    who = f"seed {seed.seed}" if seed.seed is not None else seed.path
    message = f"{who}: model {seed.model_bytes:,} bytes; totals: {', '.join(totals)}; cap {cap:,}"
    return Evidence(seed.location, message, status, severity)
