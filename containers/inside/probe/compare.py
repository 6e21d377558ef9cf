"""Compare the runs of one submission, and say for each evaluation and for the whole what the tests found.

Pure: records in, records out, whatever the traces hold. They come from the submission's own process: numbers
that do not fit together end as BLIND, and never as an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np

from .boundary import boundary_test
from .finding import Call, PhaseEnd, Test, TestEnd
from .headline import THE_RUN, Span, headline_of, outside_of, reported_by, spans_of
from .items import Rows, items_of, rows_of
from .matched import number_of, numbers_of, score_of, span_like
from .normalised import normalisation_test
from .once import score_once_test, true_bytes
from .patterns import WHOLE, WHOLE_STREAM
from .placing import Stream
from .rank_slices import rank_slices_test
from .runs import NORMALISED, PLAIN, RANKED, RANKED_CHANGED, Run, Runs
from .self_target import self_target_test
from .suffix import suffix_test
from .tails import tail_matching
from .trace import Trace
from .update_order import Learning, condition_of, learning_of, update_order_test
from .views import View, Views
from .watches import Recipe, candidates, matching, read
from .whole import artifact_test, differing, reload_test

MAX_PHASES = 16
"""Evaluation calls that are compared: the headline, and the last others."""
MAX_TRIED = 24
"""Candidates that are tried against a score in bits a byte, where no loss was reported."""
OF_A_PHASE = (
    Test.SUFFIX, Test.SELF_TARGET, Test.NORMALISATION, Test.SCORE_ONCE, Test.UPDATE_ORDER, Test.BOUNDARY,
)  # fmt: skip


def ends(runs: Runs) -> tuple[tuple[PhaseEnd, ...], tuple[TestEnd, ...]]:
    """Return what the tests say of each evaluation, in the order of their returns, and of the whole."""
    comparison = _Comparison(runs)
    return comparison.phases(), comparison.whole()


def phases(runs: Runs) -> tuple[PhaseEnd, ...]:
    """Return what the tests say of each evaluation."""
    return _Comparison(runs).phases()


def whole(runs: Runs) -> tuple[TestEnd, ...]:
    """Return what the tests say of the run as a whole."""
    return _Comparison(runs).whole()


class _Comparison:
    """All runs of a submission, read once."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.plain = runs.by_name.get(PLAIN) or Run(PLAIN, Trace(()), np.zeros(0, np.int64))
        self.streams: dict[str, Stream] = {}
        self.rows: dict[str, Rows] = {}
        self.spans = spans_of(self.plain.trace)
        self.reported = reported_by(self.plain.trace, runs.labels)
        self.headline = headline_of(self.spans, self.reported) or self._printed()

    def phases(self) -> tuple[PhaseEnd, ...]:
        """Return the headline and the last others."""
        chosen = [span for span in self.spans if span is not self.headline and span.numbers]
        chosen = chosen[-(MAX_PHASES - 1) :]
        if self.headline is not None:
            chosen = sorted([*chosen, self.headline], key=lambda span: span.last)
        return tuple(self._phase(span) for span in chosen)

    def _printed(self) -> Span | None:
        """Return where what was printed last adds up, where no call returned it."""
        trace, numbers = self.plain.trace, self.reported.numbers
        if not numbers:
            return None
        outside = outside_of(trace)
        silent = [span for span in reversed(self.spans) if not span.numbers]
        for span in (*silent[:MAX_PHASES], outside, outside_of(trace, THE_RUN)):
            if matching(trace, span, lambda seen: number_of(seen.values, numbers, True) is not None):
                return span
        return outside

    def whole(self) -> tuple[TestEnd, ...]:
        """Return what concerns no single evaluation."""
        headline = self._views_or_why(self.headline) if self.headline is not None else None
        asked = (
            (Test.ARTIFACT, lambda: artifact_test(self.runs)),
            (Test.RELOAD, lambda: reload_test(self.runs, headline if isinstance(headline, Views) else None)),
            (Test.RANK_SLICES, lambda: self._rank_slices(headline)),
        )
        return tuple(_safely(test, ask) for test, ask in asked)

    def _rank_slices(self, headline: Views | str | None) -> TestEnd:
        """Return what the runs as several ranks show of the headline."""
        made, reason = self.runs.ranked, self.runs.skipped.get(RANKED, "the runs were not made")
        if not made:
            return TestEnd(Test.RANK_SLICES, Call.NOT_RUN, reason)
        if RANKED_CHANGED not in made or not all(run.ok for runs in made.values() for run in runs):
            return TestEnd(Test.RANK_SLICES, Call.BLIND, reason)
        if not isinstance(headline, Views) or self.headline is None:
            return TestEnd(Test.RANK_SLICES, Call.BLIND, "the headline is not known")
        recipe = headline.plain.items.watched.recipe
        if recipe.skip:
            return TestEnd(Test.RANK_SLICES, Call.BLIND, "the headline is the last of several passes")
        views = {}
        for name, runs in made.items():
            # Where one rank evaluates for all, the others have no such evaluation.
            spans = [(run, span) for run in runs if (span := span_like(self.headline, run.trace)) is not None]
            if not spans or any(run.trace.facts.get("cut") for run in runs):
                return TestEnd(Test.RANK_SLICES, Call.BLIND, "not all of a run as two ranks was watched")
            views[name] = tuple(self._view(run, span, recipe) for run, span in spans)
        return rank_slices_test(views, headline.line)

    def _phase(self, span: Span) -> PhaseEnd:
        views = self._views_or_why(span)
        numbers = numbers_of(span, self.reported, span is self.headline)
        loss = views.matched if isinstance(views, Views) else next(iter(numbers), None)
        return PhaseEnd(
            phase=span.phase,
            function=span.name,
            line=views.line if isinstance(views, Views) else span.site,
            val_loss=loss,
            val_bpb=next((number for number in numbers if number != loss), None),
            headline=span is self.headline,
            items=int(views.plain.items.values.size) if isinstance(views, Views) else 0,
            tests=self._tests(views) if isinstance(views, Views) else blind_tests(views),
        )

    def _tests(self, views: Views) -> tuple[TestEnd, ...]:
        try:
            return tests_of(views, self.runs)
        except Exception as error:
            return blind_tests(f"what was watched makes no sense: {type(error).__name__}")

    def _views_or_why(self, span: Span) -> Views | str:
        """Return the evaluation in all runs, or why it cannot be seen in the plain one."""
        numbers = numbers_of(span, self.reported, span is self.headline)
        if not self.plain.ok:
            return f"the script did not run to its end: {self.plain.error[:200]}"
        if self.plain.trace.facts.get("cut"):
            return f"not all was watched: {self.plain.trace.facts['cut']}"
        if not numbers:
            return "it reported no number"
        try:
            found = self._watch(span, numbers)
        except Exception as error:
            return f"what was watched makes no sense: {type(error).__name__}"
        if found is None:
            return "what was watched does not add up to the number reported"
        view, number = found
        others: dict[str, View] = {}
        blind = dict(self.runs.skipped)
        for name, run in self.runs.by_name.items():
            if name != PLAIN:
                other = self._other(run, span, view)
                if isinstance(other, View):
                    others[name] = other
                else:
                    blind[name] = other
        return Views(view, others, blind, frozenset(self.runs.by_name), number, numbers)

    def _watch(self, span: Span, numbers: tuple[float, ...]) -> tuple[View, float] | None:
        """Return the plain run's items and the number that they give."""
        trace, printed = self.plain.trace, not span.numbers
        found = matching(trace, span, lambda seen: number_of(seen.values, numbers, printed) is not None)
        if found is None and not printed:
            found = tail_matching(trace, span, numbers)
        if found is not None:
            number = number_of(found.values, numbers, printed)
            return self._view(self.plain, span, found.recipe), 0.0 if number is None else number
        for seen in islice(candidates(trace, span), MAX_TRIED):
            if not np.isfinite(seen.values).all():
                continue
            stream, rows = self._read(self.plain)
            items = items_of(trace, span, seen, stream, rows)
            text_bytes = true_bytes(items, self.plain.stream, self.runs)
            number = score_of(seen.values, text_bytes, numbers) if text_bytes else None
            if number is not None:
                return View(self.plain, items, rows), number
        return None

    def _view(self, run: Run, span: Span, recipe: Recipe) -> View:
        watched = read(run.trace, span, recipe)
        if watched is None or not np.isfinite(watched.values).all():
            raise ValueError("no finite losses")
        stream, rows = self._read(run)
        return View(run, items_of(run.trace, span, watched, stream, rows), rows)

    def _read(self, run: Run) -> tuple[Stream, Rows]:
        if run.name not in self.rows:
            self.streams[run.name] = Stream(run.stream)
            self.rows[run.name] = rows_of(run.trace, self.streams[run.name])
        return self.streams[run.name], self.rows[run.name]

    def _other(self, run: Run, span: Span, plain: View) -> View | str:
        """Return the same evaluation in another run, or why it cannot be compared."""
        if not run.ok:
            return f"run {run.name} did not come to its end: {run.error[:100]}"
        if run.trace.facts.get("cut"):
            return f"not all of run {run.name} was watched"
        twin = span_like(span, run.trace)
        if twin is None:
            return f"run {run.name} did not come to this evaluation"
        try:
            view = self._view(run, twin, plain.items.watched.recipe)
        except Exception as error:
            return f"run {run.name} cannot be read: {type(error).__name__}"
        if view.items.values.size != plain.items.values.size:
            return f"run {run.name} scored {view.items.values.size:,} losses, not {plain.items.values.size:,}"
        if not self._adds_up(view, twin):
            return f"what was watched in run {run.name} does not add up to the number that it reported"
        return view

    def _adds_up(self, view: View, span: Span) -> bool:
        """Return whether a run's losses give what it reported."""
        numbers = span.numbers or reported_by(view.run.trace, self.runs.labels).numbers
        values = view.items.values
        if number_of(values, numbers, not span.numbers) is not None:
            return True
        text_bytes = true_bytes(view.items, view.run.stream, self.runs)
        return bool(text_bytes) and score_of(values, text_bytes or 1, numbers) is not None


