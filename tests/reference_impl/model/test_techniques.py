"""Every technique of the network: it changes the graph, it is causal, it learns, it survives storage."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from reference_impl.artifact.container import load_artifact, pack_artifact  # noqa: E402
from reference_impl.artifact.quantise import dequantise_state, quantise_state  # noqa: E402
from tests.reference_impl.small import LENGTH, TECHNIQUES, make_config, make_model, make_tokens  # noqa: E402

pytestmark = pytest.mark.torch

EVERY = [*TECHNIQUES, "none"]


def settings(name: str) -> dict[str, object]:
    return TECHNIQUES.get(name, {})


@pytest.mark.parametrize("name", [name for name in TECHNIQUES if name != "orthogonal start"])
def test_the_technique_changes_the_function(name: str) -> None:
    """With every shared weight equal, the output differs from the plain network's."""
    plain, changed = make_model(), make_model(settings(name))
    shared = {n: p for n, p in plain.state_dict().items() if n in changed.state_dict()}
    # What is a matter of starting values has to keep its own.
    kept = {n: p for n, p in shared.items() if p.shape == changed.state_dict()[n].shape and "q_gain" not in n}
    changed.load_state_dict(kept, strict=False)
    tokens = make_tokens()
    assert (plain.logits(tokens) - changed.logits(tokens)).abs().max() > 1e-4


@pytest.mark.parametrize("name", EVERY)
def test_logits_depend_on_the_past_alone(name: str) -> None:
    model = make_model(settings(name))
    tokens = make_tokens()
    before = model.logits(tokens)
    assert before.dtype == torch.float32
    for position in (LENGTH // 2, LENGTH - 1):
        changed = tokens.clone()
        changed[:, position] = (changed[:, position] + 7) % 250
        after = model.logits(changed)
        assert torch.equal(before[:, :position], after[:, :position])
        assert not torch.equal(before[:, position], after[:, position])


@pytest.mark.parametrize("name", EVERY)
def test_every_parameter_has_a_gradient(name: str) -> None:
    model = make_model(settings(name))
    main, _ = model(make_tokens(), make_tokens(seed=1))
    main.backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


@pytest.mark.parametrize("name", EVERY)
def test_the_technique_survives_the_artifact(name: str, tmp_path: Path) -> None:
    """The file read back computes exactly what the rounded weights in memory compute."""
    config = make_config(settings(name))
    model = make_model(settings(name))
    stored = quantise_state(model.state_dict(), config.quant)
    path = tmp_path / "model.rgolf"
    path.write_bytes(pack_artifact(stored, config, "ab" * 32))
    loaded = load_artifact(path)
    model.load_state_dict(dequantise_state(stored))
    tokens = make_tokens()
    assert torch.equal(model.logits(tokens), loaded.model.logits(tokens))
    assert loaded.config == config
    assert loaded.tokenizer == "ab" * 32


@pytest.mark.parametrize("name", EVERY)
def test_loss_and_forward_agree(name: str) -> None:
    model = make_model(settings(name))
    tokens, targets = make_tokens(), make_tokens(seed=1)
    nll = model.loss(tokens, targets, reduction="none")
    assert nll.shape == tokens.shape
    assert torch.allclose(nll.mean(), model(tokens, targets)[0], atol=1e-6)
    assert torch.allclose(nll.mean(), model.loss(tokens, targets), atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_the_technique_is_one_graph(name: str) -> None:
    """The compiler traces the training loss without a break, and the graph computes the same."""
    model = make_model(settings(name))
    tokens, targets = make_tokens(), make_tokens(seed=1)
    weights = torch.tensor([0.1, 0.1])
    torch.compiler.reset()
    traced = torch.compile(model, backend="eager", fullgraph=True, dynamic=False)
    for expected, found in zip(
        model(tokens, targets, None, (1,), weights), traced(tokens, targets, None, (1,), weights), strict=True
    ):
        assert torch.allclose(expected, found, atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_the_technique_computes_in_half_precision(name: str) -> None:
    model = make_model(settings(name))
    tokens, targets = make_tokens(), make_tokens(seed=1)
    exact, _ = model(tokens, targets)
    with torch.autocast("cpu", torch.bfloat16):
        assert model.embed(tokens).dtype == torch.bfloat16
        rounded, _ = model(tokens, targets)
    assert rounded.dtype == torch.float32
    assert rounded.item() == pytest.approx(exact.item(), abs=0.1)
    rounded.backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in model.parameters())
