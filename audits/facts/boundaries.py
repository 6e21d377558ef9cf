"""Gates that mix a position with the one before it, where documents are packed into one row.

Attention that is told where documents begin keeps them apart; such a gate does not, unless it is masked.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.facts.byte_table.guards import Guards
from audits.facts.byte_table.index import FunctionInfo, ModuleIndex
from audits.facts.settings import Settings
from audits.location import Location

if TYPE_CHECKING:
    from audits.facts.code.modules import ParsedModule

PACKED = ("flash_attn_varlen", "cu_seqlens_q", "cu_seqlens_k", "create_block_mask")
"""External names that say: attention is told where documents begin."""
_SHIFT = re.compile(r":\s*-1\s*[\],]")
_MIXING = (ast.BitXor, ast.Mod)
_MASKING = ("masked_fill", "masked_fill_", "where")
"""Calls that put something else where a mask holds: the mask itself may be a parameter (#1354)."""


@dataclass(frozen=True, slots=True)
class PreviousMix:
    """One place where a hidden state is mixed with that of the position before."""

    location: Location
    masked: bool
    """A comparison of tokens or a mask takes part, so the start of a document can be left out."""
    reached: bool | None


@dataclass(frozen=True, slots=True)
class BoundaryFacts:
    """Whether documents are packed, and what reaches across their boundaries."""

    packed: Location | None = None
    mixes: tuple[PreviousMix, ...] = ()


def read_boundaries(modules: tuple[ParsedModule, ...], settings: Settings | None = None) -> BoundaryFacts:
    """Read mixes with the previous position in scripts that pack documents."""
    packed: Location | None = None
    for module in modules:
        source = module.layer.source
        places = [place for place in (source.find(name) for name in PACKED) if place >= 0]
        if places:
            line = source.count("\n", 0, min(places)) + 1
            packed = packed or Location(module.layer.path, line, line, module.layer.index)
    if packed is None:
        return BoundaryFacts()
    indexes = [ModuleIndex(module) for module in modules]
    guards = Guards(indexes, settings or Settings())
    return BoundaryFacts(packed, tuple(mix for index in indexes for mix in _mixes(index, guards)))


def _mixes(index: ModuleIndex, guards: Guards) -> list[PreviousMix]:
    found: list[PreviousMix] = []
    for line in sorted(index.lines_with(_SHIFT)):
        scope = index.function_at(line)
        if scope is None:
            continue
        for node in index.statements_on(scope, [line]):
            mix = _mix(index, scope, node, guards)
            if mix is not None and mix not in found:
                found.append(mix)
    return found


def _mix(index: ModuleIndex, scope: FunctionInfo, node: ast.stmt, guards: Guards) -> PreviousMix | None:
    value = getattr(node, "value", None)
    if not isinstance(value, ast.expr) or any(
        isinstance(part, ast.BinOp) and isinstance(part.op, _MIXING) for part in ast.walk(value)
    ):
        return None
    product = _gated_sum(value)
    if product is None:
        product = _named_later(scope, node)
    if product is None:
        return None
    path, layer = index.origin
    where = Location(path, product.lineno, product.end_lineno or product.lineno, layer)
    return PreviousMix(where, _compares(scope, product), guards.reached(index, scope, product.lineno))


def _gated_sum(value: ast.expr) -> ast.expr | None:
    """Return the product with the previous position inside `x[:, 1:] + g * x[:, :-1]`."""
    for part in ast.walk(value):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
            for side, other in ((part.left, part.right), (part.right, part.left)):
                if isinstance(side, ast.BinOp) and isinstance(side.op, ast.Mult):
                    owners = {ast.dump(shift.value) for shift in _shifts(side, "previous")}
                    if owners & {ast.dump(shift.value) for shift in _shifts(other, "next")}:
                        return side
    return None


def _named_later(scope: FunctionInfo, node: ast.stmt) -> ast.expr | None:
    """Return the product with a name that holds the shifted states: `before = cat([zeros, x[:, :-1]])`."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return None
    called = node.value.func if isinstance(node.value, ast.Call) else None
    if not isinstance(called, ast.Attribute) or called.attr not in ("cat", "concat", "pad", "concatenate"):
        return None
    shifted = {part.value.id for part in _shifts(node.value, "previous") if isinstance(part.value, ast.Name)}
    name = node.targets[0].id
    for statement in scope.statements:
        value = getattr(statement, "value", None)
        if statement.lineno < node.lineno or not isinstance(value, ast.expr):
            continue
        for part in ast.walk(value):
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
                sides = [part.left, part.right]
                products = [s for s in sides if isinstance(s, ast.BinOp) and isinstance(s.op, ast.Mult)]
                for product in products:
                    if name in _names(product) and shifted & _names(part):
                        return product
    return None


def _shifts(node: ast.expr, which: str) -> list[ast.Subscript]:
    found = []
    for part in ast.walk(node):
        if (
            isinstance(part, ast.Subscript)
            and isinstance(part.slice, ast.Tuple)
            and len(part.slice.elts) >= 2
        ):
            second = part.slice.elts[1]
            if isinstance(second, ast.Slice) and _is_shift(second, which):
                found.append(part)
    return found


def _is_shift(part: ast.Slice, which: str) -> bool:
    bound = part.upper if which == "previous" else part.lower
    other = part.lower if which == "previous" else part.upper
    return (
        bound is not None and other is None and ast.unparse(bound) == ("-1" if which == "previous" else "1")
    )


def _compares(scope: FunctionInfo, product: ast.expr) -> bool:
    """Whether a comparison or a mask reaches the product through the names in it."""
    waiting: list[ast.expr] = [product]
    seen = {part.value.id for part in _shifts(product, "previous") if isinstance(part.value, ast.Name)}
    while waiting:
        node = waiting.pop()
        if any(isinstance(part, ast.Compare) or _masks(part) for part in ast.walk(node)):
            return True
        for name in _names(node) - seen:
            seen.add(name)
            for statement in scope.statements:
                if (
                    isinstance(statement, ast.Assign)
                    and any(
                        isinstance(target, ast.Name) and target.id == name for target in statement.targets
                    )
                    and statement.lineno <= product.lineno
                ):
                    waiting.append(statement.value)
        if len(seen) > 40:
            return False
    return False


def _masks(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MASKING


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
