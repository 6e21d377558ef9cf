"""Second moments of every linear map's inputs, which GPTQ needs; from training tokens or self-written text.

Validation tokens never come here: the caller hands over batches of the training loader, or none, and then the
model writes its own text from BOS. Collection ends at a deadline on the training clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from reference_impl.model.gpt import GPT
from reference_impl.model.linear import CastedLinear

HEAD_NAME = "tok_emb.weight"


class Moments:
    """Sums of x x^T over the inputs x of each matrix."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

    def add(self, name: str, inputs: Tensor) -> None:
        """Take in inputs [..., columns]."""
        x = inputs.detach().flatten(0, -2).float()
        self.sums[name] = self.sums.get(name, 0.0) + x.T @ x
        self.counts[name] = self.counts.get(name, 0) + x.size(0)

    def means(self) -> dict[str, Tensor]:
        """Return the mean second moment [columns, columns] of each matrix, on the CPU."""
        return {name: (total / self.counts[name]).cpu() for name, total in self.sums.items()}


def collect_hessians(model: GPT, batches: Iterator[Tensor], in_time: Callable[[], bool]) -> dict[str, Tensor]:
    """Run [B, T] batches through the model while `in_time` holds and return the moments by parameter name.

    At least one batch is read, or there would be nothing to return.
    """
    moments = Moments()
    handles = [
        layer.register_forward_pre_hook(_recorder(moments, f"{name}.weight"))
        for name, layer in model.named_modules()
        if isinstance(layer, CastedLinear)
    ]
    try:
        with torch.no_grad():
            for batch in batches:
                # The tied embedding is the head's matrix: its inputs are the last states.
                moments.add(HEAD_NAME, model.hidden(batch))
                if not in_time():
                    break
    finally:
        for handle in handles:
            handle.remove()
    return moments.means()


def _recorder(moments: Moments, name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def record(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        moments.add(name, inputs[0])

    return record


@torch.no_grad()
def write_text(model: GPT, sequences: int, length: int, seed: int) -> Tensor:
    """Return [sequences, length] tokens that the model samples from itself behind BOS (#1019)."""
    device = model.tok_emb.weight.device
    # Drawn on the CPU: the same text on every device, up to rounding of the probabilities.
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.full((sequences, 1), model.config.bos_id, device=device)
    for _ in range(length - 1):
        hidden = model.hidden(tokens)[:, -1]
        chances = torch.softmax(model.head(hidden), dim=-1).cpu()
        drawn = torch.multinomial(chances, 1, generator=generator)
        tokens = torch.cat((tokens, drawn.to(device)), dim=1)
    return tokens
