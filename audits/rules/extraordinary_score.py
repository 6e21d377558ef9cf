"""Rule: the score lies far below what a legal evaluation makes of the trained model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder, log, nats
from audits.facts.headline import ScoredLine, claimed_runs, scored_line
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.challenge import Challenge
    from audits.facts import Facts
    from audits.facts.claim import Claim
    from audits.facts.logs import LogFacts

DISPUTE = "extraordinary-score"
SAME = 0.0006
"""Two results closer than this are one result printed twice."""
CONFIDENCE = 0.7
RATIO_SHARE = 0.002
"""Bytes per token this near to a known tokenisation's are taken to be its own."""
UNSEEN_BYTES = 1.3
"""Wrong byte tables have lowered scores by up to this factor (#926); bytes are the metric axis's matter."""


class ExtraordinaryScore(Rule):
    """The score is lower than any legal evaluation of the trained model has reached.

    Why: constructions that break the conditions are told by following the code, and a new one may not be seen. What
    it does to the number is seen: caches, second passes and leaks gain tens of percent where sliding windows, averaged
    weights and legal adaptation together gain under three.
    Looks for: in each claimed run, the last validation of training and the first result after it, against the
    claimed result: a gain of more than 5 %. Measured over 550 runs: entries judged clean by reading gain at most
    2.7 %, merged rows at most 2.83 %, and half of all less than 1 %. The first result counts where it is the better one, so
    weights that were averaged or tempered after training are no gain of the evaluation. Models above 1.4 bpb are left
    out: the less a model has learned, the more context brings it. And any headline below 1.03 bpb, with the bytes
    put right where loss, score and tokens imply too many (below 0.79 where they cannot be told): the lowest merged
    row has 1.0599.
    Blind to: offences that gain a few thousandths, offences during training, and runs that log no plain result.
    Ruling: a number is a reason to look and never a proof, so every policy reads it as FLAG.
    """

    id = "extraordinary-score"
    axis = Axis.LEGALITY
    condition = Condition.CLAIM
    severity = Severity.DISPUTED
    sources = (
        RuleSource(
            "#677", "valerio-oai (reported)", "2026-03-27", "caches that gained tenths of a bit were closed"
        ),
        RuleSource(
            "corpus",
            "measured",
            "2026-05-02",
            "clean and merged entries gain at most 2.84 % at evaluation time",
        ),
    )
    flagged = (
        Example(
            "the evaluation takes a fifth off the trained model's score",
            SCRIPT,
            folder(
                {
                    "train_seed42.log": log(val_bpb=1.1561)
                    + "final_ngram val_loss:1.5402 val_bpb:0.91221410\n"
                },
                claims(0.91221410),
            ),
            "#802",
        ),
        Example(
            "the model itself scores what no model of this size has scored",
            SCRIPT,
            folder({"train_seed42.log": log(val_bpb=0.9588)}, claims(0.9588)),
            "#120",
        ),
        Example(
            "the same without a token count, at the bytes per token of a known tokenisation",
            SCRIPT,
            folder({"train_seed42.log": log(val_bpb=0.9588, tokens=0)}, claims(0.9588)),
            "#120",
        ),
        Example("no log, and a claim far below the board", SCRIPT, folder({}, claims(0.7614)), "#990"),
    )
    clean = (
        Example(
            "sliding windows and averaged weights",
            SCRIPT,
            folder(
                {
                    "train_seed42.log": log(val_bpb=1.1892)
                    + "final_sliding val_loss:1.9512 val_bpb:1.15555486\n"
                },
                claims(1.15555486),
            ),
            "#1086",
        ),
        Example(
            "a low number over too many bytes is a matter of bytes",
            SCRIPT,
            folder({"train_seed42.log": log(val_bpb=0.8776, loss=nats(1.1250))}, claims(0.8776)),
            "#926",
        ),
        Example(
            "weights that averaging put right after training",
            SCRIPT,
            folder(
                {
                    "train_seed42.log": log(
                        val_bpb=1.2942, before_final="final_averaged val_loss:2.0659 val_bpb:1.22350000"
                    )
                    + "final_sliding val_loss:2.0370 val_bpb:1.20640000\n"
                },
                claims(1.2064),
            ),
            "#302",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Compare the claimed runs with their own plain model, and the headline with the board."""
        challenge = facts.challenge
        if challenge.lowest_bpb <= 0:
            return self.outcome(Status.NOT_APPLICABLE, "nobody has measured what legal entries reach")
        scored = [
            (run, line) for run in claimed_runs(facts.logs, facts.claims) if (line := _scored(run, facts))
        ]
        found = [told for run, line in scored if (told := _judge(run, line, challenge))]
        headline = facts.claims.headline
        if not scored and headline is not None and 0 < headline.value * UNSEEN_BYTES < challenge.lowest_bpb:
            found.append(_low(headline, challenge))
        if found:
            return self.outcome(
                Status.FLAGGED, found[0].message, tuple(found[:6]), confidence=CONFIDENCE, dispute=DISPUTE
            )
        # Numbers within bounds say nothing about the code, so this is no proof of legality.
        if not scored and headline is None:
            return self.outcome(Status.NOT_APPLICABLE, "neither a log nor a claim states a score")
        return self.outcome(Status.NOT_APPLICABLE, "the score is within what legal evaluations have reached")


def _scored(run: LogFacts, facts: Facts) -> ScoredLine | None:
    """Return the result that a claim names; the last one stands in only where nothing is claimed at all."""
    line = scored_line(run, facts.claims)
    return line if line and (line.claimed or facts.claims.headline is None) else None


def _judge(run: LogFacts, scored: ScoredLine, challenge: Challenge) -> Evidence | None:
    """Return what is extraordinary about the score of one run, or None."""
    line = scored.line
    at = Location(run.path, line.line, line.line)
    score = line.val_bpb
    if not math.isfinite(score) or score <= 0:
        return None
    plain = _plain(run, scored)
    if plain is not None and plain <= challenge.trained_bpb:
        gain = 1 - score / plain
        if gain > challenge.evaluation_gain:
            message = (
                f"{score:.4f} bpb, {gain:.1%} below the {plain:.4f} of the trained model; legal evaluations have gained"
                f" up to 3 %"
            )
            return _evidence(at, message)
    if score * _excess_bytes(run, scored, challenge) < challenge.lowest_bpb:
        return _evidence(at, f"{score:.4f} bpb; the lowest merged rows have about 1.06")
    return None


def _plain(run: LogFacts, scored: ScoredLine) -> float | None:
    """Return the score of the trained model: its last validation, or the first result after it if that is better."""
    last = run.last_val_bpb
    if last is None or (run.last_step and last.location.start_line < run.last_step.line):
        return None
    if not math.isfinite(last.value) or last.location.start_line >= scored.line.line:
        return None
    first = run.finals[0]
    if first.line < scored.line.line and abs(first.val_bpb - scored.line.val_bpb) > SAME:
        return min(last.value, first.val_bpb)
    return last.value


def _excess_bytes(run: LogFacts, scored: ScoredLine, challenge: Challenge) -> float:
    """Return by which factor the bytes behind a result exceed the text's, or may where no loss tells them."""
    line = scored.line
    if not line.val_loss or not math.isfinite(line.val_loss):
        return UNSEEN_BYTES
    ratio = line.val_loss / (math.log(2) * line.val_bpb)
    if run.val_tokens:
        return max(1.0, run.val_tokens.value * ratio / challenge.canonical_bytes)
    known = (entry.bytes_total / entry.val_tokens for entry in challenge.byte_constants if entry.canonical)
    return 1.0 if any(abs(ratio / entry - 1) <= RATIO_SHARE for entry in known) else UNSEEN_BYTES


def _low(headline: Claim[float], challenge: Challenge) -> Evidence:
    message = f"{headline.value} bpb is claimed and no log shows how; the lowest merged rows have about 1.06"
    return _evidence(headline.location, message)


def _evidence(where: Location, message: str) -> Evidence:
    return Evidence(where, message, Status.FLAGGED, Severity.DISPUTED, CONFIDENCE)
