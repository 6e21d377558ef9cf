"""GPTQ: round column by column and let the columns not yet rounded absorb each error (arXiv:2210.17323).

The output error of a linear layer is (w - q) H (w - q)^T with H = X^T X over calibration inputs. With U the
upper Cholesky factor of H^-1, rounding column c at error e is best answered by moving the later columns by
-e / U[c, c] * U[c, c + 1 :]. Errors are spread in blocks, so that the large product runs once a block.
"""

from __future__ import annotations

import torch
from torch import Tensor

DAMPING = 0.01
BLOCK_COLUMNS = 128


def inverse_factor(hessian: Tensor) -> Tensor:
    """Return U, upper triangular, with U^T U = (H + damping)^-1, in fp64; H is [columns, columns]."""
    damped = hessian.double().clone()
    diagonal = damped.diagonal()
    # Inputs that never fire would make H singular; their columns then round to nearest.
    diagonal[diagonal == 0] = 1.0
    diagonal += DAMPING * diagonal.mean()
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    return torch.linalg.cholesky(inverse, upper=True)


def round_with_feedback(weight: Tensor, scales: Tensor, largest: int, hessian: Tensor) -> Tensor:
    """Return integers [rows, columns], as floats, for fp32 scales [rows]."""
    factor = inverse_factor(hessian).float()
    left = weight.clone()
    values = torch.empty_like(weight)
    columns = weight.size(1)
    for start in range(0, columns, BLOCK_COLUMNS):
        end = min(start + BLOCK_COLUMNS, columns)
        errors = torch.zeros_like(left[:, start:end])
        for c in range(start, end):
            values[:, c] = (left[:, c] / scales).round().clamp(-largest, largest)
            errors[:, c - start] = (left[:, c] - values[:, c] * scales) / factor[c, c]
            left[:, c + 1 : end] -= torch.outer(errors[:, c - start], factor[c, c + 1 : end])
        left[:, end:] -= errors @ factor[start:end, end:]
    return values
