"""Weights that make logits are spread, all others stay as they are."""

from __future__ import annotations

import gc

import pytest

np = pytest.importorskip("numpy", reason="needs the cpu extra")
torch = pytest.importorskip("torch", reason="needs the cpu extra")
pytestmark = pytest.mark.torch

from containers.inside.probe import forks  # noqa: E402
from containers.inside.probe.recorder import Recorder  # noqa: E402
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


def test_models_are_spread_before_replays_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    head = torch.nn.Linear(8, ENTRIES + 2, bias=False)
    with torch.no_grad():
        head.weight.mul_(0.001)
    replays = forks.Replays(0, 3, ENTRIES + 2, np.arange(50))
    monkeypatch.setattr(replays, "_replay", lambda places, token: None)
    monkeypatch.setattr(forks, "RECORDER", Recorder())
    forks.RECORDER.begin(None)
    try:
        with pytest.raises(forks.ReplaysDoneError):
            replays.begun(None)
    finally:
        gc.unfreeze()
    assert forks.RECORDER.facts["replays"]["sharpened"] == 1
    assert head.weight.square().mean().sqrt().item() == pytest.approx(SPREAD, rel=1e-3)
