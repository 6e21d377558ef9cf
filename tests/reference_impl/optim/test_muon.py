"""Muon against its definition."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from torch import nn  # noqa: E402

from reference_impl.config import OptimConfig  # noqa: E402
from reference_impl.optim.build import build_optimisers, hidden_matrices  # noqa: E402
from reference_impl.optim.muon import Muon, orthogonalise  # noqa: E402
from tests.reference_impl.small import make_model  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 8, 24), (2, 24, 8)])
def test_the_update_is_nearly_orthogonal(shape: tuple[int, int, int]) -> None:
    update = orthogonalise(torch.randn(shape), 5).float()
    values = torch.linalg.svdvals(update)
    assert values.max() < 1.3
    assert values.median() > 0.6


def test_the_update_keeps_singular_vectors() -> None:
    matrix = torch.randn(1, 12, 12)
    u, _, vh = torch.linalg.svd(matrix[0])
    aligned = u.T @ orthogonalise(matrix, 5)[0].float() @ vh.T
    off = aligned - torch.diag(aligned.diagonal())
    assert off.abs().max() < 0.1


def test_row_normalising_forgets_row_sizes() -> None:
    matrix = torch.randn(1, 8, 24)
    scaled = matrix * torch.logspace(-2, 2, 8)[None, :, None]
    same = (orthogonalise(matrix, 5, True) - orthogonalise(scaled, 5, True)).abs().max()
    other = (orthogonalise(matrix, 5) - orthogonalise(scaled, 5)).abs().max()
    assert same < 0.05 < other


def test_a_step_is_momentum_then_orthogonalisation() -> None:
    param = nn.Parameter(torch.zeros(8, 4))
    muon = Muon([param], {}, lr=0.1, momentum=0.9)
    gradient = torch.randn(8, 4)
    for _ in range(2):
        param.grad = gradient.clone()
        muon.step()
    # Nesterov looks along g + 0.9 m, here always a multiple of g, whose size does not matter.
    # bf16 leaves about 1 %.
    update = orthogonalise(gradient[None], 5)[0].float() * 2**0.5
    assert torch.allclose(param.detach(), -0.2 * update, atol=0.02)


def test_parts_of_a_fused_weight_are_matrices_of_their_own() -> None:
    fused, first, second = (nn.Parameter(torch.zeros(n, 8)) for n in (12, 8, 4))
    gradient = torch.randn(12, 8)
    fused.grad, first.grad, second.grad = gradient.clone(), gradient[:8].clone(), gradient[8:].clone()
    Muon([fused], {id(fused): (8, 4)}, lr=0.1, momentum=0.9).step()
    Muon([first, second], {}, lr=0.1, momentum=0.9).step()
    assert torch.allclose(fused, torch.cat((first, second)), atol=1e-6)


def test_weight_decay_shrinks_what_has_no_gradient_to_speak_of() -> None:
    param = nn.Parameter(torch.ones(4, 4))
    param.grad = torch.zeros(4, 4)
    Muon([param], {}, lr=0.1, momentum=0.9, weight_decay=0.5).step()
    assert torch.allclose(param, torch.full((4, 4), 0.95))


def test_each_parameter_has_one_optimiser() -> None:
    settings = {
        "bigram_buckets": 50,
        "value_embed_layers": [2],
        "core_end": 4,
        "passes": 2,
        "feedback_rank": 2,
    }
    model = make_model(settings)
    optimisers = build_optimisers(model, OptimConfig())
    moved = [id(p) for o in optimisers.each() for g in o.param_groups for p in g["params"]]
    assert sorted(moved) == sorted(id(p) for p in model.parameters())
    matrices, splits = hidden_matrices(model)
    assert {p.ndim for p in matrices} == {2}
    assert splits[id(model.blocks[0].attn.qkv.weight)] == (32, 16, 16)


def test_rates_and_momentum_follow_the_schedule() -> None:
    optimisers = build_optimisers(make_model(), OptimConfig(matrix_lr=0.4, embed_lr=0.2, scalar_lr=0.1))
    optimisers.set_rate(0.5)
    optimisers.set_momentum(0.7)
    assert [g["lr"] for o in optimisers.each() for g in o.param_groups] == [0.2, 0.1, 0.05]
    assert optimisers.muon.param_groups[0]["momentum"] == 0.7
