"""Rule: the score covers less than the fixed validation split, or another one."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, script
from audits.example_folder import SCRIPT, folder, log
from audits.facts.headline import claimed_runs, line_with_loss
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts import Facts
    from audits.facts.logs import LogFacts

SPLIT_SHARE = 0.0005
BYTES_SHARE = 0.005
RATIO_SHARE = 0.002
RATIO_FAR = 0.05
UNSURE = 0.7
"""Confidence in a count that no split has, whose bytes exceed the split's."""
LIMIT = re.compile(
    r"^(?:max_?val_?(?:tokens|seqs|sequences|batches|docs|windows)|"
    r"val_?(?:max_?(?:tokens|seqs|sequences|batches|docs|windows)|tokens?_?(?:limit|cap)|limit|limit_tokens|"
    r"doc_?fraction|fraction|subset_?tokens|docs_?limit)|"
    r"(?:val|eval)_?(?:token|doc|seq|batch)_?limit|eval_?(?:max_?(?:tokens|seqs|batches|docs|windows)))$",
    re.IGNORECASE,
)


_KEPT = script(EVALUATE).replace("load_tokens(args.val_files)", "load_tokens(args.val_files)[:50_001]")


class PartialValidationSet(Rule):
    """The run scores a part of the validation split, or a split of its own.

    Why: val_bpb is defined on the full split of 50,000 documents; easier or fewer documents are another number.
    Looks for: the token count that claimed runs log against the known tokenisations of the split (truncation to
    whole sequences is normal), the bytes that an unknown count implies, and settings that cut validation short. Where
    no log shows the whole split: scores whose targets the code takes from a constant number of tokens.
    Ruling: a limiting setting may bind only the evaluations during training. It is a warning when the score shows
    the whole split's bytes per token, a violation when it shows others, and a question when it shows none.
    Blind to: a subset chosen inside the evaluation, when the log prints the full count; a loop over the split that
    stops after a number of rounds.
    """

    id = "partial-validation-set"
    axis = Axis.METRIC
    condition = Condition.BPB
    pattern = "partial-validation"
    sources = (
        RuleSource("README", "openai", "2026-03-18", "validation always runs on the full fixed split"),
        RuleSource("PR #1854", "measured", "2026-04-27", "10,000 documents instead of 50,000"),
    )
    flagged = (
        Example(
            "ten thousand documents",
            SCRIPT,
            folder({"train_seed42.log": log(tokens=9_662_464, loss=2.6)}),
            "#1854",
        ),
        Example(
            "a setting cuts validation to two million tokens",
            SCRIPT,
            folder({"train_seed42.log": log(tokens=2_097_152, extra_header="val_max_tokens:2097152")}),
            "#342",
        ),
        Example("fifty thousand tokens are kept, and no log tells", _KEPT, (), "#342"),
    )
    clean = (
        Example("the full split", SCRIPT, folder(), "#549"),
        Example("untruncated", SCRIPT, folder({"train_seed42.log": log(tokens=62_021_845)}), "#1019"),
    )

    def check(self, facts: Facts) -> Outcome:
        """Compare logged token counts with the known splits, then look for limits."""
        if not facts.challenge.byte_constants:
            return self.outcome(Status.NOT_APPLICABLE, "the challenge states no token counts")
        runs = claimed_runs(facts.logs, facts.claims)
        judged = [_judge(run, facts) for run in runs if run.val_tokens]
        bad = [entry for entry in judged if entry.status is Status.FLAGGED]
        if bad:
            surest = max(bad, key=lambda entry: entry.confidence)
            # Tokens that imply more bytes than the split has are no part of it: the table is wrong, or the text (#1184).
            names = (self.pattern,) if surest.confidence > UNSURE else ()
            return self.outcome(
                Status.FLAGGED, bad[0].message, tuple(bad), confidence=surest.confidence, patterns=names
            )
        whole = any(entry.status is Status.CLEAN for entry in judged)
        cut = () if whole else tuple(_cut(facts))
        if cut:
            return self.outcome(Status.FLAGGED, cut[0].message, cut, confidence=0.8)
        limits = tuple(_limits(facts, runs))
        if limits:
            severity = _weight(facts, runs, full=whole)
            return self.outcome(Status.FLAGGED, limits[0].message, limits, severity=severity, confidence=0.7)
        clean = tuple(entry for entry in judged if entry.status is Status.CLEAN)
        if clean:
            return self.outcome(Status.CLEAN, clean[0].message, clean)
        if judged:
            return self.outcome(Status.UNCLEAR, judged[0].message, tuple(judged))
        return self.outcome(Status.NOT_APPLICABLE, "no claimed run logs its validation tokens")


