"""Weights that make logits are spread, all others stay as they are."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")
pytestmark = pytest.mark.torch

from containers.inside.probe.sharpen import SPREAD, sharpen  # noqa: E402

ENTRIES = 271
"""A vocabulary that no other test's model has."""


def test_only_rows_of_the_vocabulary_are_spread_and_wide_ones_stay() -> None:
    torch.manual_seed(0)
    model = torch.nn.ModuleDict(
        {
            "head": torch.nn.Linear(16, ENTRIES, bias=True),
            "wide": torch.nn.Embedding(ENTRIES, 16),
            "hidden": torch.nn.Linear(16, 32),
        }
    )
    with torch.no_grad():
        model["head"].weight.mul_(0.01)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    assert sharpen(ENTRIES) == 2
    assert model["head"].weight.square().mean().sqrt().item() == pytest.approx(SPREAD, rel=1e-3)
    for name, weight in model.named_parameters():
        if name != "head.weight":
            assert torch.equal(weight, before[name]), name


def test_a_tied_head_is_spread_once() -> None:
    embedding = torch.nn.Embedding(ENTRIES + 1, 8)
    head = torch.nn.Linear(8, ENTRIES + 1, bias=False)
    with torch.no_grad():
        embedding.weight.mul_(0.001)
    head.weight = embedding.weight
    assert sharpen(ENTRIES + 1) == 1
    assert embedding.weight.square().mean().sqrt().item() == pytest.approx(SPREAD, rel=1e-3)
