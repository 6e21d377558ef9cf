"""Tell a prediction that is always made from one that is made only for certain realised tokens.

A position loop is followed once, in order. What is read at the loop's own position is the realised token;
what a small table says about it is its class; a prediction comes from a lookup that does not contain the
token. A prediction stored at the position under a condition on the class tells the class: it is gated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag

from audits.facts.native.ir import CASTS, Act, Expr, Function, Op, Stmt, parts, walk

DEPTH = 4
STEPS = 20_000


class Mark(IntFlag):
    """What a value depends on."""

    NONE = 0
    POSITION = 1
    TOKEN = 2
    CLASS = 4
    """A table's entry for the token."""
    IMPLIED = 8
    """Set or not depending on the class."""
    LOOKUP = 16
    """From a table under some other key."""
    KEYED = 32
    """Computed from the token itself: a key or a count for it."""
    GATED = 64


DATA = Mark.TOKEN | Mark.CLASS | Mark.KEYED
CONTROL = Mark.CLASS | Mark.IMPLIED
_PUSHES = ("push_back", "emplace_back")


@dataclass(slots=True)
class Stored:
    """One value stored at the loop's position."""

    line: int
    output: str
    gated: bool
    guard: int
    before_update: bool = False


@dataclass(slots=True)
class LoopReading:
    """What following one position loop gave."""

    function: Function
    stored: list[Stored] = field(default_factory=list)
    class_lines: list[int] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)
    """Running numbers of statements that write the token into some state."""
    listed: dict[str, int] = field(default_factory=dict)
    """Lists that the loop's position (``) and values looked up elsewhere are pushed onto, with the line."""

    @property
    def sparse(self) -> int:
        """Return the line that lists a prediction beside its position, 0 where none does (#1518)."""
        lines = [line for name, line in self.listed.items() if name]
        return lines[0] if "" in self.listed and lines and self.class_lines else 0

    @property
    def predictions(self) -> list[Stored]:
        """Stores that come before the token itself is learned: those are predictions of it."""
        return [entry for entry in self.stored if entry.before_update]


class GateReader:
    """Follows the position loops of a set of functions that may call one another."""

    def __init__(self, functions: list[Function]) -> None:
        self.by_name: dict[str, Function] = {}
        for function in functions:
            self.by_name.setdefault(function.name, function)

    def read(self, function: Function) -> list[LoopReading]:
        """Follow every position loop of one function."""
        found = []
        for node in walk(function.body):
            if node.act is Act.LOOP and node.positions:
                run = _Run(self.by_name, LoopReading(function), node)
                run.follow()
                if run.reading.stored or run.reading.sparse:
                    found.append(run.reading)
        return found


