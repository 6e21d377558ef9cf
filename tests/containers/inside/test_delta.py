"""The gated delta rule against its recurrence, and the layer that uses it."""

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from containers.inside.shim import delta  # noqa: E402
from containers.inside.shim.patching import ShimGapError  # noqa: E402

pytestmark = pytest.mark.torch


def test_the_rule_is_its_recurrence():
    torch.manual_seed(0)
    q, k, v = torch.randn(1, 20, 2, 3), torch.randn(1, 20, 2, 3), torch.randn(1, 20, 2, 5)
    g, beta = -torch.rand(1, 20, 2), torch.rand(1, 20, 2)
    y, last = delta.gated_delta_rule(q, k, v, g, beta, output_final_state=True)
    for h in range(2):
        state = torch.zeros(3, 5)
        for t in range(20):
            key, b = k[0, t, h], beta[0, t, h]
            erased = torch.eye(3) - b * torch.outer(key, key)
            state = g[0, t, h].exp() * erased @ state + b * torch.outer(key, v[0, t, h])
            torch.testing.assert_close(y[0, t, h], 3**-0.5 * q[0, t, h] @ state, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(last[0, h], state, atol=1e-5, rtol=1e-4)


def test_the_layer_looks_back_only_and_trains():
    torch.manual_seed(0)
    layer = delta.GatedDeltaNet(16, expand_v=1, head_dim=4, num_heads=2, allow_neg_eigval=True)
    x = torch.randn(2, 20, 16)
    y, attention, cache = layer(x)
    assert (y.shape, attention, cache) == (x.shape, None, None)
    changed = x.clone()
    changed[:, 12] += 1.0
    other = layer(changed)[0]
    torch.testing.assert_close(other[:, :12], y[:, :12])
    assert (other[:, 12:] - y[:, 12:]).abs().max() > 1e-4
    y.square().sum().backward()
    assert all(item.grad is not None and item.grad.abs().sum() > 0 for item in layer.parameters())
    assert {"q_proj.weight", "k_conv1d.weight", "A_log", "dt_bias", "o_norm.weight"} <= set(
        layer.state_dict()
    )


def test_other_layers_are_gaps_where_they_are_made():
    with pytest.raises(ShimGapError, match="Mamba2"):
        delta.missing_layer("Mamba2")(hidden_size=8)


def test_scripts_import_the_package(inside):
    found = inside.code("""
        from referee_inside.shim import modules
        import json, sys
        modules.install()
        import fla.ops.gated_delta_rule.chunk as chunk
        from fla.layers import GatedDeltaNet, GatedDeltaProduct, Mamba2
        from fla.layers.gated_deltanet import GatedDeltaNet as same
        try:
            import fla.modules
        except ImportError as error:
            missing = error.name
        print(json.dumps([GatedDeltaNet is same, chunk.chunk_gated_delta_rule.__name__, missing]))
    """)
    assert found == [True, "gated_delta_rule", "fla.modules"]
    assert [line["detail"] for line in inside.reports("gap")] == ["fla.modules"]
