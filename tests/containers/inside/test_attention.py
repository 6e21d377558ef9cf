"""Our FlashAttention against the definition, written out."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from containers.inside.shim.attention import (  # noqa: E402
    flash_attn_func,
    flash_attn_kvpacked_func,
    flash_attn_qkvpacked_func,
    flash_attn_varlen_func,
)

pytestmark = pytest.mark.torch


def defined(q, k, v, causal=False, window=(-1, -1), softcap=0.0, scale=None):
    """Return output and log-sum-exp, one query at a time."""
    batch, queries, heads, dim = q.shape
    keys, groups = k.shape[1], heads // k.shape[2]
    out = torch.zeros(batch, queries, heads, v.shape[-1])
    sums = torch.zeros(batch, heads, queries)
    for b in range(batch):
        for h in range(heads):
            for i in range(queries):
                here = i + keys - queries
                seen = [
                    j
                    for j in range(keys)
                    if not (causal and j > here)
                    and not (window[0] >= 0 and j < here - window[0])
                    and not (window[1] >= 0 and not causal and j > here + window[1])
                ]
                scores = k[b, seen, h // groups] @ q[b, i, h] * (scale or 1 / math.sqrt(dim))
                scores = softcap * torch.tanh(scores / softcap) if softcap else scores
                out[b, i, h] = scores.softmax(0) @ v[b, seen, h // groups]
                sums[b, h, i] = scores.logsumexp(0)
    return out, sums


def make(queries=9, keys=9, heads=4, key_heads=2, dim=8):
    torch.manual_seed(0)
    return (
        torch.randn(2, queries, heads, dim),
        torch.randn(2, keys, key_heads, dim),
        torch.randn(2, keys, key_heads, dim),
    )


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [(-1, -1), (3, 0), (2, 2), (100, 100)])
@pytest.mark.parametrize("softcap", [0.0, 5.0])
def test_masks_softcap_and_grouped_heads(causal, window, softcap):
    q, k, v = make()
    out, sums = flash_attn_func(
        q, k, v, causal=causal, window_size=window, softcap=softcap, return_attn_probs=True
    )
    expected, expected_sums = defined(q, k, v, causal, window, softcap)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(sums, expected_sums, atol=1e-5, rtol=1e-4)


def test_the_last_query_stands_on_the_last_key():
    q, k, v = make(queries=3, keys=7)
    out = flash_attn_func(q, k, v, causal=True, softmax_scale=0.3)
    torch.testing.assert_close(out, defined(q, k, v, True, scale=0.3)[0], atol=1e-5, rtol=1e-4)


def test_packed_sequences_do_not_see_each_other():
    q, k, v = (item[0] for item in make(queries=12, keys=12))
    starts = torch.tensor([0, 5, 5, 9, 11], dtype=torch.int32)
    out = flash_attn_varlen_func(q, k, v, starts, starts, 5, 5, causal=True)
    for first, last in ((0, 5), (5, 9), (9, 11)):
        part = defined(q[None, first:last], k[None, first:last], v[None, first:last], True)[0][0]
        torch.testing.assert_close(out[first:last], part, atol=1e-5, rtol=1e-4)
    assert out[11:].abs().max() == 0


def test_packed_arguments_and_gradients():
    q, k, v = make(heads=2, key_heads=2)
    expected = flash_attn_func(q, k, v, causal=True)
    assert torch.equal(flash_attn_qkvpacked_func(torch.stack((q, k, v), dim=2), causal=True), expected)
    assert torch.equal(flash_attn_kvpacked_func(q, torch.stack((k, v), dim=2), causal=True), expected)
    q.requires_grad_()
    flash_attn_func(q, k, v, causal=True).sum().backward()
    ours, q.grad = q.grad, None
    defined(q, k, v, True)[0].sum().backward()
    torch.testing.assert_close(ours, q.grad, atol=1e-5, rtol=1e-4)
