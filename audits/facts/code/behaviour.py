"""What the trace amounts to, frozen: which reported scores saw what, and which adaptations kept the order.

Everything here was reachable in the configuration that was read. No rule's opinion, no label numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from audits.facts.code import labels as lab
from audits.facts.code.events import Conflict, Learner, Report, ScoreSite, UpdateKind, UpdateSite
from audits.facts.code.labels import Labels, bit_numbers
from audits.facts.code.machine import Machine
from audits.location import Location


@dataclass(frozen=True, slots=True)
class Update:
    """A place where state learns from validation tokens."""

    location: Location
    kind: UpdateKind
    learner: Learner
    function: str
    order: int
    shared: bool
    """One learned tensor serves a whole batch of windows."""
    prefix_only: bool
    """The loss it learns from is cut to positions before a boundary inside the window."""
    in_loop: bool
    repeated: bool = False
    """Several epochs: a loop around the update goes over the same tokens again."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """A reported score that depends on a state learned from the tokens it scores, or from later ones."""

    update: Update
    score: Location
    report: Location
    same_pass: bool
    """Both lie in one pass of a loop over validation; otherwise one sweep precedes the other."""
    update_first: bool
    """The update is met before the score when the program runs."""
    carried: bool
    """What was learned reaches the score through weights that were saved, quantised or loaded in between."""
    kept_order_elsewhere: bool = False
    """This update, or one before it of the same weights, keeps the order towards another score."""
    headline: bool = True
    """The claimed score depends on it; False for another evaluation that the run also prints."""
    assumed: bool = False
    """Only reached with a switch on that is off by default; the run's other knobs imply it was on."""
    overlapping: bool = False
    """Only the overlap of windows makes it one: earlier windows hold tokens that are scored again."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place where a forbidden construction arose, on the way to a reported score."""

    kind: str
    location: Location
    report: Location
    headline: bool = True
    """The claimed score depends on it; False for another evaluation that the run also prints."""
    assumed: bool = False
    """Only reached with a switch on that is off by default; the run's other knobs imply it was on."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Every score that counts is of a constant number of validation tokens."""

    location: Location
    tokens: int


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one configuration of the code does with validation tokens."""

    reports: tuple[Location, ...] = ()
    scores: tuple[Location, ...] = ()
    """Losses on validation targets that reach a report."""
    exposures: tuple[Exposure, ...] = ()
    adaptations: tuple[Update, ...] = ()
    """Updates that reach reported scores of later tokens only."""
    marks: tuple[Mark, ...] = ()
    updates: tuple[Update, ...] = ()
    cut: Cut | None = None
    counted: tuple[Update, ...] = ()
    """Tables whose counts of validation tokens reach a report, in whatever order."""
    frozen_claim: bool = False
    """The claimed score shows by the text it is printed under; nothing behind it learned from validation."""
    complete: bool = True
    """False when the step budget ran out before the program ended."""


MARKS = {
    lab.TARGET_KEYED: "target-keyed-count",
    lab.ORACLE: "better-of-two-scores",
    lab.BYTE_MIXED: "byte-mixed",
    lab.ENTROPY_MIXED: "entropy-as-expert",
    lab.CHOSEN: "weights-chosen-by-score",
    lab.UNSAVED: "artifact-replaced",
    lab.GATED: "mixed-where-counted",
}


def summarise(machine: Machine, claimed_labels: frozenset[str] = frozenset()) -> Behaviour:
    """Return the frozen summary of one reading."""
    labels, trace = machine.labels, machine.trace
    headline = headline_mask(machine, claimed_labels)
    updates = {id(site): freeze(site) for site in trace.updates}
    exposures: dict[tuple[int, Location, bool], Exposure] = {}
    scores: dict[Location, None] = {}
    learned_in_order: dict[int, Update] = {}
    for report in trace.reports:
        for site in score_sites(labels, report):
            scores[site.location] = None
            for bit in bit_numbers(site.learned):
                origin = labels.state_info[bit][0]
                learned_in_order[id(origin)] = updates[id(origin)]
        for conflict in conflicts_of(labels, report):
            key = (id(conflict.update), conflict.score.location, conflict.same_pass)
            counts = headline is None or bool(headline & labels.conflict(conflict))
            if key not in exposures or counts:
                met = expose(conflict, updates[id(conflict.update)], report, counts, trace.scores)
                only = (id(conflict.update), id(conflict.score)) not in machine.clashes
                exposures[key] = replace(met, overlapping=only)
    for mixed in machine.mixed_in.values():
        learned_in_order.setdefault(id(mixed), updates[id(mixed)])
    in_order = again_in_order(machine, ordered_pairs(machine))
    for key, exposure in exposures.items():
        if key[0] in in_order and (in_order[key[0]] or not exposure.carried):
            exposures[key] = replace(exposure, kept_order_elsewhere=True)
    exposed = {id(conflict.update) for report in trace.reports for conflict in conflicts_of(labels, report)}
    return Behaviour(
        reports=tuple(dict.fromkeys(report.location for report in trace.reports)),
        scores=tuple(scores),
        exposures=tuple(exposures.values()),
        adaptations=tuple(update for key, update in learned_in_order.items() if key not in exposed),
        marks=marks_of(machine, headline),
        updates=tuple(updates.values()),
        cut=cut_of(machine, headline),
        counted=tuple(updates[key] for key in reaching_tables(machine)),
        frozen_claim=headline is not None and is_frozen(labels, headline),
        complete=not trace.budget_spent,
    )


def cut_of(machine: Machine, headline: int | None) -> Cut | None:
    """Return the least number of tokens that all scores of the headline were cut to, None if one is whole."""
    reached = [
        site
        for report in machine.trace.reports
        for site in score_sites(machine.labels, report)
        if headline is None or headline & machine.labels.score(site)
    ]
    if not machine.trace.cuts or not reached or not all(site.cut for site in reached):
        return None
    tokens, location = min(machine.trace.cuts, key=lambda entry: entry[0])
    return Cut(location, tokens)


def ordered_pairs(machine: Machine) -> set[int]:
    """Return the updates that some reported score depends on without any conflict with them."""
    labels = machine.labels
    found: set[int] = set()
    for report in machine.trace.reports:
        clashing = {(id(conflict.update), id(conflict.score)) for conflict in conflicts_of(labels, report)}
        for site in score_sites(labels, report):
            for bit in bit_numbers(site.learned):
                update = labels.state_info[bit][0]
                # A training loss that is logged per batch comes before its own step; that is no evaluation.
                logged = site.trained_on and update.learner is Learner.MODEL
                if (id(update), id(site)) not in clashing and not logged:
                    found.add(id(update))
    return found


def again_in_order(machine: Machine, in_order: set[int]) -> dict[int, bool]:
    """Return the updates that kept the order (True) and those that go on after such a one (False).

    A further sweep over tokens that the same weights were scored on and learned from makes what
    follows a second scoring, not a training before the first (#1430).
    """
    begun = [site for site in machine.trace.updates if id(site) in in_order and site.owner]
    found = {
        id(site): False
        for site in machine.trace.updates
        if any(site.owner & first.owner and first.order < site.order for first in begun)
    }
    return found | dict.fromkeys(in_order, True)


def freeze(site: UpdateSite) -> Update:
    """Return an update as a frozen record."""
    return Update(
        site.location,
        site.kind,
        site.learner,
        site.function,
        site.order,
        site.shared,
        site.prefix_only,
        bool(site.loops),
        site.repeated,
    )


def score_sites(labels: Labels, report: Report) -> Iterable[ScoreSite]:
    """Yield the scores that reach a report."""
    for bit in bit_numbers(report.labels & labels.scores):
        yield labels.score_info[bit]


def conflicts_of(labels: Labels, report: Report) -> Iterable[Conflict]:
    """Yield the conflicts that reach a report."""
    for bit in bit_numbers(report.labels & labels.conflicts):
        yield labels.conflict_info[bit]


def headline_mask(machine: Machine, claimed_labels: frozenset[str]) -> int | None:
    """Return all labels of the values printed under the claimed labels, or None where that cannot be told."""
    mask = 0
    for text, shown in machine.trace.prints:
        if any(label in text for label in claimed_labels):
            mask |= shown
    return mask if mask & machine.labels.scores else None


def reaching_tables(machine: Machine) -> dict[int, None]:
    """Return the updates of tables whose content was mixed into a score or reaches a report."""
    labels = machine.labels
    reported = 0
    for report in machine.trace.reports:
        reported |= report.labels
        for site in score_sites(labels, report):
            reported |= site.learned
    sites = [labels.state_info[bit][0] for bit in bit_numbers(reported & labels.table_states)]
    mixed = [site for site in machine.mixed_in.values() if site.learner is Learner.TABLE]
    return dict.fromkeys(id(site) for site in (*sites, *mixed))


def is_frozen(labels: Labels, headline: int) -> bool:
    """Return whether nothing in a mask depends on a learned state or on a marked place."""
    learned = headline & (labels.states | labels.conflicts | sum(MARKS) & ~lab.UNSAVED)
    return not learned and not any(
        labels.score_info[bit].learned for bit in bit_numbers(headline & labels.scores)
    )


def scored_first(conflict: Conflict, sites: list[ScoreSite]) -> bool:
    """Return whether the update follows a score in its own loop, and an outer loop repeats both."""
    update, score = conflict.update, conflict.score
    if not update.loops or not set(update.loops) & set(score.loops):
        return False
    inner = update.loops[-1]
    return any(
        site.order < update.order
        and site.location == score.location
        and inner in site.loops
        and not (site.trained_on and update.learner is Learner.MODEL)
        for site in sites
    )


def expose(
    conflict: Conflict, update: Update, report: Report, headline: bool, sites: list[ScoreSite]
) -> Exposure:
    """Return a conflict as a frozen record."""
    carried = bool(conflict.update.lineage & conflict.score.lineages)
    return Exposure(
        update,
        conflict.score.location,
        report.location,
        conflict.same_pass,
        not scored_first(conflict, sites),
        carried,
        kept_order_elsewhere=False,
        headline=headline,
    )


def marks_of(machine: Machine, headline: int | None) -> tuple[Mark, ...]:
    """Return the marked places whose label reaches a report.

    Float weights may be scored beside the artifact: that they are what is claimed must be known.
    """
    found: dict[tuple[str, Location], Mark] = {}
    for report in machine.trace.reports:
        for label, name in MARKS.items():
            if report.labels & label and not (label == lab.UNSAVED and machine.saved_again):
                for seen, place in machine.trace.marks:
                    if seen == label:
                        known = headline is not None or label == lab.UNSAVED
                        counts = not known or bool((headline or 0) & label)
                        found.setdefault((name, place), Mark(name, place, report.location, counts))
    return tuple(found.values())
