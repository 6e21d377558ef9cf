"""Eager twins of Triton kernels that real submissions share, by the kernel's name and a digest of its source.

Submissions copy kernels from each other and change a slope; so numbers are left out of the digest and handed
to the twin. A kernel with the name but another source has no twin and goes to the interpreter.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import torch

Twin = Callable[[dict[str, Any], list[float]], None]
_cache: dict[Any, Twin | None] = {}
LOSSES: list[Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None]] = []
"""Called with logits, targets and the token losses that a twin has computed from them."""


def digest(source: str) -> tuple[str, list[float]]:
    """Return a digest of a kernel's code without its numbers, and the numbers that are no whole ones."""
    tree = ast.parse(textwrap.dedent(source))
    kernel = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    kernel.decorator_list = []
    if isinstance(kernel.body[0], ast.Expr) and isinstance(kernel.body[0].value, ast.Constant):
        kernel.body = kernel.body[1:]
    for node in ast.walk(kernel):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            node.value = 0.0
    return hashlib.sha256(ast.unparse(kernel).encode()).hexdigest()[:16], _in_order(source)


def _in_order(source: str) -> list[float]:
    """Return the numbers with a point in the order in which they stand."""
    found = [
        (node.lineno, node.col_offset, node.value)
        for node in ast.walk(ast.parse(textwrap.dedent(source)))
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    return [number for _, _, number in sorted(found)]


def twin_of(function: Any) -> Callable[[dict[str, Any]], None] | None:
    """Return the twin of a kernel, or None."""
    if function not in _cache:
        _cache[function] = _found(function)
    return _cache[function]  # type: ignore[return-value]


def _found(function: Any) -> Any:
    try:
        key, numbers = digest(inspect.getsource(function))
    except (OSError, TypeError, SyntaxError, StopIteration, IndexError):
        return None
    twin = TWINS.get((function.__name__, key))
    if twin is None:
        return None
    return lambda given: twin(given, numbers)


def _tensor(described: Any) -> Any:
    """Return the tensor below a tensor descriptor."""
    return getattr(described, "base", described)


def _matmul_leaky_square(given: dict[str, Any], numbers: list[float]) -> None:
    """Set c = a b^T; forward aux = leaky(c)^2; backward c = (a b^T) * the derivative at aux."""
    a, b, c, aux = (_tensor(given[name]) for name in ("a_desc", "b_desc", "c_desc", "aux_desc"))
    if "SLOPE" in given:
        slope, back = float(given["SLOPE"]), 2.0 * float(given["SLOPE"]) ** 2
    elif "FWD_SLOPE" in given:
        slope, back = float(given["FWD_SLOPE"]), float(given["BWD_SLOPE"])
    else:
        slope, back = numbers[-1], numbers[1]
    product = (a.float() @ b.float().T).to(torch.bfloat16)
    if given["FORWARD"]:
        leaky = torch.where(product > 0, product, slope * product)
        aux.copy_(leaky * leaky)
    else:
        product = product * torch.where(aux > 0, 2.0 * aux, back * aux)
    c.copy_(product)


def _softcapped_forward(given: dict[str, Any], _: list[float]) -> None:
    """Row losses of cross entropy over 2 s sigmoid(2 x / s), and their log-sum-exp."""
    scaled = 2.0 * given["softcap"] * torch.sigmoid(given["logits_ptr"].float() * (2.0 / given["softcap"]))
    total = torch.logsumexp(scaled, dim=-1)
    given["lse_ptr"].copy_(total)
    target = given["targets_ptr"].long().unsqueeze(-1)
    given["losses_ptr"].copy_(total - torch.take_along_dim(scaled, target, -1).squeeze(-1))
    _tell(given["logits_ptr"], target, given["losses_ptr"])


def _tell(logits: torch.Tensor, targets: torch.Tensor, losses: torch.Tensor) -> None:
    for listener in LOSSES:
        listener(logits, targets, losses)


def _softcapped_backward(given: dict[str, Any], _: list[float]) -> None:
    """Gradient of the row losses with regard to the logits."""
    softcap = given["softcap"]
    sigmoid = torch.sigmoid(given["logits_ptr"].float() * (2.0 / softcap))
    grad = torch.exp(2.0 * softcap * sigmoid - given["lse_ptr"].unsqueeze(-1))
    target = given["targets_ptr"].long().unsqueeze(-1)
    grad.scatter_add_(-1, target, torch.full_like(target, -1.0, dtype=grad.dtype))
    grad *= given["grad_losses_ptr"].float().unsqueeze(-1) * 4.0
    given["grad_logits_ptr"].copy_(grad * sigmoid * (1.0 - sigmoid))


def _leaky_square_forward(given: dict[str, Any], numbers: list[float]) -> None:
    """Set y = leaky(x)^2, element by element."""
    x = given["x_ptr"].float()
    leaky = torch.where(x >= 0, x, numbers[-1] * x)
    given["y_ptr"].copy_(leaky * leaky)


def _leaky_square_backward(given: dict[str, Any], numbers: list[float]) -> None:
    """Gradient of leaky(x)^2, element by element."""
    x = given["x_ptr"].float()
    slope = torch.where(x >= 0, 1.0, numbers[2])
    given["grad_in_ptr"].copy_(given["grad_out_ptr"].float() * 2.0 * x * slope * slope)


def _product_with_itself(given: dict[str, Any], _: list[float]) -> None:
    """Set y = x x^T."""
    x = given["x"]
    given["y"].copy_((x.float() @ x.float().transpose(-1, -2)).to(given["y"].dtype))


def _log_softmax_at_two(given: dict[str, Any], _: list[float]) -> None:
    """Log probabilities of a target and of a hint in each row."""
    logits = given["logits_ptr"].reshape(given["BT"], given["V"]).float()
    total = logits.logsumexp(dim=-1)
    for ids, out in (("target_ids_ptr", "log_p_y_out_ptr"), ("hint_ids_ptr", "log_q_h_out_ptr")):
        chosen = torch.take_along_dim(logits, given[ids].reshape(-1, 1).long(), -1).squeeze(-1)
        given[out].copy_((chosen - total).reshape(given[out].shape))
    _tell(logits, given["target_ids_ptr"], -given["log_p_y_out_ptr"])


def _normed(x: torch.Tensor, eps: float) -> torch.Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)