class _Run:
    def __init__(self, by_name: dict[str, Function], reading: LoopReading, loop: Stmt) -> None:
        self.by_name = by_name
        self.reading = reading
        self.loop = loop
        self.env: dict[str, Mark] = dict.fromkeys(loop.positions, Mark.POSITION)
        self.env.update(dict.fromkeys(loop.elements, Mark.TOKEN))
        self.order = 0
        self.aliases: dict[str, str] = {}
        """Arrays under the names that a helper knows them by."""
        self.returned: list[Mark] = []
        """Marks of the elements of the tuple that was returned last."""
        self.guard = 0
        self.steps = 0

    def follow(self) -> None:
        """Follow one iteration and keep what precedes the first update with the token."""
        self._block(self.loop.body, Mark.NONE, self.env, 0)
        orders = self.reading.updates
        for entry, order in zip(self.reading.stored, self._orders, strict=True):
            entry.before_update = any(other > order for other in orders) and not any(
                other < order for other in orders
            )

    _orders: list[int]

    # ---- statements ---------------------------------------------------------------------------------

    def _block(
        self, body: list[Stmt], control: Mark, env: dict[str, Mark], depth: int, nested: bool = False
    ) -> Mark:
        """Follow statements; returns the marks of returned values."""
        if not hasattr(self, "_orders"):
            self._orders = []
        returned = Mark.NONE
        for node in body:
            self.steps += 1
            if self.steps > STEPS:
                return returned
            self.order += 1
            if node.act is Act.ASSIGN and node.target is not None and node.value is not None:
                self._assign(node, control, env, depth, nested)
            elif node.act is Act.DO and node.value is not None:
                self._do(node, control, env, depth)
            elif node.act is Act.RETURN:
                parts_of = node.value.args if node.value is not None and node.value.op is Op.TUPLE else ()
                self.returned = [
                    self._marks(part, env, control, depth) | _implied(control) for part in parts_of
                ]
                returned |= self._marks(node.value, env, control, depth) | _implied(control)
            elif node.act is Act.LOOP:
                self._marks(node.value, env, control, depth)
                returned |= self._block(node.body, control, env, depth, True)
            elif node.act is Act.IF:
                returned |= self._if(node, control, env, depth)
                if _leaves(node.body) or _leaves(node.other):
                    control |= _implied(self._marks(node.value, env, control, depth))
        return returned

    def _if(self, node: Stmt, control: Mark, env: dict[str, Mark], depth: int) -> Mark:
        test = self._marks(node.value, env, control, depth)
        if test & Mark.CLASS and not self.guard:
            self.guard = node.line
        inner = control | _implied(test)
        return self._block(node.body, inner, env, depth, True) | self._block(
            node.other, inner, env, depth, True
        )

    def _assign(self, node: Stmt, control: Mark, env: dict[str, Mark], depth: int, nested: bool) -> None:
        target, value = node.target, node.value
        assert target is not None
        assert value is not None
        marks = self._marks(value, env, control, depth)
        if target.op is Op.INDEX:
            self._store(target, value, marks, control, env, depth)
            return
        self._unpack(target, value, marks, control, env, nested)

    def _unpack(
        self, target: Expr, value: Expr, marks: Mark, control: Mark, env: dict[str, Mark], nested: bool
    ) -> None:
        each = self.returned if value.op is Op.CALL and value.name in self.by_name else []
        if target.op is Op.TUPLE and len(each) == len(target.args):
            for part, own in zip(target.args, list(each), strict=True):
                if part.op is Op.NAME:
                    self._bind(part.name, value, own, control, env, nested)
            return
        for name in _names(target):
            self._bind(name, value, marks, control, env, nested)

    def _bind(
        self, name: str, value: Expr, marks: Mark, control: Mark, env: dict[str, Mark], nested: bool
    ) -> None:
        if self._is_position(name, value, env):
            marks = Mark.POSITION
        if control:
            marks |= Mark.IMPLIED
            if marks & Mark.LOOKUP and not marks & DATA:
                marks |= Mark.GATED
        if "." in name and marks & (Mark.TOKEN | Mark.KEYED):
            self.reading.updates.append(self.order)
        env[name] = env.get(name, Mark.NONE) | marks if nested or control else marks

    def _store(
        self, target: Expr, value: Expr, marks: Mark, control: Mark, env: dict[str, Mark], depth: int
    ) -> None:
        owner, place = target.args
        where = self._marks(place, env, control, depth)
        name = _root(owner)
        if _direct(place) and where & Mark.POSITION:
            self._output(self.aliases.get(name, name), value, marks, control, target.line)
            return
        if (marks | where) & (Mark.TOKEN | Mark.KEYED):
            self.reading.updates.append(self.order)
        env[name] = env.get(name, Mark.NONE) | marks | _implied(control)

    def _output(self, name: str, value: Expr, marks: Mark, control: Mark, line: int) -> None:
        if value.op is Op.CONST or not marks & Mark.LOOKUP or marks & DATA:
            return
        gated = bool(control & CONTROL or marks & Mark.GATED)
        self.reading.stored.append(Stored(line, name, gated, self.guard or line))
        self._orders.append(self.order)

    def _do(self, node: Stmt, control: Mark, env: dict[str, Mark], depth: int) -> None:
        value = node.value
        assert value is not None
        if (
            value.op is Op.CALL
            and value.name == "append"
            and len(value.args) == 2
            and value.args[0].op is Op.NAME
        ):
            marks = self._marks(value.args[1], env, control, depth)
            name = value.args[0].name
            if "." not in name and marks & Mark.LOOKUP:
                self._output(name, value.args[1], marks, control, node.line)
                return
        if value.op is Op.CALL and value.name in _PUSHES and len(value.args) == 2:
            self._push(value.args[0], value.args[1], node.line, env, control, depth)
        marks = self._marks(value, env, control, depth)
        if marks & (Mark.TOKEN | Mark.KEYED):
            self.reading.updates.append(self.order)

    def _push(
        self, owner: Expr, value: Expr, line: int, env: dict[str, Mark], control: Mark, depth: int
    ) -> None:
        """Note what is listed for positions one by one, instead of being stored at them."""
        marks = self._marks(value, env, control, depth)
        if _direct(value) and marks & Mark.POSITION:
            self.reading.listed[""] = line
        elif marks & Mark.LOOKUP and not marks & DATA:
            self.reading.listed.setdefault(_root(owner), line)

    # ---- expressions --------------------------------------------------------------------------------

    def _marks(self, node: Expr | None, env: dict[str, Mark], control: Mark, depth: int) -> Mark:
        if node is None or node.op is Op.CONST:
            return Mark.NONE
        self.steps += 1
        if self.steps > STEPS:
            return Mark.NONE
        if node.op is Op.NAME:
            return env.get(node.name, Mark.NONE)
        if node.op is Op.INDEX:
            return self._index(node, env, control, depth)
        if node.op is Op.CALL:
            return self._call(node, env, control, depth)
        found = Mark.NONE
        for part in node.args:
            found |= self._marks(part, env, control, depth)
        if node.op is Op.CHOICE:
            return self._choice(node, found, env, control, depth)
        if node.op is Op.MIX and found & Mark.TOKEN:
            found = (found & ~Mark.TOKEN) | Mark.KEYED
        if node.op is Op.LOGIC:
            found &= ~(Mark.TOKEN | Mark.POSITION)
        return found & ~Mark.POSITION if node.op is not Op.CAST else found

    def _index(self, node: Expr, env: dict[str, Mark], control: Mark, depth: int) -> Mark:
        owner, place = node.args
        where = self._marks(place, env, control, depth)
        carried = env.get(_root(owner), Mark.NONE) & (Mark.GATED | Mark.IMPLIED | Mark.LOOKUP)
        if _direct(place):
            if where & Mark.POSITION:
                return Mark.TOKEN | carried
            if where & Mark.TOKEN:
                self.reading.class_lines.append(node.line)
                if not self.guard:
                    self.guard = node.line
                return Mark.CLASS
        mixed = Mark.KEYED if where & (Mark.TOKEN | Mark.KEYED) else Mark.NONE
        return Mark.LOOKUP | carried | mixed | (where & (Mark.GATED | Mark.IMPLIED))

    def _choice(self, node: Expr, found: Mark, env: dict[str, Mark], control: Mark, depth: int) -> Mark:
        test = self._marks(node.args[0], env, control, depth)
        rest = Mark.NONE
        for part in node.args[1:]:
            rest |= self._marks(part, env, control, depth)
        if test & CONTROL and rest & Mark.LOOKUP and not rest & DATA:
            return rest | Mark.GATED | Mark.IMPLIED
        return rest | _implied(test)

    def _call(self, node: Expr, env: dict[str, Mark], control: Mark, depth: int) -> Mark:
        if node.name in CASTS and node.args:
            return self._marks(
                node.args[-1] if len(node.args) == 1 else node.args[0], env, control, depth
            ) | (self._marks(node.args[1], env, control, depth) if len(node.args) > 1 else Mark.NONE)
        known = self.by_name.get(node.name)
        if known is not None and depth < DEPTH:
            return self._enter(known, node, env, control, depth)
        found = Mark.NONE
        for part in node.args:
            found |= self._marks(part, env, control, depth)
        if found & Mark.TOKEN:
            found = (found & ~Mark.TOKEN) | Mark.KEYED
        return (found & ~Mark.POSITION) | Mark.LOOKUP

    def _enter(self, known: Function, node: Expr, env: dict[str, Mark], control: Mark, depth: int) -> Mark:
        given = list(node.args)
        if len(given) == len(known.parameters) + 1:
            given = given[1:]  # the object of a method
        inner: dict[str, Mark] = {}
        for name, part in zip(known.parameters, given, strict=False):
            inner[name] = self._marks(part, env, control, depth)
        before = dict(inner)
        outside = self.aliases
        self.aliases = {
            name: outside.get(_root(part), _root(part))
            for name, part in zip(known.parameters, given, strict=False)
        }
        result = self._block(known.body, control, inner, depth + 1)
        self.aliases = outside
        for name, part in zip(known.parameters, given, strict=False):
            if inner.get(name) != before.get(name) and part.op is Op.NAME:  # written through a reference
                env[part.name] = env.get(part.name, Mark.NONE) | inner[name]
        learned = Mark.NONE
        if any(mark & (Mark.TOKEN | Mark.KEYED) for mark in before.values()):
            learned = Mark.KEYED if result & DATA or not result else Mark.NONE
        return result | learned

    def _is_position(self, name: str, value: Expr, env: dict[str, Mark]) -> bool:
        """`p = pos[i]` is a position when `tokens[p]` is itself used to look something up."""
        if value.op is not Op.INDEX or not _direct(value.args[1]):
            return False
        if not env.get(_name(value.args[1]), Mark.NONE) & Mark.POSITION:
            return False
        tokens = set()
        for node in walk(self.loop.body):
            if node.act is Act.ASSIGN and node.target is not None and node.target.op is Op.NAME:
                for part in parts(node.value):
                    if part.op is Op.INDEX and _direct(part.args[1]) and _name(part.args[1]) == name:
                        tokens.add(node.target.name)
        return any(
            part.op is Op.INDEX and _direct(part.args[1]) and _name(part.args[1]) in tokens
            for node in walk(self.loop.body)
            for part in [*parts(node.value), *parts(node.target)]
        )


def _implied(mark: Mark) -> Mark:
    return Mark.IMPLIED if mark & CONTROL else Mark.NONE


def _leaves(body: list[Stmt]) -> bool:
    return bool(body) and body[-1].act in (Act.LEAVE, Act.RETURN)


def _strip(node: Expr) -> Expr:
    while (node.op is Op.CAST or (node.op is Op.CALL and node.name in CASTS)) and node.args:
        node = node.args[-1] if node.op is Op.CAST else node.args[0]
    return node


def _direct(node: Expr) -> bool:
    return _strip(node).op in (Op.NAME, Op.INDEX)


def _name(node: Expr) -> str:
    inner = _strip(node)
    return inner.name if inner.op is Op.NAME else ""


def _root(node: Expr) -> str:
    while node.op in (Op.INDEX, Op.CAST) and node.args:
        node = node.args[0]
    return node.name


def _names(target: Expr) -> list[str]:
    return [part.name for part in parts(target) if part.op is Op.NAME]
