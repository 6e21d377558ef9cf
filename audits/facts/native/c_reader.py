"""Read C, C++ and CUDA into the common shapes with tree-sitter; its parser is fast and never fails."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from audits.facts.native.ir import CASTS, Act, Expr, Function, Op, Stmt

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

NESTING = 60
"""Levels of blocks and expressions that are followed."""
_LOGIC = frozenset({"&&", "||", "==", "!=", "<", ">", "<=", ">=", "!"})


@cache
def _parser() -> Parser:
    import tree_sitter_cpp
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_cpp.language()))


def functions(source: str) -> list[Function]:
    """Return the functions of a source text with their bodies."""
    tree = _parser().parse(source.encode("utf-8", "replace"))
    found: list[Function] = []
    stack = [(tree.root_node, 0, False)]
    while stack:
        node, depth, in_class = stack.pop()
        if node.type == "function_definition":
            function = _function(node, in_class)
            if function is not None:
                found.append(function)
            continue
        if depth < NESTING:
            inside = in_class or node.type in ("class_specifier", "struct_specifier")
            stack.extend((child, depth + 1, inside) for child in reversed(node.named_children))
    return found


def _function(node: Node, in_class: bool) -> Function | None:
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type != "function_declarator":
        declarator = declarator.child_by_field_name("declarator")
    body = node.child_by_field_name("body")
    if declarator is None or body is None:
        return None
    named = declarator.child_by_field_name("declarator")
    listed = declarator.child_by_field_name("parameters")
    names = tuple(_declared(part) for part in listed.named_children) if listed is not None else ()
    return Function(
        _last_word(_text(named)),
        _line(node),
        tuple(name for name in names if name),
        _block(body, 0),
        in_class,
    )


def _declared(node: Node) -> str:
    """Return the name that a declaration or parameter introduces."""
    current: Node | None = node
    while current is not None and current.type not in ("identifier", "field_identifier"):
        inner = current.child_by_field_name("declarator")
        if inner is None:
            named = [
                child
                for child in current.named_children
                if "declarator" in child.type or child.type == "identifier"
            ]
            inner = named[-1] if named and current.type != "parameter_declaration" else None
        current = inner
    return _text(current) if current is not None else ""


# ---- statements -------------------------------------------------------------------------------------


def _block(node: Node | None, depth: int) -> list[Stmt]:
    if node is None or depth > NESTING:
        return []
    if node.type in ("compound_statement", "else_clause"):
        return [made for child in node.named_children for made in _statement(child, depth + 1)]
    return _statement(node, depth + 1)


def _statement(node: Node, depth: int) -> list[Stmt]:
    kind, line = node.type, _line(node)
    if depth > NESTING:
        return []
    if kind in ("compound_statement", "else_clause"):
        return _block(node, depth)
    if kind == "declaration":
        return _declaration(node, depth)
    if kind == "expression_statement" and node.named_children:
        return _expression_statement(node.named_children[0], depth)
    if kind == "if_statement":
        test = _expr(_condition(node), depth)
        body = _block(node.child_by_field_name("consequence"), depth)
        return [
            Stmt(
                Act.IF,
                line,
                value=test,
                body=body,
                other=_block(node.child_by_field_name("alternative"), depth),
            )
        ]
    if kind in ("for_statement", "while_statement", "do_statement", "for_range_loop"):
        return _loop(node, depth)
    if kind == "return_statement":
        value = _expr(node.named_children[0], depth) if node.named_children else None
        return [Stmt(Act.RETURN, line, value=value)]
    if kind in ("continue_statement", "break_statement"):
        return [Stmt(Act.LEAVE, line)]
    return []


def _condition(node: Node) -> Node | None:
    condition = node.child_by_field_name("condition")
    while condition is not None and condition.type in ("condition_clause", "parenthesized_expression"):
        condition = condition.named_children[-1] if condition.named_children else None
    return condition


def _declaration(node: Node, depth: int) -> list[Stmt]:
    made = []
    for part in node.children_by_field_name("declarator"):
        value = part.child_by_field_name("value") if part.type == "init_declarator" else None
        name = _declared(part)
        if name and value is not None:
            target = Expr(Op.NAME, _line(part), name)
            made.append(Stmt(Act.ASSIGN, _line(part), target, _expr(value, depth)))
    return made


def _expression_statement(node: Node, depth: int) -> list[Stmt]:
    if node.type == "comma_expression":
        return [made for child in node.named_children for made in _expression_statement(child, depth + 1)]
    if node.type == "assignment_expression":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        value = _expr(right, depth)
        operator = node.child_by_field_name("operator")
        if operator is not None and _text(operator) != "=":
            value = Expr(Op.MIX, _line(node), args=(_expr(left, depth), value))
        return [Stmt(Act.ASSIGN, _line(node), _expr(left, depth), value)]
    return [Stmt(Act.DO, _line(node), value=_expr(node, depth))]


def _loop(node: Node, depth: int) -> list[Stmt]:
    body = _block(node.child_by_field_name("body"), depth)
    variables: tuple[str, ...] = ()
    start = node.child_by_field_name("initializer")
    if node.type == "for_statement" and start is not None:
        if start.type == "declaration":
            variables = tuple(_declared(part) for part in start.children_by_field_name("declarator"))
        elif start.type == "assignment_expression":
            variables = (_text(start.child_by_field_name("left")),)
    elements = (_declared(node),) if node.type == "for_range_loop" else ()
    return [Stmt(Act.LOOP, _line(node), body=body, positions=variables, elements=elements)]


# ---- expressions ------------------------------------------------------------------------------------


def _expr(node: Node | None, depth: int) -> Expr:
    if node is None or depth > NESTING:
        return Expr(Op.CONST, 0)
    kind, line = node.type, _line(node)
    if kind in ("identifier", "this", "qualified_identifier", "field_identifier"):
        return Expr(Op.NAME, line, _text(node))
    if kind == "field_expression":
        return _field(node, depth)
    if kind == "subscript_expression":
        return _subscript(node, depth)
    if kind == "call_expression":
        return _call(node, depth)
    if kind == "cast_expression":
        return Expr(Op.CAST, line, args=(_expr(node.child_by_field_name("value"), depth + 1),))
    if kind == "conditional_expression":
        names = ("condition", "consequence", "alternative")
        return Expr(
            Op.CHOICE, line, args=tuple(_expr(node.child_by_field_name(name), depth + 1) for name in names)
        )
    if kind == "parenthesized_expression" and len(node.named_children) == 1:
        return _expr(node.named_children[0], depth + 1)
    if kind == "pointer_expression":
        return _expr(node.child_by_field_name("argument"), depth + 1)
    if kind in ("number_literal", "true", "false", "null", "nullptr", "char_literal", "string_literal"):
        return Expr(Op.CONST, line)
    logic = kind in ("binary_expression", "unary_expression") and _operator(node) in _LOGIC
    inner = tuple(_expr(child, depth + 1) for child in node.named_children)
    if kind == "unary_expression" and inner and all(part.op is Op.CONST for part in inner):
        return Expr(Op.CONST, line)
    return Expr(Op.LOGIC if logic else Op.MIX, line, args=inner)


def _operator(node: Node) -> str:
    operator = node.child_by_field_name("operator")
    return _text(operator) if operator is not None else ""


def _field(node: Node, depth: int) -> Expr:
    owner = _expr(node.child_by_field_name("argument"), depth + 1)
    field = _text(node.child_by_field_name("field"))
    if owner.op is Op.NAME:
        return Expr(Op.NAME, _line(node), f"{owner.name}.{field}")
    return owner  # a field of a table entry is that entry


def _subscript(node: Node, depth: int) -> Expr:
    owner = _expr(node.child_by_field_name("argument"), depth + 1)
    listed = node.child_by_field_name("indices")
    inside = listed.named_children if listed is not None else node.named_children[1:]
    place = _expr(inside[0], depth + 1) if inside else Expr(Op.CONST, 0)
    return Expr(Op.INDEX, _line(node), args=(owner, place))


def _call(node: Node, depth: int) -> Expr:
    callee = node.child_by_field_name("function")
    listed = node.child_by_field_name("arguments")
    inside = listed.named_children[:64] if listed is not None else []
    args = tuple(_expr(child, depth + 1) for child in inside)
    if callee is None:
        return Expr(Op.MIX, _line(node), args=args)
    if callee.type == "field_expression":
        owner = _expr(callee.child_by_field_name("argument"), depth + 1)
        return Expr(Op.CALL, _line(node), _text(callee.child_by_field_name("field")), (owner, *args))
    if callee.type == "template_function" and "cast" in _text(callee.child_by_field_name("name")):
        return Expr(Op.CAST, _line(node), args=args[:1])
    name = _last_word(_text(callee))
    if name in CASTS or callee.type == "primitive_type":
        return Expr(Op.CAST, _line(node), args=args[:1])
    return Expr(Op.CALL, _line(node), name, args)


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def _last_word(text: str) -> str:
    return text.rsplit("::", 1)[-1].strip("*& ")


def _line(node: Node) -> int:
    return int(node.start_point[0]) + 1
