"""Per-document test-time training: low-rank adapters learn from the scored part of one document, and are
dropped.

The idea of #77 and #1530. A document is cut into chunks; each is scored with the adapters as earlier chunks
of the same document have left them, then they take a step on it. Documents are independent, so those of
similar length share a batch with one set of adapters each (Hu et al. 2021, LoRA: W + B A with B zero at the
start).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from reference_impl.config import ConfigError
from reference_impl.evaluate.conditions import SOFTMAX, Conditions
from reference_impl.evaluate.documents import BOS, Document, documents
from reference_impl.evaluate.model import device_of, losses, predict
from reference_impl.evaluate.score import Ledger

if TYPE_CHECKING:
    from reference_impl.model.gpt import GPT

CONDITIONS = Conditions(
    causal="adapters have learned from earlier chunks of the same document only; the model is causal",
    normalised=SOFTMAX,
    score_first="a chunk is booked before the step on it; adapters are dropped with their document",
    single_pass="each chunk is scored once; documents do not see each other, so their order is free",
)


@dataclass(frozen=True, slots=True)
class LoraTTT:
    """Settings of per-document adapters."""

    window: int = 1024
    """Inputs that the model sees at most."""
    chunk_tokens: int = 256
    """Tokens of a document that are scored before the adapters learn from them."""
    batch_documents: int = 32
    """Documents that go through the model together."""
    rank: int = 8
    scale: float = 1.0
    """Factor of what an adapter adds."""
    learning_rate: float = 0.005
    steps: int = 1
    """Steps of Adam for a chunk."""
    bos: int = BOS
    seed: int = 1337
    """Of the adapters' random halves, which all documents begin with."""


class Adapters(nn.Module):
    """The two factors of a low-rank addition for each linear layer, a set for each of `rows` documents."""

    def __init__(self, layers: list[nn.Linear], rows: int, settings: LoraTTT) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(settings.seed)
        self.down, self.up = nn.ParameterList(), nn.ParameterList()
        for layer in layers:
            start = torch.randn(settings.rank, layer.in_features, generator=draw) * layer.in_features**-0.5
            zeros = torch.zeros(layer.out_features, settings.rank)
            # [rows, r, in] and [rows, out, r]
            self.down.append(nn.Parameter(start.expand(rows, -1, -1).clone().to(layer.weight.device)))
            self.up.append(nn.Parameter(zeros.expand(rows, -1, -1).clone().to(layer.weight.device)))


def linear_layers(model: GPT) -> list[nn.Linear]:
    """Return what adapters can be added to. Raises ValueError where there is nothing."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    if not layers:
        raise ValueError("the model has no nn.Linear that an adapter could be added to")
    return layers


def attach(layers: list[nn.Linear], adapters: Adapters, scale: float) -> list[RemovableHandle]:
    """Add the adapters to what the layers return, y + scale * (x A^T) B^T, until the handles are removed."""
    handles = []
    for layer, down, up in zip(layers, adapters.down, adapters.up, strict=True):

        def add(
            _: nn.Module, inputs: tuple[Tensor, ...], output: Tensor, down: Tensor = down, up: Tensor = up
        ) -> Tensor:
            x = inputs[0].reshape(down.size(0), -1, down.size(2)).to(down.dtype)  # [rows, T, in]
            added = (x @ down.transpose(1, 2)) @ up.transpose(1, 2)
            return output + (scale * added).view_as(output).to(output.dtype)

        handles.append(layer.register_forward_hook(add))
    return handles


def score_lora_ttt(model: GPT, tokens: Tensor, ledger: Ledger, settings: LoraTTT) -> None:
    """Book every token of `tokens`, int64[N], with adapters of its document that know the chunks before."""
    if not 1 <= settings.chunk_tokens <= settings.window:
        raise ConfigError(f"a chunk of {settings.chunk_tokens} does not fit a window of {settings.window}")
    layers = linear_layers(model)
    found = sorted(documents(tokens, settings.bos), key=lambda item: (item.length, item.start))
    for first in range(0, len(found), settings.batch_documents):
        batch = found[first : first + settings.batch_documents]
        adapters = Adapters(layers, len(batch), settings)
        handles = attach(layers, adapters, settings.scale)
        score_documents(model, adapters, tokens, ledger, batch, settings)
        for handle in handles:
            handle.remove()


def score_documents(
    model: GPT,
    adapters: Adapters,
    tokens: Tensor,
    ledger: Ledger,
    batch: list[Document],
    settings: LoraTTT,
) -> None:
    """Book the documents of a batch chunk by chunk; after each chunk the adapters learn from it."""
    device = device_of(model)
    optimizer = torch.optim.Adam(adapters.parameters(), lr=settings.learning_rate, betas=(0.9, 0.95))
    starts = torch.tensor([item.start for item in batch])
    ends = torch.tensor([item.end for item in batch])
    longest = batch[-1].length
    for begin in range(0, longest, settings.chunk_tokens):
        end = min(begin + settings.chunk_tokens, longest)
        # By the whole chunk, even where documents end in it: the context of a token tells nothing of the end.
        left = max(begin + settings.chunk_tokens - settings.window, 0)
        positions = starts[:, None] + torch.arange(left, end)  # [D, end - left]
        inside = positions < ends[:, None]
        # Behind its end a short document is padded with its last token, which nothing before it sees.
        positions = torch.minimum(positions, ends[:, None] - 1)
        inputs, targets = tokens[positions].to(device), tokens[positions + 1].to(device)
        known = begin - left
        log_probs = predict(model, inputs, known)
        scored = inside[:, known:].to(device)
        ledger.book(
            log_probs[scored],
            inputs[:, known:][scored],
            targets[:, known:][scored],
            positions[:, known:].to(device)[scored],
        )
        if end < longest:
            learn(model, adapters, optimizer, inputs, targets[:, known:], scored, settings)


def learn(
    model: GPT,
    adapters: Adapters,
    optimizer: torch.optim.Optimizer,
    inputs: Tensor,
    targets: Tensor,
    scored: Tensor,
    settings: LoraTTT,
) -> None:
    """Take steps on a chunk: targets and scored [D, c] belong to the last columns of inputs [D, T]."""
    for _ in range(settings.steps):
        optimizer.zero_grad(set_to_none=True)
        # A sum over documents of a mean over their tokens: no document's gradient depends on another's.
        means = (losses(model, inputs, targets) * scored).sum(dim=1) / scored.sum(dim=1).clamp_min(1)
        means.sum().backward(inputs=list(adapters.parameters()))
        optimizer.step()
