"""Each method against a slow one that is plainly right, and where two methods must coincide."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from reference_impl.evaluate.documents import documents  # noqa: E402
from reference_impl.evaluate.plain import Plain  # noqa: E402
from reference_impl.evaluate.sliding import Sliding  # noqa: E402
from reference_impl.evaluate.windows import batches, windows  # noqa: E402
from tests.reference_impl.evaluate.toys import (  # noqa: E402
    BOS,
    SETTINGS,
    TOKENS,
    VOCAB,
    WINDOW,
    make_model,
    make_tokens,
    record,
)

pytestmark = pytest.mark.torch


@given(inputs=st.integers(1, 200), window=st.integers(1, 40), stride=st.integers(1, 40))
def test_windows_score_each_position_once_with_enough_context(inputs: int, window: int, stride: int) -> None:
    stride = min(stride, window)
    scored = []
    for item in windows(inputs, window, stride):
        assert item.end - item.start <= window
        assert item.start == 0 or item.scored_from - item.start >= window - stride
        scored += range(item.scored_from, item.end)
    assert scored == list(range(inputs))


def test_batches_keep_every_window_in_order() -> None:
    plan = list(windows(103, 16, 5))
    assert [item for batch in batches(iter(plan), 4) for item in batch] == plan


@pytest.mark.parametrize("stride", [0, 17])
def test_a_stride_that_leaves_gaps_is_refused(stride: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        next(windows(100, 16, stride))


def test_plain_is_the_model_run_on_each_window_alone() -> None:
    tokens, model = make_tokens(), make_model()
    seen = record("plain", tokens, model)
    for start in range(0, TOKENS - 1, WINDOW):
        inputs = tokens[start : min(start + WINDOW, TOKENS - 1)]
        with torch.no_grad():
            slow = model.logits(inputs[None])[0].log_softmax(dim=-1)
        assert torch.allclose(seen.log_probs[start : start + len(inputs)], slow, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 5, 8])
def test_sliding_is_the_model_run_on_the_window_of_each_token(stride: int) -> None:
    tokens, model = make_tokens(count=60), make_model()
    seen = record("sliding", tokens, model, Sliding(WINDOW, stride, 64))
    for at in range(59):
        first = max(-(-(at + 1 - WINDOW) // stride) * stride, 0)
        with torch.no_grad():
            slow = model.logits(tokens[None, first : at + 1])[0, -1].log_softmax(dim=-1)
        assert torch.allclose(seen.log_probs[at], slow, atol=1e-5)


def test_sliding_equals_plain_where_windows_coincide() -> None:
    tokens = make_tokens()
    plain = record("plain", tokens)
    whole = record("sliding", tokens, settings=Sliding(WINDOW, WINDOW, 64))
    assert torch.equal(plain.nll, whole.nll)
    # With half a window's stride the first window is the same one; in one row a batch, so are its sums.
    half = record("sliding", tokens, settings=Sliding(WINDOW, WINDOW // 2, 16))
    alone = record("plain", tokens, settings=Plain(WINDOW, 16))
    assert torch.equal(half.nll[:WINDOW], alone.nll[:WINDOW])


def test_training_at_rate_zero_is_no_training() -> None:
    tokens = make_tokens()
    still = replace(SETTINGS["score-first-ttt"], learning_rate=0.0)
    sliding = record("sliding", tokens, settings=Sliding(still.window, still.stride, still.batch_tokens))
    assert torch.allclose(record("score-first-ttt", tokens, settings=still).nll, sliding.nll, atol=1e-5)


def test_the_first_chunk_is_scored_by_the_model_as_it_came() -> None:
    tokens = make_tokens()
    adapted, settings = record("score-first-ttt", tokens), SETTINGS["score-first-ttt"]
    frozen = record("sliding", tokens, settings=Sliding(settings.window, settings.stride, 64))
    first = settings.chunk_tokens
    assert torch.allclose(adapted.nll[:first], frozen.nll[:first], atol=1e-5)
    assert float((adapted.nll[first:] - frozen.nll[first:]).abs().max()) > 1e-2


def test_adapters_at_rate_zero_score_each_document_alone() -> None:
    tokens, model = make_tokens(), make_model()
    settings = replace(SETTINGS["lora-ttt"], learning_rate=0.0)
    seen = record("lora-ttt", tokens, model, settings)
    for start, end in documents(tokens, BOS):
        for at in range(start, end):
            chunk = (at - start) // settings.chunk_tokens
            first = start + max((chunk + 1) * settings.chunk_tokens - settings.window, 0)
            with torch.no_grad():
                slow = model.logits(tokens[None, first : at + 1])[0, -1].log_softmax(dim=-1)
            assert torch.allclose(seen.log_probs[at], slow, atol=1e-5)


def test_documents_do_not_see_each_other() -> None:
    tokens = make_tokens()
    settings = replace(SETTINGS["lora-ttt"], batch_documents=2)
    together = record("lora-ttt", tokens, settings=settings)
    for start, end in documents(tokens, BOS):
        alone = record("lora-ttt", tokens[start : end + 1], settings=replace(settings, batch_documents=1))
        assert torch.allclose(alone.log_probs, together.log_probs[start:end], atol=1e-3)


def test_adapters_are_gone_after_the_evaluation() -> None:
    model, tokens = make_model(), make_tokens()
    record("lora-ttt", tokens, model)
    assert not any(layer._forward_hooks for layer in model.modules())


def test_a_delta_without_steps_is_sliding() -> None:
    tokens = make_tokens()
    settings = replace(SETTINGS["context-slot"], steps=0)
    sliding = record("sliding", tokens)
    assert torch.allclose(record("context-slot", tokens, settings=settings).nll, sliding.nll, atol=1e-6)


def test_deltas_of_one_batch_are_independent() -> None:
    tokens = make_tokens()
    alone = record("context-slot", tokens, settings=replace(SETTINGS["context-slot"], batch_tokens=16))
    assert torch.allclose(record("context-slot", tokens).nll, alone.nll, atol=1e-4)


def test_the_mixture_is_what_counting_by_hand_gives() -> None:
    """Dictionaries and floats instead of tables: the same mixture, token by token."""
    tokens, settings = make_tokens(count=80), SETTINGS["hedge-mixer"]
    seen, neural = record("hedge-mixer", tokens), record("plain", tokens)
    counts: dict[object, dict[int, float]] = {}
    weights = {kind: [0.97, 0.01, 0.01, 0.01] for kind in range(8)}
    pending: list[tuple[int, list[list[float]], int, list[object]]] = []
    block = 0
    for at in range(79):
        # A batch of windows ends a block early: 64 inputs go through the model at a time.
        if at % 64 % settings.block_tokens == 0:
            _take_in(pending, counts, weights, settings)
            pending, block = [], block + 1
        last = int(tokens[at])
        before = int(tokens[max(at - 1, 0)])
        row = ("tri", (before * 36313 + last * 27191) % settings.rows)
        uni = _smooth(counts.get("uni", {}), [1.0 / VOCAB] * VOCAB, settings.unigram_prior)
        pair = _smooth(counts.get(("bi", last), {}), uni, settings.strength)
        triple = _smooth(counts.get(row, {}), pair, settings.strength)
        experts = [neural.log_probs[at].exp().tolist(), uni, pair, triple]
        evidence = min(int(sum(counts.get(row, {}).values()) + 1).bit_length() - 1, 7)
        mixed = [sum(weights[evidence][k] * experts[k][w] for k in range(4)) for w in range(VOCAB)]
        assert seen.log_probs[at].exp().tolist() == pytest.approx(mixed, abs=2e-5)
        pending.append((int(tokens[at + 1]), experts, evidence, ["uni", ("bi", last), row]))
    assert block > 10


def _smooth(counts: dict[int, float], base: list[float], strength: float) -> list[float]:
    total = sum(counts.values()) + strength
    return [(counts.get(w, 0.0) + strength * base[w]) / total for w in range(len(base))]


def _take_in(pending, counts, weights, settings) -> None:  # type: ignore[no-untyped-def]
    if not pending:
        return
    for target, experts, evidence, keys in pending:
        for key in keys:
            box = counts.setdefault(key, {})
            box[target] = box.get(target, 0.0) + 1.0
        weights[evidence] = [w * experts[k][target] ** settings.rate for k, w in enumerate(weights[evidence])]
    for kind, found in weights.items():
        weights[kind] = [(1.0 - settings.share) * w / sum(found) + settings.share / 4 for w in found]


def test_documents_are_cut_at_each_beginning() -> None:
    tokens = torch.tensor([5, 6, BOS, 7, BOS, BOS, 8, BOS])
    assert [tuple(item) for item in documents(tokens, BOS)] == [(0, 2), (2, 4), (4, 5), (5, 7)]
