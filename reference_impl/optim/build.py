"""Which optimiser moves which parameter: Muon the hidden matrices, Adam the rest."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from reference_impl.config import OptimConfig
from reference_impl.model.gpt import GPT
from reference_impl.model.linear import CastedLinear
from reference_impl.optim.muon import Muon


@dataclass(slots=True)
class Optimisers:
    """The optimisers of one model and their undamped rates."""

    muon: Muon
    """Hidden matrices."""
    adam: torch.optim.AdamW
    """Embeddings, then vectors and scalars: two groups."""
    base_rates: tuple[float, float, float]
    """Rates of Muon and of Adam's groups before the schedule."""

    def set_rate(self, multiplier: float) -> None:
        """Scale every rate."""
        groups = (*self.muon.param_groups, *self.adam.param_groups)
        for group, rate in zip(groups, self.base_rates, strict=True):
            group["lr"] = rate * multiplier

    def set_momentum(self, momentum: float) -> None:
        """Set Muon's momentum."""
        self.muon.param_groups[0]["momentum"] = momentum

    def each(self) -> tuple[torch.optim.Optimizer, ...]:
        """Return the optimisers in order."""
        return self.muon, self.adam

    def step(self) -> None:
        """Update every parameter."""
        self.muon.step()
        self.adam.step()


def build_optimisers(model: GPT, config: OptimConfig) -> Optimisers:
    """Return the optimisers of a model."""
    matrices, splits = hidden_matrices(model)
    taken = {id(p) for p in matrices}
    embeddings = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
    taken |= {id(p) for p in embeddings}
    scalars = [p for p in model.parameters() if id(p) not in taken]
    adam = torch.optim.AdamW(
        [{"params": embeddings, "lr": config.embed_lr}, {"params": scalars, "lr": config.scalar_lr}],
        betas=(config.beta1, config.beta2),
        eps=config.adam_eps,
        weight_decay=config.adam_weight_decay,
        # One kernel over all tensors; MPS has none.
        fused=next(model.parameters()).device.type in ("cuda", "cpu"),
    )
    muon = Muon(
        matrices,
        splits,
        lr=config.matrix_lr,
        momentum=config.muon_momentum,
        iterations=config.muon_iterations,
        weight_decay=config.muon_weight_decay,
        row_normalise=config.muon_row_normalise,
    )
    return Optimisers(muon, adam, (config.matrix_lr, config.embed_lr, config.scalar_lr))


def hidden_matrices(model: GPT) -> tuple[list[nn.Parameter], dict[int, tuple[int, ...]]]:
    """Return the weights of all linear maps and the rows of those that are several in one."""
    matrices: list[nn.Parameter] = []
    splits: dict[int, tuple[int, ...]] = {}
    for layer in model.modules():
        if isinstance(layer, CastedLinear):
            matrices.append(layer.get_parameter("weight"))
            splits[id(matrices[-1])] = layer.row_splits
    return matrices, splits
