"""What each part says of itself, checked on numbers."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

import torch.nn.functional as F  # noqa: E402

from reference_impl.model.attention import Rotary, exclude_own_value  # noqa: E402
from reference_impl.model.backends import (  # noqa: E402
    TILE_QUERIES,
    TILE_ROWS,
    attend,
    attend_in_tiles,
    choose_backend,
)
from reference_impl.model.embeddings import document_mask  # noqa: E402
from reference_impl.model.linear import CastedLinear, fake_quantise  # noqa: E402
from reference_impl.model.recurrence import growth_penalty  # noqa: E402
from tests.reference_impl.small import BOS, LENGTH, make_config, make_model, make_tokens  # noqa: E402

pytestmark = pytest.mark.torch


def test_rotation_keeps_norms_and_sees_only_distances() -> None:
    rotary = Rotary(make_config().model)
    q, k = torch.randn(2, 1, 1, 1, 8)
    turned_q = rotary(q.expand(1, 20, 1, 8))[0, :, 0]
    turned_k = rotary(k.expand(1, 20, 1, 8))[0, :, 0]
    assert torch.allclose(turned_q.norm(dim=-1), q.norm().expand(20), atol=1e-5)
    assert torch.allclose(turned_q[5] @ turned_k[3], turned_q[12] @ turned_k[10], atol=1e-4)


def test_partial_rotation_leaves_the_other_dimensions() -> None:
    rotary = Rotary(make_config({"rope_dims": 4}).model)
    x = torch.randn(1, 9, 2, 8)
    assert torch.equal(rotary(x)[..., 4:], x[..., 4:])
    assert not torch.allclose(rotary(x)[:, 1:, :, :4], x[:, 1:, :, :4])


def test_grouped_queries_share_keys_as_repeated_ones_would() -> None:
    q, k, v = torch.randn(1, 7, 4, 8), torch.randn(1, 7, 2, 8), torch.randn(1, 7, 2, 8)
    repeated = attend(q, k.repeat_interleave(2, dim=2), v.repeat_interleave(2, dim=2), None)
    assert torch.allclose(attend(q, k, v, None), repeated, atol=1e-6)


def test_attention_is_chosen_by_name_and_refused_when_missing() -> None:
    try:
        assert choose_backend("sdpa", "cuda") == "sdpa"
        with pytest.raises(ImportError, match="fa3"):
            choose_backend("fa3", "cuda")
    finally:
        assert choose_backend("auto", "cpu") == "sdpa+tiles"


@pytest.mark.parametrize("length", [1, TILE_QUERIES - 1, TILE_QUERIES, 2 * TILE_QUERIES + 3])
def test_tiles_attend_as_sdpa_does(length: int) -> None:
    q = torch.randn(TILE_ROWS + 1, length, 4, 8, requires_grad=True)
    k, v = torch.randn(2, TILE_ROWS + 1, length, 2, 8).requires_grad_()
    results = []
    for kernel in (attend_in_tiles, lambda *parts: attend(*parts, None)):
        y = kernel(q, k, v)
        results.append((y, *torch.autograd.grad(y.square().sum(), (q, k, v))))
    for ours, theirs in zip(*results, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_tiles_are_taken_in_bf16_and_see_no_later_token() -> None:
    q, k, v = (torch.randn(TILE_ROWS + 1, 200, heads, 8).bfloat16() for heads in (4, 2, 2))
    y = attend(q, k, v, None)
    assert torch.equal(y[:TILE_ROWS], attend_in_tiles(*(part[:TILE_ROWS] for part in (q, k, v))))
    k[:, 150], v[:, 150] = 9.0, -9.0
    changed = attend(q, k, v, None)
    assert torch.equal(changed[:, :150], y[:, :150])
    assert not torch.equal(changed[:, 150:], y[:, 150:])


def test_the_head_is_the_same_with_and_without_gradient() -> None:
    model, hidden = make_model(), torch.randn(2, 5, 32)
    with torch.no_grad():
        silent = model.head(hidden)
    assert torch.equal(model.head(hidden), silent)


def test_exclusive_attention_has_nothing_along_the_own_value() -> None:
    y, v = torch.randn(2, 5, 4, 8), torch.randn(2, 5, 2, 8)
    left = exclude_own_value(y, v).view(2, 5, 2, 2, 8)
    assert (left * v.unsqueeze(3)).sum(-1).abs().max() < 1e-5


def test_xsa_covers_the_last_blocks_only() -> None:
    model = make_model({"xsa_last": 1})
    assert [block.attn.exclusive for block in model.blocks] == [False, False, False, True]


def test_smear_and_bigram_do_not_reach_over_a_document_start() -> None:
    tokens = make_tokens(1)
    start = LENGTH // 2
    assert int(tokens[0, start]) == BOS
    changed = tokens.clone()
    changed[0, start - 1] = 200 if int(tokens[0, start - 1]) != 200 else 201
    for settings in ({"smear_gate": True}, {"bigram_buckets": 50, "bigram_dim": 8}):
        model = make_model(settings)
        assert torch.equal(model.embed(tokens)[0, start:], model.embed(changed)[0, start:])
        assert not torch.equal(model.embed(tokens)[0, start - 1], model.embed(changed)[0, start - 1])
    plain, smeared = make_model(), make_model({"smear_gate": True})
    smeared.tok_emb.load_state_dict(plain.tok_emb.state_dict())
    assert torch.equal(plain.embed(tokens)[0, start], smeared.embed(tokens)[0, start])
    assert not torch.equal(plain.embed(tokens)[0, start + 1], smeared.embed(tokens)[0, start + 1])


def test_bigrams_stay_in_their_table_and_tell_pairs_apart() -> None:
    bigram = make_model({"bigram_buckets": 50, "bigram_dim": 8}).bigram
    assert bigram is not None
    rows = bigram.bucket(make_tokens(8))
    assert int(rows.min()) == 0
    assert int(rows.max()) < 50
    assert rows.unique().numel() > 20


def test_document_mask_is_causal_and_stops_at_bos() -> None:
    mask = document_mask(torch.tensor([[BOS, 5, BOS, 6]]), BOS)[0, 0]
    expected = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]).bool()
    assert torch.equal(mask, expected)


def test_a_masked_document_is_scored_as_if_alone() -> None:
    """Attention is relative in position, so a document gives the same logits wherever it lies."""
    model = make_model({"document_mask": True})
    tokens = make_tokens(1)
    alone = model.logits(tokens[:, LENGTH // 2 :])
    assert torch.allclose(model.logits(tokens)[:, LENGTH // 2 :], alone, atol=1e-4)


def test_lanes_start_as_a_parallel_block() -> None:
    model = make_model({"lanes_from": 3})
    block = model.blocks[3]
    with torch.no_grad():
        block.lane_writes.fill_(1.0)
    x, x0 = torch.randn(2, 5, 32), torch.randn(2, 5, 32)
    first, second = block.forward_lanes((x, x), x0, None, None)
    mixed = block.mix(x, x0)
    parallel = mixed + block.attn_scale * block.attn(block.norm(mixed), None, None)
    parallel = parallel + block.mlp_scale * block.mlp(block.norm(mixed))
    assert torch.allclose(first, parallel, atol=1e-5)
    assert torch.equal(first, second)


@pytest.mark.parametrize(("encoder", "weights"), [(0, 0), (1, 1), (2, 2), (3, 1), (4, 0)])
def test_the_split_decides_how_many_skips_there_are(encoder: int, weights: int) -> None:
    model = make_model({"encoder_layers": encoder})
    assert model.skip_weights.shape == (weights, 32)
    main, _ = model(make_tokens(), make_tokens(seed=1))
    main.backward()
    if weights:
        assert bool((model.skip_weights.grad.abs().sum(dim=1) > 0).all())


def test_softcap_bounds_logits() -> None:
    assert make_model({"logit_softcap": 0.01}).logits(make_tokens()).abs().max() <= 0.01


def test_backout_subtracts_the_middle_state() -> None:
    with_it, without = make_model({"backout": True}), make_model()
    without.load_state_dict(with_it.state_dict(), strict=False)
    middle = without.trunk(make_tokens(), taps=(2,)).tapped[2]
    with torch.no_grad():
        with_it.backout_lambda.fill_(0.0)
        assert torch.equal(with_it.logits(make_tokens()), without.logits(make_tokens()))
        with_it.backout_lambda.fill_(1e6)
        expected = F.rms_norm(-middle, (32,))
        assert torch.allclose(with_it.hidden(make_tokens()), expected, atol=1e-3)


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_a_core_runs_as_often_as_told(passes: int) -> None:
    model = make_model({"core_start": 1, "core_end": 3, "passes": 3})
    visits: list[int] = []
    for index, block in enumerate(model.blocks):
        block.register_forward_hook(lambda *_, index=index: visits.append(index))
    model.logits(make_tokens(), passes=passes)
    assert visits == [0, *([1, 2] * passes), 3]


def test_one_pass_is_the_plain_network() -> None:
    plain, looped = make_model(), make_model({"core_start": 1, "core_end": 3, "passes": 3})
    looped.load_state_dict(plain.state_dict(), strict=False)
    assert torch.equal(plain.logits(make_tokens()), looped.logits(make_tokens(), passes=1))


def test_feedback_is_silent_on_the_first_pass() -> None:
    model = make_model({"core_start": 1, "core_end": 3, "passes": 2, "feedback_rank": 2})
    h = torch.randn(1, 3, 32)
    assert model.recurrence is not None
    assert torch.equal(model.recurrence.enter(0, h), h)
    correction = model.recurrence.enter(1, h) - h
    scaled = correction[0] / model.recurrence.feedback_diag
    assert int(torch.linalg.matrix_rank(scaled.detach(), rtol=1e-3)) <= 2
    assert correction.abs().max() > 0


def test_the_residual_scale_contracts_the_update() -> None:
    model = make_model({"core_start": 1, "core_end": 3, "passes": 2, "residual_scale_init": 0.5})
    assert model.recurrence is not None
    with torch.no_grad():
        model.recurrence.pass_scale.fill_(0.5)
    h, out = torch.randn(2, 1, 3, 32)
    assert torch.allclose(model.recurrence.leave(1, h, h, out), (h + out) / 2, atol=1e-6)


def test_growth_is_penalised_beyond_doubling_only() -> None:
    h = torch.randn(2, 3, 4)
    assert growth_penalty(h, h * 1.9) == 0.0
    assert growth_penalty(h, h * 4.0) == pytest.approx(4.0, rel=1e-3)


def test_fake_rounding_is_the_stored_grid_and_lets_gradients_pass() -> None:
    weight = torch.randn(6, 20, requires_grad=True)
    rounded = fake_quantise(weight, 5)
    assert all(row.unique().numel() <= 31 for row in rounded.detach())
    (rounded * 3.0).sum().backward()
    assert torch.equal(weight.grad, torch.full_like(weight, 3.0))


def test_a_linear_map_rounds_only_when_asked() -> None:
    layer = CastedLinear(20, 6)
    x = torch.randn(3, 20)
    exact = layer(x)
    layer.qat_bits = 5
    assert not torch.equal(layer(x), exact)
    layer.qat_bits = 0
    assert torch.equal(layer(x), exact)


def test_orthogonal_start_is_orthogonal_part_by_part() -> None:
    from reference_impl.model.gpt import GPT

    qkv = GPT(make_config({"orthogonal_init": True}).model).blocks[0].attn.qkv
    for rows in qkv.weight.detach().split(list(qkv.row_splits)):
        assert torch.allclose(rows @ rows.T, torch.eye(rows.size(0)), atol=1e-4)


def test_supervised_blocks_add_their_loss() -> None:
    model = make_model()
    tokens, targets = make_tokens(), make_tokens(seed=1)
    main, plain = model(tokens, targets, None, (1,), torch.tensor([0.0, 0.0]))
    _, total = model(tokens, targets, None, (1,), torch.tensor([0.25, 0.0]))
    state = model.trunk(tokens, taps=(1,)).tapped[1]
    extra = model.score(F.rms_norm(state, (32,)), targets)
    assert torch.allclose(main, plain)
    assert torch.allclose(total - main, 0.25 * extra, atol=1e-6)
