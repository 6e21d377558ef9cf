"""The ledger refuses what would make a number wrong."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from reference_impl.evaluate.score import Ledger, LedgerError  # noqa: E402
from tests.reference_impl.evaluate.toys import VOCAB, make_table, make_tokens  # noqa: E402

pytestmark = pytest.mark.torch


def uniform(count: int) -> torch.Tensor:
    return torch.full((count, VOCAB), 1.0 / VOCAB).log()


def test_a_second_booking_of_a_token_is_refused() -> None:
    tokens, where = make_tokens(count=9), torch.arange(8)
    ledger = Ledger(9, make_table())
    ledger.book(uniform(8), tokens[:-1], tokens[1:], where)
    with pytest.raises(LedgerError, match="twice"):
        ledger.book(uniform(1), tokens[3:4], tokens[4:5], where[3:4])


def test_a_token_that_is_twice_in_one_booking_is_refused() -> None:
    tokens = make_tokens(count=9)
    with pytest.raises(LedgerError, match="twice"):
        Ledger(9, make_table()).book(uniform(2), tokens[:2], tokens[1:3], torch.tensor([4, 4]))


def test_a_missing_token_is_refused() -> None:
    tokens = make_tokens(count=9)
    ledger = Ledger(9, make_table())
    ledger.book(uniform(7), tokens[:7], tokens[1:8], torch.arange(7))
    with pytest.raises(LedgerError, match="1 tokens were never scored"):
        ledger.close()


def test_scores_that_are_no_distribution_are_refused() -> None:
    tokens = make_tokens(count=9)
    with pytest.raises(LedgerError, match="sum to"):
        Ledger(9, make_table()).book(uniform(8) + 0.1, tokens[:-1], tokens[1:], torch.arange(8))


def test_totals_do_not_depend_on_how_bookings_are_cut() -> None:
    tokens = make_tokens(count=3001)
    log_probs = torch.randn(3000, VOCAB, generator=torch.Generator().manual_seed(1)).log_softmax(dim=1)
    scores = []
    for size in (3000, 7):
        ledger = Ledger(3001, make_table())
        for begin in range(0, 3000, size):
            part = slice(begin, begin + size)
            ledger.book(log_probs[part], tokens[:-1][part], tokens[1:][part], torch.arange(3000)[part])
        scores.append(ledger.close())
    assert scores[0].val_bpb == pytest.approx(scores[1].val_bpb, abs=1e-13)
    assert scores[0].bytes == scores[1].bytes
