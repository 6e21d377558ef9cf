"""Rule: loss, score and token count of a run imply another number of bytes than the text has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from audits.example_folder import SCRIPT, folder, log, nats
from audits.facts.claim import half_unit
from audits.facts.headline import claimed_runs, line_with_loss
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.challenge import Challenge
    from audits.facts import Facts
    from audits.facts.logs import FinalLine, LogFacts

SPLIT_SHARE = 0.0005
"""Truncation to whole sequences moves the token count by less than this."""
GROSS = 0.005
RATIO_SHARE = 0.002
RATIO_FAR = 0.05
UNSURE = 0.65
"""Confidence where there are too few bytes: it is open what is wrong."""


class Implied(NamedTuple):
    """What one result implies."""

    run: LogFacts
    line: FinalLine
    ratio: float
    """Bytes per token."""
    total: float | None
    """Bytes of the whole split, None where the run tells no token count."""
    rounding: float
    """Relative error that the printed digits may hide."""


class ImpliedBytesOff(Rule):
    """The bytes that a result implies are not the validation text's.

    Why: val_bpb = (loss / ln 2) x (tokens / bytes), so tokens x loss / (ln 2 x val_bpb) is the byte count that was
    used; every full run of every tokenizer has to give the same one.
    Looks for: that count for the scored line of each claimed run, against the challenge's constants, with the
    tolerance widened by the digits printed. Without a token count, bytes per token against the known tokenisers.
    Blind to: lossy tokenisers that keep the byte count; errors below the tolerance.
    Ruling: within half a percent it is a warning. Fewer bytes than the text has are a fault too: either a part of
    the logged split was scored, or the table misses bytes and the score is worse than it would be.
    """

    id = "implied-bytes-off"
    axis = Axis.METRIC
    condition = Condition.BPB
    pattern = "tokenizer-bytes"
    sources = (
        RuleSource(
            "train_gpt.py", "openai", "2026-03-18", "eval_val divides by bytes from the tokenizer's table"
        ),
        RuleSource(
            "PR #1806", "cocohearts", "2026-04-26", "a merged row was removed over its byte accounting"
        ),
        RuleSource(
            "corpus",
            "measured",
            "2026-05-02",
            "6,027 of 6,663 result lines give 151.08 million within 0.03 %",
        ),
    )
    flagged = (
        Example(
            "a fifth more bytes than the text has",
            SCRIPT,
            folder({"train_seed42.log": log(loss=nats(1.2) * 1.21)}),
            "#1184",
        ),
    )
    clean = (
        Example("the canonical count", SCRIPT, folder(), "#549"),
        Example(
            "four digits hide no more than rounding",
            SCRIPT,
            folder({"train_seed42.log": log(loss=round(nats(1.2), 4))}),
            "#549",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Work out the implied bytes of every claimed run."""
        if facts.challenge.canonical_bytes <= 0:
            return self.outcome(Status.NOT_APPLICABLE, "the challenge states no byte constant")
        implied = [found for run in claimed_runs(facts.logs, facts.claims) if (found := _implied(run, facts))]
        if not implied:
            return self.outcome(
                Status.NOT_APPLICABLE, "no claimed run logs both loss and val_bpb of its score"
            )
        judged = [self._judge(entry, facts.challenge) for entry in implied]
        bad = [entry for entry in judged if entry.status is Status.FLAGGED]
        if bad:
            worst = min(bad, key=lambda entry: list(Severity).index(entry.severity))
            confidence = max(entry.confidence for entry in bad)
            # Fewer bytes than the text has are a part of it as often as a wrong table: no name fits both (#126).
            more = any(entry.severity is Severity.VIOLATION and entry.confidence > UNSURE for entry in bad)
            return self.outcome(
                Status.FLAGGED,
                worst.message,
                tuple(bad),
                severity=worst.severity,
                confidence=confidence,
                patterns=(self.pattern,) if more else (),
            )
        if all(entry.status is Status.NOT_APPLICABLE for entry in judged):
            return self.outcome(Status.NOT_APPLICABLE, judged[0].message)
        clean = tuple(entry for entry in judged if entry.status is Status.CLEAN)
        if not clean:
            unclear = next(entry for entry in judged if entry.status is Status.UNCLEAR)
            return self.outcome(Status.UNCLEAR, unclear.message, (unclear,))
        return self.outcome(Status.CLEAN, clean[0].message, clean)

    def _judge(self, entry: Implied, challenge: Challenge) -> Evidence:
        where = Location(entry.run.path, entry.line.line, entry.line.line)
        tolerance = challenge.byte_tolerance + entry.rounding
        total = entry.total
        if total is None:
            return _judge_ratio(entry, challenge, where)
        targets = [challenge.canonical_bytes]
        tokens = entry.run.val_tokens.value if entry.run.val_tokens else 0
        targets += [
            c.bytes_total
            for c in challenge.byte_constants
            if abs(c.val_tokens - tokens) <= SPLIT_SHARE * c.val_tokens
        ]
        off = min(((total - target) / target for target in targets), key=abs)
        message = f"{total:,.0f} bytes implied, the split has {min(targets, key=lambda t: abs(t - total)):,.0f} ({off:+.2%})"
        if abs(off) <= tolerance:
            return Evidence(where, message, Status.CLEAN, Severity.NOTE)
        if off < 0 and len(targets) == 1:
            return Evidence(
                where, f"{message}: a part of the split, or another one", Status.NOT_APPLICABLE, Severity.NOTE
            )
        gross = abs(off) > max(GROSS, tolerance)
        severity = Severity.VIOLATION if gross else Severity.WARNING
        if gross and off < 0:
            message += ": a part of the split was scored, or bytes are missing"
        return Evidence(where, message, Status.FLAGGED, severity, confidence=0.9 if off > 0 else UNSURE)


def _judge_ratio(entry: Implied, challenge: Challenge, where: Location) -> Evidence:
    """Judge bytes per token where the run does not tell how many tokens there were."""
    known = {c.name: c.bytes_total / c.val_tokens for c in challenge.byte_constants}
    name = min(known, key=lambda key: abs(known[key] - entry.ratio))
    message = f"{entry.ratio:.4f} bytes per token; closest is {name} with {known[name]:.4f}"
    if abs(entry.ratio / known[name] - 1) <= RATIO_SHARE + entry.rounding:
        return Evidence(where, message, Status.CLEAN, Severity.NOTE)
    far = abs(entry.ratio / known[name] - 1) > RATIO_FAR
    status = Status.FLAGGED if far else Status.UNCLEAR
    return Evidence(where, f"{message}; no token count is logged", status, Severity.DISPUTED, confidence=0.6)


def _implied(run: LogFacts, facts: Facts) -> Implied | None:
    line = line_with_loss(run, facts.claims)
    if line is None or not line.val_loss or line.val_bpb <= 0 or not math.isfinite(line.val_loss):
        return None
    ratio = line.val_loss / (math.log(2) * line.val_bpb)
    rounding = half_unit(line.loss_text) / line.val_loss + half_unit(line.bpb_text) / line.val_bpb
    total = run.val_tokens.value * ratio if run.val_tokens else None
    return Implied(run, line, ratio, total, rounding)
