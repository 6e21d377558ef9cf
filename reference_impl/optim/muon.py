"""Muon: momentum, then the nearest semi-orthogonal matrix as the update (Keller Jordan, 2024).

Matrices of one shape are orthogonalised in one batch. Parts of a fused weight (queries, keys, values) are
matrices of their own. With several ranks each orthogonalises its share and the updates are summed, so that
every rank applies the same one. MuonEq-R divides each row by its norm first (arXiv:2603.28254).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn

# Coefficients of the quintic iteration: singular values end in about [0.7, 1.2] after five rounds.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
# Shorter side from which bf16 pays on a CPU with AVX-512 BF16 or AMX.
SMALLEST_BF16 = 256


class Piece(NamedTuple):
    """One matrix to orthogonalise: some rows of a parameter."""

    param: nn.Parameter
    start: int
    rows: int


def orthogonalise(matrices: Tensor, iterations: int, row_normalise: bool = False) -> Tensor:
    """Return about U V^T of each U S V^T in [K, rows, columns].

    The iteration forgives rounding, so it runs in bf16 wherever that is twice as fast.
    """
    a, b, c = NEWTON_SCHULZ
    x = matrices.to(orthogonal_dtype(matrices.device, min(matrices.shape[1:])))
    if row_normalise:
        x = x / (x.norm(dim=2, keepdim=True) + 1e-7)
    # The iteration converges for spectral norms up to 1; Frobenius bounds them.
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.size(1) > x.size(2)
    x = x.mT if tall else x
    for _ in range(iterations):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


@cache
def orthogonal_dtype(device: torch.device, size: int) -> torch.dtype:
    """Return bf16 on CUDA, and for large matrices on CPUs that multiply it; fp32 elsewhere.

    On a CPU small matrices gain nothing, and in fp32 their update hardly depends on the order of sums.
    """
    if device.type == "cpu":
        native = size >= SMALLEST_BF16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return torch.bfloat16 if native else torch.float32
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def cut_pieces(params: Iterable[nn.Parameter], splits: dict[int, tuple[int, ...]]) -> list[list[Piece]]:
    """Group the matrices of all parameters by shape; `splits` holds the rows of fused weights by id."""
    groups: dict[tuple[int, int], list[Piece]] = {}
    for param in params:
        start = 0
        for rows in splits.get(id(param), (param.size(0),)):
            groups.setdefault((rows, param.size(1)), []).append(Piece(param, start, rows))
            start += rows
    return list(groups.values())


class Muon(torch.optim.Optimizer):
    """Muon over matrices [rows, columns]."""

    def __init__(
        self,
        params: list[nn.Parameter],
        splits: dict[int, tuple[int, ...]],
        lr: float,
        momentum: float,
        iterations: int = 5,
        weight_decay: float = 0.0,
        row_normalise: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.iterations, self.row_normalise = iterations, row_normalise
        self.pieces = cut_pieces(params, splits)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every matrix that has a gradient."""
        (group,) = self.param_groups
        updates = self._nesterov(group["params"], group["momentum"])
        if group["weight_decay"]:
            torch._foreach_mul_(list(updates), 1.0 - group["lr"] * group["weight_decay"])
        for pieces in self.pieces:
            present = [piece for piece in pieces if piece.param in updates]
            if present:
                self._apply(present, updates, group["lr"])

    def _nesterov(self, params: list[nn.Parameter], momentum: float) -> dict[nn.Parameter, Tensor]:
        """Advance the momentum and return the look-ahead gradient of each parameter."""
        updates: dict[nn.Parameter, Tensor] = {}
        for param in params:
            if param.grad is None:
                continue
            state = self.state[param]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(param)
            buffer = state["momentum"].mul_(momentum).add_(param.grad)
            updates[param] = torch.add(param.grad, buffer, alpha=momentum)
        return updates

    def _apply(self, pieces: list[Piece], updates: dict[nn.Parameter, Tensor], lr: float) -> None:
        """Orthogonalise matrices of one shape and subtract them."""
        stacked = torch.stack([updates[p.param][p.start : p.start + p.rows] for p in pieces])
        result = self._share(stacked)
        # Tall matrices get larger steps, so that the change of the output keeps its size.
        step = lr * max(1.0, stacked.size(1) / stacked.size(2)) ** 0.5
        for piece, update in zip(pieces, result, strict=True):
            piece.param[piece.start : piece.start + piece.rows].add_(update, alpha=-step)

    def _share(self, stacked: Tensor) -> Tensor:
        """Return the orthogonalised stack [K, rows, columns], each rank doing every n-th."""
        if not dist.is_initialized() or dist.get_world_size() == 1:
            return orthogonalise(stacked, self.iterations, self.row_normalise).to(stacked.dtype)
        rank, world = dist.get_rank(), dist.get_world_size()
        result = torch.zeros_like(stacked)
        if rank < stacked.size(0):
            mine = orthogonalise(stacked[rank::world], self.iterations, self.row_normalise)
            result[rank::world] = mine.to(stacked.dtype)
        dist.all_reduce(result)
        return result
