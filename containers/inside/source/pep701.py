"""Rewrite f-strings that only Python 3.12 reads, so that an older one does. Lines stay where they were.

`f"{d["x"]}"` becomes `"{}".format(d["x"])`. libcst reads them, whatever Python it runs on.
"""

from __future__ import annotations

import ast
import re
from typing import Any

import libcst as cst


def downgrade(source: str) -> str | None:
    """Return an equivalent source that this Python parses, or None where f-strings are not what is wrong."""
    try:
        module = cst.parse_module(source)
    except (cst.ParserSyntaxError, RecursionError):
        return None
    rewritten = module.visit(_Rewriter(module)).code
    return rewritten if parses(rewritten) else None


def parses(source: str) -> bool:
    """Return whether this Python parses the source."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


class _Rewriter(cst.CSTTransformer):
    """Replaces each f-string that does not parse by a call of `format`."""

    def __init__(self, module: cst.Module) -> None:
        self.module = module

    def _bad(self, node: cst.BaseExpression) -> bool:
        return not parses("(" + self.module.code_for_node(node) + ")")

    def leave_FormattedString(
        self, original_node: cst.FormattedString, updated_node: cst.FormattedString
    ) -> cst.BaseExpression:
        return _formatted(updated_node) if self._bad(original_node) else updated_node

    def visit_ConcatenatedString(self, node: cst.ConcatenatedString) -> bool:
        """Leave the parts to `leave_ConcatenatedString`: a call cannot stand beside a literal."""
        return False

    def leave_ConcatenatedString(
        self, original_node: cst.ConcatenatedString, updated_node: cst.ConcatenatedString
    ) -> cst.BaseExpression:
        """Join neighbours by a sum where one of them becomes a call."""
        if not self._bad(original_node):
            return updated_node
        left: Any = updated_node.left.visit(self)
        right: Any = updated_node.right.visit(self)
        between: Any = updated_node.whitespace_between
        return cst.BinaryOperation(
            left=left,
            operator=cst.Add(whitespace_before=cst.SimpleWhitespace(" "), whitespace_after=between),
            right=right,
            lpar=updated_node.lpar or [cst.LeftParen()],
            rpar=updated_node.rpar or [cst.RightParen()],
        )


def _formatted(node: cst.FormattedString) -> cst.BaseExpression:
    """Return `"template".format(...)` for an f-string; nested format specifications become nested fields."""
    template, values = _template(node.parts)
    prefix = node.start.rstrip("\"'")
    quote = node.start[len(prefix) :]
    raw = "r" if "r" in prefix.lower() else ""
    return cst.Call(
        func=cst.Attribute(value=cst.SimpleString(raw + quote + template + quote), attr=cst.Name("format")),
        args=[cst.Arg(value) for value in values],
        lpar=node.lpar,
        rpar=node.rpar,
    )


def _template(parts: Any) -> tuple[str, list[cst.BaseExpression]]:
    text, values = "", []
    for part in parts:
        if isinstance(part, cst.FormattedStringText):
            text += part.value
            continue
        if part.equal is not None:
            code = cst.Module([]).code_for_node(part.expression) + "="
            text += re.sub(r"([\\'\"])", r"\\\1", code.replace("{", "{{").replace("}", "}}"))
        field = "{"
        values.append(part.expression.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]))
        if part.conversion:
            field += "!" + part.conversion
        elif part.equal is not None and not part.format_spec:
            field += "!r"
        if part.format_spec:
            inner, more = _template(part.format_spec)
            field += ":" + inner
            values += more
        text += field + "}"
    return text, values
