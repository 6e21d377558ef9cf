"""The scans against their recurrences, written out number by number."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from containers.inside.shim import scans  # noqa: E402

pytestmark = pytest.mark.torch


def softplus(number):
    return math.log1p(math.exp(number))


def test_the_selective_scan_is_its_recurrence():
    torch.manual_seed(0)
    batch, channels, states, steps = 2, 4, 3, 5
    u, delta = torch.randn(batch, channels, steps), torch.randn(batch, channels, steps)
    a, bias, d = -torch.rand(channels, states), torch.randn(channels), torch.randn(channels)
    b, c = torch.randn(batch, 2, states, steps), torch.randn(batch, states, steps)
    y, last = scans.selective_scan_fn(
        u, delta, a, b, c, d, delta_bias=bias, delta_softplus=True, return_last_state=True
    )
    for i in range(batch):
        for j in range(channels):
            state = [0.0] * states
            for t in range(steps):
                step = softplus(float(delta[i, j, t] + bias[j]))
                out = float(d[j] * u[i, j, t])
                for n in range(states):
                    state[n] = state[n] * math.exp(step * a[j, n]) + step * float(
                        u[i, j, t] * b[i, j // 2, n, t]
                    )
                    out += state[n] * float(c[i, n, t])
                assert y[i, j, t].item() == pytest.approx(out, abs=1e-5)
            assert last[i, j].tolist() == pytest.approx(state, abs=1e-5)


def test_the_scan_by_heads_is_its_recurrence():
    torch.manual_seed(0)
    x, dt = torch.randn(1, 6, 4, 2), torch.randn(1, 6, 4)
    a, d = -torch.rand(4), torch.randn(4)
    b, c = torch.randn(1, 6, 2, 3), torch.randn(1, 6, 2, 3)
    y = scans.mamba_chunk_scan_combined(x, dt, a, b, c, 4, D=d, dt_softplus=True)
    for h in range(4):
        state = torch.zeros(2, 3)
        for t in range(6):
            step = softplus(float(dt[0, t, h]))
            state = state * math.exp(step * a[h]) + step * torch.outer(x[0, t, h], b[0, t, h // 2])
            torch.testing.assert_close(y[0, t, h], state @ c[0, t, h // 2] + d[h] * x[0, t, h])


def test_a_new_sequence_begins_from_nothing():
    torch.manual_seed(0)
    x, dt, a = torch.randn(1, 6, 1, 2), torch.rand(1, 6, 1), -torch.rand(1)
    b, c = torch.randn(1, 6, 1, 3), torch.randn(1, 6, 1, 3)
    both = scans.mamba_chunk_scan_combined(x, dt, a, b, c, 4, seq_idx=torch.tensor([[0, 0, 0, 1, 1, 1]]))
    second = scans.mamba_chunk_scan_combined(x[:, 3:], dt[:, 3:], a, b[:, 3:], c[:, 3:], 4)
    torch.testing.assert_close(both[:, 3:], second)


def test_the_convolution_looks_back_only():
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, 3, 7), torch.randn(3, 4), torch.randn(3)
    y = scans.causal_conv1d_fn(x, weight, bias, activation="silu")
    for t in range(7):
        total = bias + sum(weight[:, 3 - back] * x[:, :, t - back] for back in range(4) if t >= back)
        torch.testing.assert_close(y[:, :, t], torch.nn.functional.silu(total))


def test_steps_of_a_piece_are_computed_again_for_the_same_gradient(monkeypatch):
    torch.manual_seed(0)
    u, delta, b, c = (
        torch.randn(1, 3, 37),
        torch.rand(1, 3, 37),
        torch.randn(1, 2, 37),
        torch.randn(1, 2, 37),
    )
    a = (-torch.rand(3, 2)).requires_grad_()
    gradients = []
    for piece in (scans.PIECE, 100):
        monkeypatch.setattr(scans, "PIECE", piece)
        scans.selective_scan_fn(u, delta, a, b, c).square().sum().backward()
        gradients.append(a.grad.clone())
        a.grad = None
    assert gradients[0].abs().max() > 0.1
    torch.testing.assert_close(*gradients)