def _cut(facts: Facts) -> Iterator[Evidence]:
    """Yield the place where the code keeps a constant number of the tokens that it scores."""
    cut = facts.code.behaviour.cut
    least = min(constant.val_tokens for constant in facts.challenge.byte_constants)
    if cut is not None and cut.tokens < (1 - SPLIT_SHARE) * least:
        yield Evidence(cut.location, f"validation is cut to {cut.tokens:,} tokens here, and those are scored")


def _weight(facts: Facts, runs: tuple[LogFacts, ...], *, full: bool) -> Severity:
    """Return how bad a limiting setting is: it may bind the evaluations during training only.

    The bytes per token of the score tell: a part of the text has another ratio than the whole.
    """
    known = [entry.bytes_total / entry.val_tokens for entry in facts.challenge.byte_constants]
    ratios = [ratio for run in runs if (ratio := _implied(run, facts, 1))]
    off = [min(abs(ratio / k - 1) for k in known) for ratio in ratios]
    if full or (off and max(off) <= RATIO_SHARE):
        return Severity.WARNING
    # Far from every known ratio, the tokeniser is simply another one and nothing is shown.
    return Severity.VIOLATION if off and max(off) <= RATIO_FAR else Severity.DISPUTED


def _judge(run: LogFacts, facts: Facts) -> Evidence:
    """Judge one logged token count."""
    challenge, claim = facts.challenge, run.val_tokens
    tokens = claim.value if claim else 0
    where = claim.location if claim else None
    for constant in challenge.byte_constants:
        if abs(tokens - constant.val_tokens) <= SPLIT_SHARE * constant.val_tokens:
            return Evidence(
                where, f"{tokens:,} tokens: the full split as {constant.name}", Status.CLEAN, Severity.NOTE
            )
    implied = _implied(run, facts, tokens)
    message = f"{tokens:,} validation tokens are no known tokenisation of the split"
    if implied is None:
        return Evidence(where, message, Status.UNCLEAR, Severity.WARNING)
    share = implied / challenge.canonical_bytes
    if abs(share - 1) <= BYTES_SHARE:
        return Evidence(
            where,
            f"{tokens:,} tokens of another tokeniser, all bytes of the split",
            Status.CLEAN,
            Severity.NOTE,
        )
    if share < 1:
        return Evidence(where, f"{message}; they cover {share:.0%} of its bytes", confidence=0.9)
    return Evidence(where, f"{message}; they imply {share:.0%} of its bytes", confidence=UNSURE)


def _implied(run: LogFacts, facts: Facts, tokens: int) -> float | None:
    line = line_with_loss(run, facts.claims)
    if line is None or not line.val_loss or line.val_bpb <= 0:
        return None
    return tokens * line.val_loss / (math.log(2) * line.val_bpb)


def _limits(facts: Facts, runs: tuple[LogFacts, ...]) -> Iterator[Evidence]:
    """Yield every setting of the claimed run that cuts validation short."""
    logged: set[str] = set()
    for run in runs:
        for name, value, line in run.hyperparameters:
            if LIMIT.match(name):
                logged.add(name.lower())
                if _cuts(value):
                    yield Evidence(
                        Location(run.path, line, line), f"{name} = {value[:40]} cuts validation short"
                    )
    for name, setting in facts.code.settings.by_name:
        if LIMIT.match(name) and name.lower() not in logged and _cuts(str(setting.value)):
            where = setting.origin_location or setting.location
            yield Evidence(where, f"{name} = {setting.value} cuts validation short")
    for command in facts.submission.run_commands:
        for name, value in command.env:
            if (
                LIMIT.match(name)
                and name.lower() not in logged
                and facts.code.settings.get(name) is None
                and _cuts(value)
            ):
                where = Location(command.path, command.line, command.line)
                yield Evidence(where, f"{name}={value[:40]} in the command cuts validation short")


def _cuts(text: str) -> bool:
    """Tell whether a limit limits: a fraction below one, or a positive count."""
    match = re.match(r"-?\d{1,12}(?:\.\d{1,9})?$", text.strip())
    if not match:
        return False
    value = float(match.group())
    return 0 < value < 1 or (value > 1 and value < 10**9)
