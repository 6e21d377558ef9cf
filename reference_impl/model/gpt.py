"""The decoder-only GPT: every technique behind its switch, one trunk, one tied head.

Promises that `logits` at position t depend on `input_ids[:, : t + 1]` alone, and with every switch off that
the graph is the challenge's baseline. `forward` is the training loss; evaluation uses `logits` or `loss`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference_impl.config import ModelConfig
from reference_impl.model.attention import Rotary
from reference_impl.model.block import Block
from reference_impl.model.embeddings import BigramHash, SmearGate, ValueEmbedding, document_mask
from reference_impl.model.linear import compute_dtype, make_orthogonal, rms_norm
from reference_impl.model.recurrence import Recurrence, growth_penalty


class TrunkOutput(NamedTuple):
    """What the blocks return."""

    hidden: Tensor
    """Normalised last state [B, T, D], ready for the head."""
    tapped: dict[int, Tensor]
    """Raw state [B, T, D] behind each block that was asked for."""
    growth: Tensor
    """Mean growth penalty over the passes, a scalar; zero without recurrence."""


@dataclass(slots=True)
class Journey:
    """What one forward pass carries from block to block."""

    x0: Tensor
    """Embedding [B, T, D]."""
    values: dict[int, Tensor]
    """Value embeddings by block."""
    mask: Tensor | None
    """Document mask, or None."""
    taps: frozenset[int]
    """Blocks whose state is wanted."""
    skips: dict[int, Tensor] = field(default_factory=dict)
    """Encoder states not used yet, by block."""
    tapped: dict[int, Tensor] = field(default_factory=dict)
    """States behind the wanted blocks, of their last visit."""


class GPT(nn.Module):
    """A language model over `vocab_size` tokens."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.tok_emb = nn.Embedding(config.vocab_size, config.model_dim)
        self.bigram = BigramHash(config) if config.bigram_buckets else None
        self.smear = SmearGate(config) if config.smear_gate else None
        self.value_embed = ValueEmbedding(config) if config.value_embed_layers else None
        rotary = Rotary(config)
        self.blocks = nn.ModuleList(Block(config, layer, rotary) for layer in range(config.num_layers))
        encoder = config.num_encoder_layers
        self.skip_weights = nn.Parameter(
            torch.ones(min(encoder, config.num_layers - encoder), config.model_dim)
        )
        self.recurrence = Recurrence(config) if config.recurrent else None
        self.backout_lambda = nn.Parameter(torch.tensor(config.backout_init)) if config.backout else None
        if config.orthogonal_init:
            make_orthogonal(self)
        # Last, as in the challenge's baseline: then one seed gives both the same weights.
        nn.init.normal_(self.tok_emb.weight, std=config.embed_init_std)

    # ---- evaluation ------------------------------------------------------------------------------

    def logits(self, input_ids: Tensor, passes: int | None = None) -> Tensor:
        """Return capped logits, float32 [B, T, V], of the token after each of [B, T]."""
        return self.head(self.hidden(input_ids, passes))

    def loss(self, input_ids: Tensor, target_ids: Tensor, reduction: str = "mean") -> Tensor:
        """Return the cross-entropy in nats of [B, T] targets: its mean, its sum, or [B, T] for `none`."""
        logits = self.logits(input_ids).flatten(0, 1)
        nll = F.cross_entropy(logits, target_ids.flatten(), reduction=reduction)
        return nll.view(target_ids.shape) if reduction == "none" else nll

    def hidden(self, input_ids: Tensor, passes: int | None = None) -> Tensor:
        """Return the normalised last state [B, T, D]."""
        return self.trunk(input_ids, passes).hidden

    def head(self, hidden: Tensor) -> Tensor:
        """Return capped logits, float32 [..., V], of normalised states [..., D]."""
        cap = self.config.logit_softcap
        logits = F.linear(hidden, self.tok_emb.weight.to(hidden.dtype)).float()
        if not torch.is_grad_enabled():
            # In place: the logits are the largest tensor of an evaluation.
            return logits.div_(cap).tanh_().mul_(cap)
        return cap * torch.tanh(logits / cap)

    # ---- training --------------------------------------------------------------------------------

    def forward(
        self,
        input_ids: Tensor,
        target_ids: Tensor,
        passes: int | None = None,
        supervised: tuple[int, ...] = (),
        weights: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return (cross-entropy, loss to minimise) in nats.

        `weights` [len(supervised) + 1] scales the loss of each supervised block and, last, the growth
        penalty. It is a tensor so that a schedule changes no graph; the blocks are constants, one compiled
        graph for each choice.
        """
        out = self.trunk(input_ids, passes, supervised)
        main = self.score(out.hidden, target_ids)
        if weights is None:
            return main, main
        total = main + weights[-1] * out.growth
        for weight, layer in zip(weights, supervised, strict=False):
            total = total + weight * self.score(rms_norm(out.tapped[layer]), target_ids)
        return main, total

    def score(self, hidden: Tensor, target_ids: Tensor) -> Tensor:
        """Return the mean cross-entropy of normalised states [B, T, D] through the shared head."""
        return F.cross_entropy(self.head(hidden).flatten(0, 1), target_ids.flatten())

    # ---- trunk -----------------------------------------------------------------------------------

    def embed(self, input_ids: Tensor) -> Tensor:
        """Return the normalised input [B, T, D]."""
        x = self.tok_emb(input_ids)
        if self.bigram is not None:
            x = x + self.bigram(input_ids)
        # The stream lives in the type of the products: half the traffic under autocast.
        x = rms_norm(x).to(compute_dtype(x))
        return x if self.smear is None else self.smear(x, input_ids)

    def trunk(self, input_ids: Tensor, passes: int | None = None, taps: Iterable[int] = ()) -> TrunkOutput:
        """Run every block; a tapped state is that of the block's last visit."""
        config = self.config
        middle = config.num_layers // 2
        wanted = frozenset(taps) | ({middle} if config.backout else frozenset())
        x = self.embed(input_ids)
        values = {} if self.value_embed is None else self.value_embed(input_ids)
        mask = document_mask(input_ids, config.bos_id) if config.document_mask else None
        journey = Journey(x, values, mask, wanted)
        core = (config.core_start, config.core_end) if self.recurrence is not None else (0, 0)
        x = self._walk(range(core[0]), x, journey)
        x, growth = self._repeat(range(*core), x, journey, passes or config.passes)
        lanes = config.lanes_from if config.lanes_from >= 0 else config.num_layers
        x = self._walk(range(core[1], lanes), x, journey)
        x = self._walk_lanes(range(lanes, config.num_layers), x, journey)
        if self.backout_lambda is not None:
            x = x - self.backout_lambda.to(x.dtype) * journey.tapped[middle]
        return TrunkOutput(rms_norm(x), journey.tapped, growth)

    def _walk(self, layers: range, x: Tensor, journey: Journey) -> Tensor:
        for layer in layers:
            x = self._visit(layer, x, journey)
        return x

    def _visit(self, layer: int, x: Tensor, journey: Journey) -> Tensor:
        x = self._add_skip(layer, x, self._take_skip(layer, journey))
        x = self.blocks[layer](x, journey.x0, journey.values.get(layer), journey.mask)
        return self._note(layer, x, journey)

    def _take_skip(self, layer: int, journey: Journey) -> Tensor | None:
        """Return the encoder state that mirrors this decoder block; each is used once."""
        encoder = self.config.num_encoder_layers
        return journey.skips.pop(2 * encoder - 1 - layer, None) if layer >= encoder else None

    def _add_skip(self, layer: int, x: Tensor, skip: Tensor | None) -> Tensor:
        if skip is None:
            return x
        return torch.addcmul(x, self.skip_weights[layer - self.config.num_encoder_layers].to(x.dtype), skip)

    def _note(self, layer: int, x: Tensor, journey: Journey) -> Tensor:
        if layer < self.config.num_encoder_layers:
            journey.skips[layer] = x
        if layer in journey.taps:
            journey.tapped[layer] = x
        return x

    def _repeat(self, core: range, x: Tensor, journey: Journey, passes: int) -> tuple[Tensor, Tensor]:
        """Run the core `passes` times and return the state with the mean growth penalty."""
        growth = x.new_zeros((), dtype=torch.float32)
        if self.recurrence is None:
            return x, growth
        earlier: dict[int, Tensor] = {}
        for k in range(passes):
            before, x = x, self.recurrence.enter(k, x)
            entered = x
            for layer in core:
                x = self.recurrence.recall(k, layer - core.start, x, earlier.get(layer))
                x = earlier[layer] = self._visit(layer, x, journey)
            x = self.recurrence.leave(k, before, entered, x)
            growth = growth + growth_penalty(before, x) / passes
        return x, growth

    def _walk_lanes(self, layers: range, x: Tensor, journey: Journey) -> Tensor:
        lanes = (x, x)
        for layer in layers:
            skip = self._take_skip(layer, journey)
            lanes = (self._add_skip(layer, lanes[0], skip), self._add_skip(layer, lanes[1], skip))
            block = self.blocks[layer]
            assert isinstance(block, Block)
            lanes = block.forward_lanes(lanes, journey.x0, journey.values.get(layer), journey.mask)
            x = self._note(layer, (lanes[0] + lanes[1]) * 0.5, journey)
        return x