def tests_of(views: Views, runs: Runs) -> tuple[TestEnd, ...]:
    """Return how every test ends on one evaluation."""
    learning = learning_of(views.plain)
    suffix = suffix_test(views, learning)
    if suffix.call is Call.LEAK:
        suffix = _explained(suffix, learning, runs)
    return (
        suffix,
        self_target_test(views, suffix, learning),
        normalisation_test(views, runs.replays, runs.skipped.get(NORMALISED, "")),
        score_once_test(views, runs),
        update_order_test(views.plain, learning, suffix),
        boundary_test(views),
    )


def _explained(suffix: TestEnd, learning: Learning, runs: Runs) -> TestEnd:
    """Return a leak with its condition; an artifact that differs in its run has brought it to every score."""
    shaped = bool(differing(runs, (str(suffix.figures.get("run", "")),)))
    pattern = WHOLE_STREAM if shaped and suffix.count >= WHOLE * suffix.total else suffix.pattern
    return replace(suffix, pattern=pattern, condition=condition_of(learning, pattern, shaped))


def blind_tests(reason: str) -> tuple[TestEnd, ...]:
    """Return all tests of an evaluation as blind for one reason."""
    return tuple(TestEnd(test, Call.BLIND, reason) for test in OF_A_PHASE)


def _safely(test: Test, ask: Callable[[], TestEnd]) -> TestEnd:
    try:
        return ask()
    except Exception as error:
        return TestEnd(test, Call.BLIND, f"the runs make no sense: {type(error).__name__}")
