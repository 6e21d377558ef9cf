"""Rule: the run's shard and token counts are those of a training split that holds validation documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder, log, readme
from audits.facts.headline import claimed_runs
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.logs import LogFacts


_SMALL_SPLIT = re.compile(r"\bval[-_ ]docs[ =:`]{1,4}10[,_]?000\b", re.IGNORECASE)
_SHARDS = re.compile(r"\b(\d{1,5}) (?:train|training) shards\b", re.IGNORECASE)
_OTHERWISE = re.compile(
    r"\b(?:not|never|instead|would|avoid\w*|leak\w*|prevent\w*|fix\w*|wrong\w*|val[-_ ]docs[ =:`]{1,4}50[,_]?000)\b",
    re.IGNORECASE,
)
_TEXT_CAP = 300_000
_SENTENCE = re.compile(r"(?<=[a-z`)])\. |\n")


class TrainValOverlapFingerprint(Rule):
    """The logged counts of training shards and validation tokens give away an overlapping split.

    Why: a preparation script that keeps 10,000 documents for validation puts the other 40,000 of the fixed split
    into training.
    Looks for: pairs of shard and token counts that the challenge file lists as overlapping; a README or note that
    says of the very number of training shards logged that they came out of a preparation which keeps 10,000
    documents for validation, while the logs score all 50,000.
    Blind to: overlapping splits with other counts that nobody states; another count is therefore no proof of
    disjoint data. What a preparation script would do by default says nothing of the shards that were used.
    Ruling: the doubled `datasets/datasets` path and the script's default are no evidence (40 clean entries).
    """

    id = "train-val-overlap-fingerprint"
    axis = Axis.LEGALITY
    condition = Condition.DATA
    pattern = "train-on-val"
    sources = (
        RuleSource(
            "issue #2127", "leon2k2k2k", "2026-05-01", "1,499 shards with the full validation split overlap"
        ),
        RuleSource("PR #2146", "cocohearts", "2026-05-02", "an entry with this fingerprint is excluded"),
    )
    flagged = (
        Example(
            "1,499 shards",
            SCRIPT,
            folder({"train_seed42.log": log(tokens=47_851_520, shards=1_499)}),
            "#2130",
        ),
        Example(
            "a README that says how the shards were made",
            SCRIPT,
            folder(
                {"train_seed42.log": log(tokens=47_851_520, shards=80)},
                readme_text=readme("The 80 train shards equal the output of the default `val_docs=10000`."),
            ),
            "#2018",
        ),
    )
    clean = (
        Example(
            "80 shards", SCRIPT, folder({"train_seed42.log": log(tokens=47_851_520, shards=80)}), "#1736"
        ),
        Example(
            "a README that warns of the default",
            SCRIPT,
            folder(
                {"train_seed42.log": log(tokens=47_851_520, shards=80)},
                readme_text=readme(
                    "With `--val-docs=10000` the 80 train shards would hold validation documents."
                ),
            ),
            "#2138",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Look the logged counts up in the challenge's fingerprints."""
        runs = [r for r in claimed_runs(facts.logs, facts.claims) if r.train_shards and r.val_tokens]
        if not facts.challenge.overlap_fingerprints or not runs:
            return self.outcome(Status.NOT_APPLICABLE, "no logged counts to compare with a known overlap")
        found: list[Evidence] = []
        for run in runs:
            for print_ in facts.challenge.overlap_fingerprints:
                shards, tokens = run.train_shards, run.val_tokens
                if (
                    shards
                    and tokens
                    and tokens.value == print_.val_tokens
                    and shards.value in print_.train_shards
                ):
                    message = f"{shards.value:,} training shards with {tokens.value:,} validation tokens overlap ({print_.source})"
                    found.append(Evidence(shards.location, message, severity=Severity.VIOLATION))
        found += stated_overlap(facts, runs)
        if found:
            return self.outcome(Status.FLAGGED, found[0].message, tuple(found), confidence=0.85)
        counts = sorted({run.train_shards.value for run in runs if run.train_shards})
        return self.outcome(
            Status.NOT_APPLICABLE, f"train shards {counts}: not the counts of a known overlap"
        )


def stated_overlap(facts: Facts, runs: list[LogFacts]) -> list[Evidence]:
    """Return the sentences that say the logged training shards hold documents of the split that is scored."""
    full = {print_.val_tokens for print_ in facts.challenge.overlap_fingerprints}
    shards = {
        run.train_shards.value
        for run in runs
        if run.val_tokens and run.val_tokens.value in full and run.train_shards
    }
    found: list[Evidence] = []
    for file in facts.submission.files:
        if not shards or not file.path.lower().endswith((".md", ".json", ".txt")) or file.absent:
            continue
        text = file.data[:_TEXT_CAP].decode("utf-8", "replace")
        if _SMALL_SPLIT.search(text) is None:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            for sentence in _SENTENCE.split(line[:4096]):
                count = _SHARDS.search(sentence)
                if count is None or int(count.group(1)) not in shards or _OTHERWISE.search(sentence):
                    continue
                if _SMALL_SPLIT.search(sentence):
                    message = (
                        f"the {count.group(1)} training shards are said to begin after 10,000 documents, and the logs"
                        " score the first 50,000"
                    )
                    place = Location(file.path, number, number)
                    found.append(Evidence(place, message, severity=Severity.VIOLATION))
    return found
