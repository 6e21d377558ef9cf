"""Honest entries of the reference are CLEAN by their pattern; every twin is told from its sibling."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from audits.outcome import Axis, Status
from audits.verdict import AxisCall
from harness.auditing import Request, reviews_of
from harness.report.review import Review
from tests.reference_impl.twins.entries import CONTEXT, HONEST, TWINS
from tests.reference_impl.twins.records import Entry, lay, offences

JUDGED = (Axis.LEGALITY, Axis.METRIC)
"""Axes that speak of the code; the others ask for logs, and these entries have not been run."""


@cache
def seen(entry: Entry) -> tuple[Review, tuple[tuple[str, int], ...]]:
    """Return the review of an entry and the lines that it marks."""
    with TemporaryDirectory() as root:
        folder = lay(entry, Path(root))
        (review,) = reviews_of(Request(targets=(str(folder),)))
        return review, tuple(offences(folder))


def by_name(entry: Entry) -> str:
    """Return the name of an entry, for the list of tests."""
    return entry.name


@pytest.mark.parametrize("entry", HONEST, ids=by_name)
def test_honest_entries_are_clean(entry: Entry) -> None:
    review, marked = seen(entry)
    assert not marked
    for axis in JUDGED:
        assert review.verdict.axis(axis).call is AxisCall.CLEAN
    assert set(entry.patterns) <= set(review.patterns)


@pytest.mark.parametrize("entry", HONEST, ids=by_name)
def test_no_method_is_taken_for_another(entry: Entry) -> None:
    others = {name for other in (*HONEST, CONTEXT, *TWINS) for name in other.patterns} - set(entry.patterns)
    assert not others & set(seen(entry)[0].patterns)


def test_a_delta_on_the_context_alone_is_left_to_a_person() -> None:
    """Causal, and nobody has ruled on it (#1336): the policy flags the dispute, and nothing else."""
    review, _ = seen(CONTEXT)
    assert review.verdict.axis(Axis.LEGALITY).call is AxisCall.FLAG
    flagged = [
        item for item in review.result.outcomes if item.status is Status.FLAGGED and item.axis in JUDGED
    ]
    assert [item.dispute for item in flagged] == ["context-only-slot"]
    assert set(CONTEXT.patterns) <= set(review.patterns)


@pytest.mark.parametrize("entry", TWINS, ids=by_name)
def test_twins_are_illegal_by_the_right_rule_at_the_right_line(entry: Entry) -> None:
    review, marked = seen(entry)
    (outcome,) = (item for item in review.result.outcomes if item.rule == entry.rule)
    assert outcome.status is Status.FLAGGED
    assert review.verdict.axis(outcome.axis).call in (AxisCall.ILLEGAL, AxisCall.VIOLATION)
    assert entry.rule in review.verdict.axis(outcome.axis).deciding
    where = outcome.evidence[0].location
    assert marked == ((where.path, where.start_line),)
    assert set(entry.patterns) <= set(review.patterns)


@pytest.mark.parametrize("entry", TWINS, ids=by_name)
def test_no_other_rule_speaks_of_a_twin(entry: Entry) -> None:
    flagged = {
        item.rule
        for item in seen(entry)[0].result.outcomes
        if item.status is Status.FLAGGED and item.axis in JUDGED
    }
    assert flagged == {entry.rule}


@pytest.mark.parametrize("entry", TWINS, ids=by_name)
def test_siblings_are_not_illegal(entry: Entry) -> None:
    (sibling,) = (other for other in (*HONEST, CONTEXT) if other.name == entry.sibling)
    review, _ = seen(sibling)
    assert all(
        review.verdict.axis(axis).call not in (AxisCall.ILLEGAL, AxisCall.VIOLATION) for axis in JUDGED
    )


@pytest.mark.torch
@pytest.mark.parametrize("form", ["source", "lzma"])
def test_the_packed_reference_is_clean(form: str, tmp_path: Path) -> None:
    """One flat script, as `referee pack` writes it, plain and compressed."""
    pytest.importorskip("torch", reason="needs the cpu extra")
    from reference_impl.artifact.command import main as pack

    folder = tmp_path / "examples" / "records" / "track_cpu_tiny" / "2026-12-01_Packed"
    folder.mkdir(parents=True)
    pack(["--preset", "micro", "--form", form, "--output", str(folder / "train_gpt.py")])
    (review,) = reviews_of(Request(targets=(str(folder),)))
    assert [review.verdict.axis(axis).call for axis in JUDGED] == [AxisCall.CLEAN] * len(JUDGED)
    assert "pure-neural" in review.patterns