def _rms_norm(given: dict[str, Any], _: list[float]) -> None:
    """Set out = x / rms(x), row by row."""
    given["Out_ptr"].copy_(_normed(given["X_ptr"].float(), given["eps"]))


def _residual_rms_norm(given: dict[str, Any], _: list[float]) -> None:
    """Set resout = x + scale * residual, rounded, and out = resout / rms, the rms of what was not rounded."""
    added = given["X_ptr"].float() + given["Scale_ptr"].float() * given["Residual_ptr"].float()
    given["ResOut_ptr"].copy_(added)
    factor = torch.rsqrt(added.square().mean(-1, keepdim=True) + given["eps"])
    given["Out_ptr"].copy_(given["ResOut_ptr"].float() * factor)


def _leaky_square(given: dict[str, Any], _: list[float]) -> None:
    """Set out = leaky(x)^2, element by element, with the slope that the launch gives."""
    x = given["X_ptr"].float()
    given["Out_ptr"].copy_(torch.where(x > 0, x, x * given["NEGATIVE_SLOPE"]).square())


TWINS: dict[tuple[str, str], Twin] = {
    ("linear_leaky_relu_square_kernel", "4c1e5657d9fdebac"): _matmul_leaky_square,
    ("linear_leaky_relu_square_kernel", "830ff65d67b55190"): _matmul_leaky_square,
    ("linear_leaky_relu_square_kernel", "c4b523146e197a58"): _matmul_leaky_square,
    ("_fused_leaky_relu_sq_kernel", "89ddd614e64569c9"): _matmul_leaky_square,
    ("_softcapped_ce_fwd_kernel", "b077cf2ff5e5a123"): _softcapped_forward,
    ("_softcapped_ce_bwd_kernel", "479b01458511eb43"): _softcapped_backward,
    ("_leaky_relu_sq_forward_kernel", "905c32a98622af61"): _leaky_square_forward,
    ("_leaky_relu_sq_backward_kernel", "994189efa141b385"): _leaky_square_backward,
    ("_rms_norm_fwd_kernel", "639d921de624965f"): _rms_norm,
    ("_residual_rms_norm_fwd_kernel", "d25a049382b10daa"): _residual_rms_norm,
    ("_leaky_relu_squared_fwd_kernel", "8f5eebc872c5bd7a"): _leaky_square,
    ("_mmt_kernel", "6692c7515c8368b2"): _product_with_itself,
    ("fused_log_softmax_dual_gather_kernel", "2f4580fe6f3c37b7"): _log_softmax_at_two,
    ("fused_log_softmax_dual_gather_kernel", "e8d86f53c2600259"): _log_softmax_at_two,
    ("fused_log_softmax_dual_gather_kernel", "24a3f5e0dbc966d3"): _log_softmax_at_two,
}
"""Kernel name and digest to twin."""
