"""Rule: the run logged another script than the one committed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder, log
from audits.facts.headline import claimed_runs
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.logs import LogFacts

DRIFT_SHARE = 0.10
DRIFT_BYTES = 1_500


class CodeSizeDiffersFromLog(Rule):
    """The code size that a claimed run logged is far from the committed script's.

    Why: the log must be produced by the script that is handed in.
    Looks for: the logged code size, and the size and digest of the source that the log prints, against the
    committed script, its unpacked layers and its packed size.
    Blind to: another script of about the same size, when the log does not print its source.
    Ruling: small drift is normal in accepted rows (comments, headers, up to some 7 %); a third is not.
    """

    id = "code-size-differs-from-log"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (
        RuleSource("README", "openai", "2026-03-18", "the log is produced by the submitted script"),
        RuleSource("PR #86", "cocohearts", "2026-05-04", "log and code were of different models"),
        RuleSource("PR #1231", "measured", "2026-04-01", "88,253 bytes logged, 58,186 committed"),
    )
    flagged = (
        Example(
            "the run counted fifty times the committed code",
            SCRIPT,
            folder({"train_seed42.log": log(code=50 * len(SCRIPT))}),
            "#1231",
        ),
    )
    clean = (
        Example("to the byte", SCRIPT, folder(), "#549"),
        Example(
            "a few bytes of drift", SCRIPT, folder({"train_seed42.log": log(code=len(SCRIPT) + 40)}), "#1493"
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Compare the code each claimed run logged with what is committed."""
        sizes = _committed(facts)
        if not sizes:
            return self.outcome(Status.NOT_APPLICABLE, "there is no main script to compare with")
        runs = [r for r in claimed_runs(facts.logs, facts.claims) if r.code_bytes or r.source_dump]
        if not runs:
            return self.outcome(Status.NOT_APPLICABLE, "no claimed run logs its code size or source")
        digests = _digests(facts)
        found = [entry for run in runs if (entry := _difference(run, sizes, digests))]
        if found:
            return self.outcome(Status.FLAGGED, found[0].message, tuple(found), confidence=0.9)
        same = sum(1 for run in runs if run.source_dump and run.source_dump.digest in digests)
        proof = f"{same} logs print the committed source" if same else "logged and committed sizes agree"
        return self.outcome(Status.CLEAN, proof)


def _committed(facts: Facts) -> list[int]:
    code, main = facts.artifact.code, facts.submission.main_script
    layers = [
        len(layer.source.encode("utf-8", "replace")) for layer in facts.code.layers if layer.path == main
    ]
    effective = [len(facts.code.main.source.encode("utf-8", "replace"))] if facts.code.main else []
    counted = [size for size in (code.readme, code.strict, code.practice) if size]
    return [*counted, *layers, *effective] if counted else []


def _digests(facts: Facts) -> frozenset[str]:
    texts = (layer.source.strip().encode("utf-8", "replace") for layer in facts.code.layers)
    return frozenset(hashlib.sha256(text).hexdigest() for text in texts)


def _difference(run: LogFacts, sizes: list[int], digests: frozenset[str]) -> Evidence | None:
    dump = run.source_dump
    if dump is not None and dump.digest in digests:
        return None
    logged = run.code_bytes.value if run.code_bytes else dump.size if dump else 0
    closest = min(sizes, key=lambda size: abs(size - logged))
    packed = run.code_bytes_packed
    fits = packed is not None and any(_near(packed.value, size) for size in sizes)
    if _near(logged, closest) or fits:
        return None
    line = run.code_bytes.location.start_line if run.code_bytes else dump.start_line if dump else 1
    message = f"{run.path} logs {logged:,} bytes of code, {sizes[0]:,} are committed"
    return Evidence(Location(run.path, line, line), message, severity=Severity.VIOLATION)


def _near(logged: int, committed: int) -> bool:
    return abs(logged - committed) <= max(DRIFT_BYTES, DRIFT_SHARE * committed)
