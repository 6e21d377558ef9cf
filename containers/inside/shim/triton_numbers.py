"""Make Triton's interpreter compute with bfloat16.

It keeps bfloat16 as the bits of an unsigned integer and then multiplies those, so that kernels which compute
in bfloat16 give garbage. Here operands are widened to float32 first and results rounded to nearest even, as
the hardware does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .patching import put

_QUIET_NAN = np.uint16(0x7FC0)


def widened(bits: Any) -> Any:
    """Return float32 numbers for the bits of bfloat16 ones."""
    return (np.asarray(bits, dtype=np.uint16).astype(np.uint32) << 16).view(np.float32)


def rounded(numbers: Any) -> Any:
    """Return the bits of float32 numbers as bfloat16, rounded to nearest even."""
    wide = np.ascontiguousarray(numbers, dtype=np.float32)
    bits = wide.view(np.uint32).astype(np.uint64)
    bits = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(wide), _QUIET_NAN, bits)


def install() -> None:
    """Widen in arithmetic, products of matrices and conversions."""
    import triton.language as tl
    from triton.runtime import interpreter

    builder, handle = interpreter.InterpreterBuilder, interpreter.TensorHandle

    def is_narrow(operand: Any) -> bool:
        return bool(operand.dtype.scalar == tl.bfloat16)

    def wide(operand: Any) -> Any:
        return handle(widened(operand.data), tl.float32) if is_narrow(operand) else operand

    def narrow(result: Any) -> Any:
        if result.data.dtype == np.bool_ or result.dtype.scalar != tl.float32:
            return result
        return handle(rounded(result.data), tl.bfloat16)

    real_binary, real_unary, real_cast = builder.binary_op, builder.unary_op, builder.cast_impl
    real_dot, real_convert = builder.create_dot, builder.create_fp_to_fp

    def binary_op(self: Any, lhs: Any, rhs: Any, op: Any) -> Any:
        if not (is_narrow(lhs) and is_narrow(rhs)):
            return real_binary(self, lhs, rhs, op)
        return narrow(real_binary(self, wide(lhs), wide(rhs), op))

    def unary_op(self: Any, arg: Any, op: Any) -> Any:
        return narrow(real_unary(self, wide(arg), op)) if is_narrow(arg) else real_unary(self, arg, op)

    def create_dot(self: Any, a: Any, b: Any, d: Any, *more: Any) -> Any:
        return real_dot(self, wide(a), wide(b), d, *more)

    def converted(src: Any, target: Any) -> Any:
        pair = src.dtype.scalar, target.scalar
        if pair == (tl.bfloat16, tl.float32):
            return handle(widened(src.data), tl.float32)
        if pair == (tl.float32, tl.bfloat16):
            return handle(rounded(src.data), tl.bfloat16)
        return None

    def cast_impl(self: Any, src: Any, dst_type: Any) -> Any:
        made = converted(src, dst_type)
        return real_cast(self, wide(src), dst_type) if made is None else made

    def create_fp_to_fp(self: Any, src: Any, dst_type: Any, rounding_mode: Any) -> Any:
        made = converted(src, dst_type)
        return real_convert(self, src, dst_type, rounding_mode) if made is None else made

    for name, function in {
        "binary_op": binary_op,
        "unary_op": unary_op,
        "create_dot": create_dot,
        "cast_impl": cast_impl,
        "create_fp_to_fp": create_fp_to_fp,
    }.items():
        put(builder, name, function)
    put(builder, "create_fp_ext", cast_impl)
    put(builder, "create_fp_trunc", cast_impl)
