"""Rewrite f-strings of Python 3.12 so that an older `ast` can read them. Lines stay where they were.

`f"{d["x"]}"` becomes `"{}".format(d["x"])`. Only f-strings that the running Python rejects are touched.
libcst reads them, because it knows the newer grammar whatever Python it runs on.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING

from audits.unpack.fstrings import Literal, literal_groups
from audits.unpack.memory import parse_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import libcst as cst

MAX_BYTES = 8 * 1024 * 1024
MAX_LITERAL_COST = 1_000_000
MAX_TOTAL_COST = 10_000_000
STACK_BYTES = 256 * 1024 * 1024
"""The native parser recurses on nested code; a roomy stack keeps hostile nesting from ending the process."""
_WAITS_SECONDS = (0.01, 0.05, 0.2)


def downgrade(source: str) -> str | None:
    """Return an equivalent source for the running Python with the same lines, or None when there is none."""
    if len(source) > MAX_BYTES or "\0" in source:
        return None
    wanted = [group for group in literal_groups(source) if _needs_rewriting(source, group)]
    costs = [_cost(source[part.start : part.end]) for group in wanted for part in group if part.formatted]
    if not wanted or max(costs) > MAX_LITERAL_COST or sum(costs) > MAX_TOTAL_COST:
        return None
    rewritten = _in_roomy_thread(source, wanted)
    if rewritten is None or rewritten.count("\n") != source.count("\n") or not _parses(rewritten):
        return None
    return rewritten


def _needs_rewriting(source: str, group: list[Literal]) -> bool:
    return any(part.formatted and not _parses(source[part.start : part.end]) for part in group)


def _in_roomy_thread(source: str, groups: list[list[Literal]]) -> str | None:
    result: list[str | None] = [None]
    short: list[MemoryError] = []

    def work() -> None:
        try:
            result[0] = _spliced(source, groups)
        except MemoryError as error:
            short.append(error)

    _started(work).join()
    if short:
        raise short[0]
    return result[0]


def _started(work: Callable[[], None]) -> threading.Thread:
    """Start a thread with a roomy stack; `MemoryError` where there is no room for one.

    An earlier thread's stack is used again, so one is enough; but that thread may still be leaving.
    """
    previous = threading.stack_size(STACK_BYTES)
    try:
        for wait_seconds in _WAITS_SECONDS:
            worker = threading.Thread(target=work, name="newer-syntax")
            with suppress(RuntimeError):
                worker.start()
                return worker
            sleep(wait_seconds)
    finally:
        threading.stack_size(previous)
    raise MemoryError


def _spliced(source: str, groups: list[list[Literal]]) -> str | None:
    """Return the source with each group replaced, or None when one of them cannot be."""
    pieces: list[str] = []
    position = 0
    for group in groups:
        pieces.append(source[position : group[0].start])
        replaced = _group_text(source, group)
        if replaced is None:
            return None
        pieces.append(replaced)
        position = group[-1].end
    return "".join([*pieces, source[position:]])


def _group_text(source: str, group: list[Literal]) -> str | None:
    """Rewrite literals that Python would join; joined ones become a sum, as a call cannot be juxtaposed."""
    pieces: list[str] = []
    for index, part in enumerate(group):
        text = source[part.start : part.end]
        new = _rewritten(text) if part.formatted else text
        if new is None:
            return None
        if index:
            pieces.append(" +" + source[group[index - 1].end : part.start])
        pieces.append(new)
    return "(" + "".join(pieces) + ")" if len(group) > 1 else pieces[0]


def _rewritten(text: str) -> str | None:
    import libcst as cst

    module = cst.Module([])
    try:
        expression = cst.parse_expression(text)
        return module.code_for_node(expression.visit(_rewriter(module)))  # type: ignore[arg-type]
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError, ValueError, TypeError):
        return None


def _cost(text: str) -> int:
    """Return what parsing may cost: the native parser is quadratic in chained operators and brackets."""
    marks = sum(not (char.isalnum() or char == "_") for char in text)
    return marks * marks


def _parses(source: str) -> bool:
    try:
        parse_text(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _rewriter(module: cst.Module) -> cst.CSTTransformer:
    import libcst as cst

    class Rewriter(cst.CSTTransformer):
        """Turns rejected f-strings into calls of `str.format`."""

        def leave_FormattedString(
            self, original_node: cst.FormattedString, updated_node: cst.FormattedString
        ) -> cst.BaseExpression:
            if _parses(module.code_for_node(updated_node)):
                return updated_node
            made = _as_call(updated_node)
            before, after = module.code_for_node(original_node), module.code_for_node(made)
            return _padded(made, before.count("\n") - after.count("\n"))

        def leave_ConcatenatedString(
            self, original_node: cst.ConcatenatedString, updated_node: cst.ConcatenatedString
        ) -> cst.BaseExpression:
            sides = (updated_node.left, updated_node.right)
            literals = (cst.SimpleString, cst.FormattedString, cst.ConcatenatedString)
            if all(isinstance(side, literals) for side in sides):
                return updated_node
            # Juxtaposed literals cannot stand beside a call, so they are added.
            return cst.BinaryOperation(
                left=updated_node.left,
                operator=cst.Add(
                    whitespace_before=updated_node.whitespace_between, whitespace_after=_no_space()
                ),
                right=updated_node.right,
                lpar=[*updated_node.lpar, cst.LeftParen()],
                rpar=[cst.RightParen(), *updated_node.rpar],
            )

    return Rewriter()


def _no_space() -> cst.SimpleWhitespace:
    import libcst as cst

    return cst.SimpleWhitespace("")


def _as_call(node: cst.FormattedString) -> cst.Call:
    import libcst as cst

    args: list[cst.Arg] = []
    template = "".join(_field(part, args) for part in node.parts)
    prefix = node.prefix.lower().replace("f", "")
    literal = cst.SimpleString(f"{prefix}{node.quote}{template}{node.quote}")
    return cst.Call(
        func=cst.Attribute(literal, cst.Name("format")), args=args, lpar=node.lpar, rpar=node.rpar
    )


def _field(part: cst.BaseFormattedStringContent, args: list[cst.Arg]) -> str:
    """Return the template text of one part and add its expression to the arguments."""
    import libcst as cst

    if isinstance(part, cst.FormattedStringText):
        return part.value
    if not isinstance(part, cst.FormattedStringExpression):
        raise ValueError("an unknown part of an f-string")
    expression = part.expression
    bare = isinstance(expression, cst.Name | cst.Attribute | cst.Call | cst.Subscript) or expression.lpar
    if not bare:
        expression = expression.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    args.append(cst.Arg(expression))
    conversion = f"!{part.conversion}" if part.conversion else ""
    spec = "".join(_field(inner, args) for inner in part.format_spec or ())
    label = ""
    if part.equal is not None:
        label = f"{cst.Module([]).code_for_node(part.expression)}=".replace("{", "{{").replace("}", "}}")
        label = "" if any(mark in label for mark in "\"'\\\n") else label
        conversion = conversion or ("" if spec else "!r")
    return f"{label}{{{conversion}{':' + spec if part.format_spec is not None else ''}}}"


def _padded(call: cst.Call, lines: int) -> cst.Call:
    """Return the call with as many line breaks inside its brackets as the f-string lost."""
    import libcst as cst

    if lines <= 0:
        return call
    padding = cst.ParenthesizedWhitespace(
        first_line=cst.TrailingWhitespace(), empty_lines=[cst.EmptyLine(indent=False)] * (lines - 1)
    )
    return call.with_changes(whitespace_before_args=padding)
