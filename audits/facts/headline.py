"""Which line of which log the claimed score stands on.

A log holds many results (pre-quantisation, round trip, sliding, adapted); the last one is not always the
score. The line that carries a claimed number is taken; only where no line does, the last one stands in.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from audits.facts.claim import Claim, half_unit
from audits.facts.claims import Claims
from audits.facts.logs import FinalLine, LogFacts

MIN_DECIMALS = 3
_QUOTED = re.compile(
    r"\b([a-z0-9]+(?:_[a-z0-9]+)+)[\s:,`|*]{1,6}(?:val_bpb|bpb)[\s:=`|*]{1,6}(\d\.\d{4,12})\b"
)
"""A label and its score as log lines have them: `final_int8_zlib_roundtrip val_bpb:1.2345`."""


class ScoredLine(NamedTuple):
    """The result that a run contributes to the score."""

    line: FinalLine
    claimed: bool
    """A claimed number equals it; otherwise it is merely the last result of the run."""


def agree(stated: float, stated_text: str, found: float, found_text: str) -> bool:
    """Tell whether two numbers are the same but for the digits that were printed."""
    return abs(stated - found) <= half_unit(stated_text) + half_unit(found_text) + 1e-9


def score_text(claim: Claim[float]) -> str:
    """Return a claimed score with the digits that its value carries."""
    return repr(claim.value)


def claimed_scores(claims: Claims, seed: int | None) -> list[Claim[float]]:
    """Return the scores claimed for a seed, then those claimed for the whole submission."""
    own = [entry.val_bpb for entry in (*claims.submission.seeds, *claims.readme.seeds) if entry.seed == seed]
    json = claims.submission
    whole = [json.val_bpb, json.val_bpb_mean, claims.readme.mean_bpb, claims.readme.headline]
    return [claim for claim in (*own, *whole) if claim is not None]


def scored_line(log: LogFacts, claims: Claims) -> ScoredLine | None:
    """Return the result of a run that a claim names, else its last result, else None."""
    for claim in claimed_scores(claims, log.any_seed):
        text = score_text(claim)
        if len(text.partition(".")[2]) < MIN_DECIMALS:
            continue
        found = [final for final in log.finals if agree(claim.value, text, final.val_bpb, final.bpb_text)]
        if found:
            return ScoredLine(_most_exact(found), claimed=True)
    return ScoredLine(_most_exact(_last_pass(log.finals)), claimed=False) if log.finals else None


def quoted_labels(text: str, claims: Claims) -> frozenset[str]:
    """Return the labels under which a text quotes the claimed score: where no log was handed in (#1658)."""
    scores = [(claim.value, score_text(claim)) for claim in claimed_scores(claims, None)]
    return frozenset(
        label
        for label, number in _QUOTED.findall(text)
        if any(agree(value, stated, float(number), number) for value, stated in scores)
    )


def line_with_loss(log: LogFacts, claims: Claims) -> FinalLine | None:
    """Return the scored line, or the last result with a loss where the scored line prints none."""
    scored = scored_line(log, claims)
    if scored is None or scored.line.val_loss:
        return scored.line if scored else None
    return next((final for final in reversed(log.finals) if final.val_loss), None)


def claimed_runs(logs: tuple[LogFacts, ...], claims: Claims) -> tuple[LogFacts, ...]:
    """Return the runs that the claims rest on; all informative ones where none can be told apart."""
    seeds = {entry.seed for entry in claims.seeds if entry.seed is not None}
    matched = {id(log) for log in logs if (found := scored_line(log, claims)) and found.claimed}
    if matched:
        shown = {log.any_seed for log in logs if id(log) in matched}
        # A seed's other logs are superseded once one of them carries the claimed number.
        open_seeds = seeds - shown
        return tuple(log for log in logs if id(log) in matched or (log.any_seed in open_seeds and log.finals))
    return tuple(log for log in logs if log.informative)


def of_another_run(logs: tuple[LogFacts, ...], claims: Claims) -> bool:
    """Tell whether the logs hold results, a score is claimed, and no result nor their mean is that score."""
    seeds = {None, *(entry.seed for entry in claims.seeds)}
    scores = [claim for seed in seeds for claim in claimed_scores(claims, seed)]
    stated = [(claim.value, score_text(claim)) for claim in scores]
    stated = [(value, text) for value, text in stated if len(text.partition(".")[2]) > MIN_DECIMALS]
    finals = [final for log in logs for final in log.finals]
    if not stated or not finals:
        return False
    last = [log.finals[-1] for log in logs if log.finals]
    found = [(final.val_bpb, final.bpb_text) for final in finals]
    found.append((sum(final.val_bpb for final in last) / len(last), last[0].bpb_text))
    return not any(agree(value, text, *other) for value, text in stated for other in found)


def _most_exact(lines: list[FinalLine]) -> FinalLine:
    """Return the line with most digits; of equals the one that also tells its time, then the last."""
    digits = max(len(line.bpb_text) for line in lines)
    exact = [line for line in lines if len(line.bpb_text) == digits]
    timed = [line for line in exact if line.eval_seconds is not None]
    return (timed or exact)[-1]


def _last_pass(lines: tuple[FinalLine, ...]) -> list[FinalLine]:
    """Return the last result with its twins: the lines just above that print the same number."""
    last = lines[-1]
    return [line for line in lines[-3:] if agree(line.val_bpb, line.bpb_text, last.val_bpb, last.bpb_text)]
