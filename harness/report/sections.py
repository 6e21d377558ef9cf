"""What the human-readable formats share: which outcomes are shown, in what order, under which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.outcome import Axis, Outcome, Status
from audits.policy import Effect
from audits.verdict import AxisCall, AxisVerdict, Overall, overall_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.finding import Finding
    from harness.report.comparison import Run
    from harness.report.review import Review

PLACES_SHOWN = 4
"""Places quoted for one outcome; the JSON has them all."""

RUNS_SHOWN = 12
"""Runs listed for one submission."""

ADVICE = {
    "C1": "Make each prediction a function of the artifact and of earlier tokens only.",
    "C2": "Score with a distribution that adds up to one over the whole vocabulary before the token is read.",
    "C3": "Score every token, and add its loss to the reported sum, before anything learns from it.",
    "C4": "Report the first score of each token from one left-to-right pass.",
    "DATA": "Keep validation data out of everything that runs before its score, and training data out of "
    "evaluation.",
    "SIZE": "Bring code and compressed model of every seed under the cap, and state the total in bytes.",
    "TIME": "Rerun inside the cap and submit the new logs.",
    "HARDWARE": "Run on the hardware of the track, or file the entry under the non-record track.",
    "BPB": "Count the bytes of the whole fixed validation split with the canonical table.",
    "PKG": "Complete the folder so that somebody else can run it from there.",
    "CLAIM": "Make README, submission.json, logs and committed code tell of one and the same run.",
    "STAT": "Give at least three seeds of one configuration and name the entry they are compared with.",
    "INTAKE": "Repair the files that could not be read.",
}

SHOW_LOGS = "Commit the logs of the claimed runs, so that sizes, times and scores can be read."
READ_BY_HAND = "Point the reviewer to the code that could not be followed: a person has to read it."

_EFFECTS = tuple(Effect)
_OPEN = frozenset({Status.FLAGGED, Status.UNCLEAR, Status.CRASHED})


@dataclass(frozen=True, slots=True)
class Group:
    """One outcome that a reader should see, with its places; outcomes that say the same are one group."""

    outcome: Outcome
    rules: tuple[str, ...]
    """Ids of the rules that ended so, for one and the same reason."""
    title: str
    """What the rule is about, in its own words."""
    word: str
    """`violation`, `flag`, `note`, `unclear` or `crashed`."""
    why: str
    """Why the policy reads it so; empty where no dispute is open."""
    places: tuple[Finding, ...]

    @property
    def weighs(self) -> bool:
        """Tell whether it counts for anything under the policy."""
        return self.word != Effect.NOTE.value


def axes_worst_first(review: Review) -> tuple[AxisVerdict, ...]:
    """Return the axis verdicts as they weigh on the whole, then as they are called."""
    calls, overalls = list(AxisCall), list(Overall)

    def weight(entry: AxisVerdict) -> tuple[int, int]:
        return overalls.index(overall_of(entry)), calls.index(entry.call)

    return tuple(sorted(review.verdict.axes, key=weight))


def groups_on(review: Review, axis: Axis) -> tuple[Group, ...]:
    """Return the outcomes of one axis that a reader should see, worst first, each reason once."""
    alike: dict[tuple[object, ...], list[Outcome]] = {}
    for outcome in review.result.outcomes:
        if outcome.axis is axis and outcome.status in _OPEN:
            own = outcome.rule if outcome.status is Status.FLAGGED else ""
            alike.setdefault((outcome.status, outcome.reason, own), []).append(outcome)
    groups = [_group(review, outcomes) for outcomes in alike.values()]
    order = [*(effect.value for effect in _EFFECTS[:2]), "crashed", "unclear", Effect.NOTE.value]
    return tuple(sorted(groups, key=lambda group: order.index(group.word)))


def named(rules: Sequence[str], limit: int = 4) -> str:
    """Return rule ids in a sentence, the first few by name."""
    shown = ", ".join(rules[:limit])
    return shown if len(rules) <= limit else f"{shown} and {len(rules) - limit} more"


def recognised(review: Review) -> tuple[tuple[str, Finding | None], ...]:
    """Return the reachable patterns that no rule objects to, each with its first place."""
    found: dict[str, Finding | None] = {}
    for outcome in review.result.outcomes:
        if outcome.status in (Status.FLAGGED, Status.CRASHED):
            continue
        for name in outcome.patterns:
            place = next((f for f in review.findings if f.rule == outcome.rule and f.pattern == name), None)
            found.setdefault(name, place)
    return tuple(found.items())


def sleeping(review: Review) -> tuple[Outcome, ...]:
    """Return the outcomes that ended dormant."""
    return tuple(o for o in review.result.outcomes if o.status is Status.DORMANT)


def advice(review: Review) -> tuple[str, ...]:
    """Return what the author can do about everything that weighs, worst axis first."""
    sentences = [
        _advice(group.outcome)
        for entry in axes_worst_first(review)
        for group in groups_on(review, entry.axis)
        if group.weighs and group.outcome.status is not Status.CRASHED
    ]
    return tuple(dict.fromkeys(sentences))


def _advice(outcome: Outcome) -> str:
    """Return what to do about one outcome."""
    if outcome.status is Status.FLAGGED:
        return ADVICE[outcome.condition.value]
    return READ_BY_HAND if outcome.axis is Axis.LEGALITY else SHOW_LOGS


def place_of(finding: Finding, review: Review) -> str:
    """Return where a finding is, in words: `train_gpt.py:12-14`, with the layer where there is one."""
    if finding.path is None or finding.start_line is None:
        return ""
    last = finding.end_line if finding.end_line and finding.end_line > finding.start_line else None
    span = f"{finding.path}:{finding.start_line}" + (f"-{last}" if last else "")
    if not finding.layer:
        return span
    packed = f"{codecs_of(finding, review)}line {finding.annotated_line}"
    return f"{span} of unpacked layer {finding.layer} ({packed})"


def codecs_of(finding: Finding, review: Review) -> str:
    """Return the encodings that were peeled off to get to the finding's layer."""
    layers = review.result.facts.code.layers if review.result.facts else ()
    names = next((e.encodings for e in layers if (e.path, e.index) == (finding.path, finding.layer)), ())
    return f"{'+'.join(reversed(names))} on " if names else "on "


