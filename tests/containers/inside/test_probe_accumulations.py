"""Rewritten sums, additions and look-ups give what they gave, on the lines where they stood."""

from __future__ import annotations

import ast
from typing import Any

from containers.inside.source import accumulations

SOURCE = """
from __future__ import annotations
import numpy as np
def total(rows: list[int], table: dict[str, int]) -> dict[str, int]:
    made = 0.0
    for index in range(3):
        made += rows[index]
    made = made + rows[0]
    made = rows[1] + made
    names: list[str] = []
    names += ["a"]
    return {"made": made + np.sum(rows), "mean": np.asarray(rows).mean(), "x": f"{table['x']}"}
class Base:
    def sum(self): return 1
class Derived(Base):
    def sum(self): return super().sum() + 1
result = total([1.5, 2.5, 3.0], {"x": 4}), Derived().sum()
"""


def run(tree: ast.Module, seen: list[tuple[str, Any]]) -> Any:
    def reduction(owner: Any, name: str) -> Any:
        seen.append((name, owner))
        return getattr(owner, name)

    def adding(value: Any, name: str) -> Any:
        seen.append((name, value))
        return value

    names: dict[str, Any] = {
        accumulations.SUM: reduction,
        accumulations.ADD: adding,
        accumulations.READ: lambda owner, index: owner[index],
    }
    exec(compile(tree, "script.py", "exec"), names)
    return names["result"]


def test_values_stay() -> None:
    seen: list[tuple[str, Any]] = []
    result, derived = run(accumulations.instrument(ast.parse(SOURCE)), seen)
    assert result == {"made": 7.0 + 1.5 + 2.5 + 7.0, "mean": 7.0 / 3, "x": "4"}
    assert derived == 2
    assert [value for name, value in seen if name == "made"] == [1.5, 2.5, 3.0, 1.5, 2.5]


def test_no_line_moves_and_no_annotation_changes() -> None:
    before, after = ast.parse(SOURCE), accumulations.instrument(ast.parse(SOURCE))
    assert [node.lineno for node in ast.walk(before) if isinstance(node, ast.stmt)] == [
        node.lineno for node in ast.walk(after) if isinstance(node, ast.stmt)
    ]
    function = next(node for node in after.body if isinstance(node, ast.FunctionDef))
    assert ast.unparse(function.args) == "rows: list[int], table: dict[str, int]"
    assert ast.unparse(function.returns or ast.Constant(0)) == "dict[str, int]"


def test_what_is_added_in_place_is_named() -> None:
    tree = accumulations.instrument(ast.parse("total.add_(loss)\na[k] += x\n"))
    assert ast.unparse(tree) == (
        f"total.add_({accumulations.ADD}(loss, 'total'))\na[k] += {accumulations.ADD}(x, 'a[k]')"
    )
