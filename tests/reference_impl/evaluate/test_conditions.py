"""Every method is held to the four conditions it declares."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from reference_impl.evaluate.methods import METHODS, evaluate  # noqa: E402
from tests.reference_impl.evaluate.toys import (  # noqa: E402
    ADAPTIVE,
    BOS,
    SETTINGS,
    TOKENS,
    VOCAB,
    make_model,
    make_table,
    make_tokens,
    record,
)

pytestmark = pytest.mark.torch

EVERY = pytest.mark.parametrize("name", sorted(METHODS))


@EVERY
@pytest.mark.parametrize("changed", [1, 17, 40, 41, 96, 150, TOKENS - 1])
def test_changing_a_token_changes_no_distribution_at_or_before_it(name: str, changed: int) -> None:
    tokens = make_tokens()
    other = tokens.clone()
    other[changed] = 30 if tokens[changed] != BOS else BOS
    before, after = record(name, tokens), record(name, other)
    # Entry p is the distribution of token p + 1.
    assert torch.equal(before.log_probs[:changed], after.log_probs[:changed])
    assert torch.equal(before.nll[: changed - 1], after.nll[: changed - 1])


@EVERY
def test_another_suffix_changes_no_distribution_before_it(name: str) -> None:
    tokens, split = make_tokens(), 100
    other = torch.cat((tokens[:split], make_tokens(seed=77)[split:]))
    before, after = record(name, tokens), record(name, other)
    # Documents of other lengths share other batches: sums of float32 may come in another order.
    tolerance = 1e-5 if name == "lora-ttt" else 0.0
    assert torch.allclose(before.log_probs[:split], after.log_probs[:split], rtol=0, atol=tolerance)
    assert not torch.allclose(before.log_probs[split:], after.log_probs[split:], rtol=0, atol=1e-3)


@EVERY
def test_a_token_does_reach_the_distributions_behind_it(name: str) -> None:
    tokens = make_tokens()
    changed = 40
    assert tokens[changed] != BOS
    other = tokens.clone()
    other[changed] = 30
    before, after = record(name, tokens), record(name, other)
    assert not torch.equal(before.log_probs[changed], after.log_probs[changed])


@EVERY
def test_probabilities_over_the_vocabulary_sum_to_one(name: str) -> None:
    mass = record(name, make_tokens()).log_probs.double().exp().sum(dim=1)
    assert float((mass - 1.0).abs().max()) < 1e-5


@EVERY
def test_each_token_but_the_first_is_scored_once(name: str) -> None:
    tokens = make_tokens()
    seen = record(name, tokens)
    assert torch.equal(seen.times, torch.ones_like(seen.times))
    assert torch.equal(seen.seen[0], tokens[:-1])
    assert torch.equal(seen.seen[1], tokens[1:])


@EVERY
@pytest.mark.parametrize("count", [2, 3, 16, 17, 18, 33])
def test_short_streams_and_ragged_ends_are_scored_whole(name: str, count: int) -> None:
    tokens = make_tokens(count=count)
    score = evaluate(make_model(), tokens, make_table(), SETTINGS[name])
    assert score.tokens == count - 1


@EVERY
def test_two_runs_agree_bit_for_bit_and_leave_the_model_as_it_was(name: str) -> None:
    model, tokens = make_model(), make_tokens()
    kept = {key: value.clone() for key, value in model.state_dict().items()}
    first = evaluate(model, tokens, make_table(), SETTINGS[name], keep_nll=True)
    second = evaluate(model, tokens, make_table(), SETTINGS[name], keep_nll=True)
    assert (first.val_loss, first.val_bpb) == (second.val_loss, second.val_bpb)
    assert torch.equal(first.nll, second.nll)
    assert all(torch.equal(kept[key], value) for key, value in model.state_dict().items())
    assert all(value.grad is None for value in model.parameters())


@EVERY
def test_totals_are_the_sum_of_the_tokens(name: str) -> None:
    tokens = make_tokens()
    score = evaluate(make_model(), tokens, make_table(), SETTINGS[name], keep_nll=True)
    size = make_table().count(tokens[:-1], tokens[1:])
    assert score.val_loss == pytest.approx(float(score.nll.sum()) / (TOKENS - 1), abs=1e-12)
    assert score.bytes == size
    assert score.val_bpb == pytest.approx(float(score.nll.sum()) / 0.6931471805599453 / size, abs=1e-12)


@pytest.mark.parametrize("name", ADAPTIVE)
def test_what_was_scored_helps_with_what_comes(name: str) -> None:
    tokens = make_tokens(count=600)
    tokens[tokens == BOS] = 2
    tokens[0] = BOS
    adapted = record(name, tokens)
    frozen = record("sliding" if name == "context-slot" else "plain", tokens)
    assert float(adapted.nll[300:].mean()) < float(frozen.nll[300:].mean()) - 0.05


def test_every_method_declares_all_four_conditions() -> None:
    for method in METHODS.values():
        declared = method.conditions
        assert all((declared.causal, declared.normalised, declared.score_first, declared.single_pass))


def test_a_wrong_record_of_settings_is_refused() -> None:
    with pytest.raises(ValueError, match="no method has settings"):
        evaluate(make_model(), make_tokens(), make_table(), object())


def test_vocabulary_of_the_toy_is_that_of_the_model() -> None:
    assert make_model().config.vocab_size == VOCAB