def clean_sentence(review: Review, axis: Axis) -> str:
    """Return how many rules of an axis saw their matter and found nothing, and how many did not apply."""
    outcomes = [o for o in review.result.outcomes if o.axis is axis]
    clean = sum(o.status is Status.CLEAN for o in outcomes)
    other = sum(o.status is Status.NOT_APPLICABLE for o in outcomes)
    if not clean:
        return "no rule could judge it" if len(outcomes) == other else ""
    more = "other " if clean < sum(o.status is not Status.NOT_APPLICABLE for o in outcomes) else ""
    looked = f"{clean} {more}rule{'s' if clean != 1 else ''} looked and found nothing wrong"
    return looked + (f", {other} did not apply" if other else "")


def run_cells(run: Run) -> tuple[str, ...]:
    """Return one run as table cells; empty where its log does not say."""
    return (
        run.path,
        "" if run.seed is None else str(run.seed),
        "" if run.val_bpb is None else f"{run.val_bpb:.6f}",
        "" if run.train_seconds is None else f"{run.train_seconds:.1f}",
        "" if run.eval_seconds is None else f"{run.eval_seconds:.1f}",
        "" if run.artifact_bytes is None else f"{run.artifact_bytes:,}",
    )


def _group(review: Review, outcomes: Sequence[Outcome]) -> Group:
    """Return outcomes of one reason with the words and places that go with them."""
    outcome = outcomes[0]
    places = tuple(f for f in review.findings if f.rule == outcome.rule and f.outcome is not Status.DORMANT)
    reading = review.policy.reading(outcome)
    flagged = outcome.status is Status.FLAGGED
    word = reading.effect if flagged else outcome.status
    if word is Effect.VIOLATION and outcome.confidence < review.policy.min_confidence:
        word = Effect.FLAG
    rules = tuple(entry.rule for entry in outcomes)
    title = review.title(outcome.rule) if len(rules) == 1 else f"{len(rules)} rules could not judge"
    return Group(outcome, rules, title, word.value, reading.why if flagged else "", places)
