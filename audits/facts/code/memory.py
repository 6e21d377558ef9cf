"""The abstract machine's memory: frames, heap, branches and loops.

Promises termination (a step budget and a depth cap), and that two branches that exclude each other never
see one another's writes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from audits.facts.code.events import ScoreSite, Trace, UpdateSite
from audits.facts.code.labels import Labels
from audits.facts.code.values import (
    Buffer,
    Container,
    External,
    Fixed,
    HeapObject,
    Module,
    Net,
    Optimiser,
    Part,
    Value,
    join,
    objects,
)
from audits.location import Location

NORMAL, RETURN, BREAK, CONTINUE, RAISE = range(5)
DEPTH_CAP = 40


class BudgetSpent(Exception):
    """The step budget is used up; what was recorded so far stands."""


class Frame:
    """One activation of a function or module."""

    __slots__ = (
        "env",
        "exits",
        "function",
        "global_names",
        "loop_exits",
        "module",
        "outer_names",
        "result",
        "scopes",
        "stored",
    )

    def __init__(
        self, module: Module, env: dict[str, Value], scopes: tuple[dict[str, Value], ...], function: str
    ) -> None:
        self.module = module
        self.env = env
        self.scopes = scopes
        self.function = function
        self.result: Value | None = None
        self.exits: list[dict[Any, Any]] = []
        self.loop_exits: list[tuple[list[dict[str, Value]], list[dict[Any, Any]]]] = []
        self.global_names: set[str] = set()
        self.outer_names: set[str] = set()
        self.stored: dict[str, int] = {}
        """Names written through an index while their value had no identity: callers see those writes."""


class Loop:
    """An open loop instance and the pass it is in."""

    __slots__ = ("is_while", "number", "once", "tag")

    def __init__(self, number: int, tag: int, is_while: bool, once: bool = False) -> None:
        self.number = number
        self.tag = tag
        self.is_while = is_while
        self.once = once


class Memory:
    """State of one reading of a submission."""

    def __init__(self, budget: int) -> None:
        self.labels = Labels()
        self.trace = Trace()
        self.heap: dict[Any, Any] = {}
        self.journal: list[tuple[Any, Any]] | None = None
        self.loops: list[Loop] = []
        self.budget = budget
        self.depth = 0
        self.version = 0
        self.first_pass_decisions = 0
        self.order = 0
        self.branch_depth = 0
        self.active: list[Any] = []
        self.call_nodes: list[int] = []
        """Where the active functions were called, innermost last: a score is told apart by its call."""
        self.running_nets: list[Any] = []
        self.written_back: dict[int, int] = {}
        self.log_sums: dict[int, bool] = {}
        self.counters: dict[int, list[str]] = {}
        """Names that each loop moves on by itself."""
        self.strides: dict[str, tuple[int, int]] = {}
        """Names of positions that a loop moves on, with the loop and the known step."""
        self.overlapped: set[int] = set()
        """Loops whose windows reach into the next pass."""
        self.split_at: set[tuple[str, str, str]] = set()
        """Where a single file of data is cut, as function, data and boundary are written."""
        self.branches_made: dict[int, Any] = {}
        """Branches that stand for a statement which chooses its receiver."""
        self.update_sites: dict[Any, UpdateSite] = {}
        self.score_sites: dict[Any, ScoreSite] = {}
        self.reported_scores = 0
        self.reported = 0
        """All labels of what was reported so far."""
        self.under = 0
        """Open switches that decided the way here (their `knob` labels)."""
        self.choosing = 0
        """Depth of branches that a comparison of scores decides."""
        self.mixed_in: dict[int, UpdateSite] = {}
        """Updates whose tables were mixed into a score after its loss was taken."""
        self.files: dict[Any, int] = {}
        self.memo: dict[Any, tuple[int, Value]] = {}
        self.effects = 0
        """Counts what makes a call unfit to be remembered: heap writes and uses of the current loop pass."""
        self.keep: list[Any] = []
        self.acting: dict[str, set[str]] = {}
        """Names of functions by module that matter even when they are given nothing of interest."""
        self.scoring: dict[str, set[str]] = {}
        """Names of functions by module that can score or change state."""
        self.learning: set[str] = set()
        """Names of functions that can learn, for judging what a branch not taken would have done."""
        self.could_learn_elsewhere = False
        """A branch that was decided against contains something that can learn."""
        self.judged_blocks: set[int] = set()
        self.saved_again = False
        """Weights were written after others that had been read back were replaced by them."""
        self.closed_over: list[dict[str, Value]] = []
        """Names of functions that others were made in, these others among them."""
        self.builtins = External("builtins")
        self.literals: dict[str, Value] = {}
        """Texts that were met in the source, as values."""
        self.presuming = False
        """The last reading of a script whose score no other reading met: see `presumption`."""

    # ---- heap ---------------------------------------------------------------------------------------------

    def put(self, key: Any, value: Any) -> None:
        """Write the heap so that the enclosing branch can undo it."""
        if self.journal is not None:
            self.journal.append((key, self.heap.get(key)))
        self.heap[key] = value
        self.effects += 1

    def content(self, obj: HeapObject) -> int:
        """Return the labels stored behind a heap object."""
        stored: int = self.heap.get((id(obj), ""), 0)
        return stored

    def add_content(self, obj: HeapObject, mask: int) -> None:
        """Store further labels behind a heap object."""
        key = (id(obj), "")
        old = self.heap.get(key, 0)
        if old | mask != old:
            self.put(key, old | mask)

    def track(self, obj: Any) -> Any:
        """Keep an object alive so that its identity stays its own; note the loop depth it was made at."""
        self.keep.append(obj)
        obj.depth = len(self.loops)
        return obj

    def mask(self, value: Value, depth: int = 0) -> int:
        """Return all labels of a value, heap content and trainable identity included."""
        out = value.labels
        if value.obj is None:
            return out
        for item in objects(value):
            kind = type(item)
            if kind is Net:
                out |= self.content(item) | self.labels.param(item)
            elif kind is Part:
                out |= self.content(item.net) | self.labels.param(item.net)
            elif kind is Buffer:
                out |= self.content(item)
                if item.trainable:
                    out |= self.labels.param(item)
            elif kind is Container:
                out |= self.content(item)
                element = self.heap.get((id(item), "element"))
                if element is not None and depth < 4:
                    out |= self.mask(element, depth + 1)
            elif kind is Fixed:
                if depth < 4:
                    for element in item.items:
                        out |= self.mask(element, depth + 1)
            elif kind is Optimiser:
                out |= item.params
            elif isinstance(item, HeapObject):
                out |= self.content(item)
        return out

    def indexed(self, obj: Any, tags: int, depth: int = 0) -> Any:
        """Return a tuple whose elements are known to be picked by an index that depends on `tags`."""
        if not tags or type(obj) is not Fixed or depth > 3:
            return obj
        return Fixed(
            [
                Value(
                    self.labels.narrow(item.labels, tags), self.indexed(item.obj, tags, depth + 1), item.const
                )
                for item in obj.items
            ]
        )

    def moving(self) -> int:
        """Return the tags of the open `while` loops: what is read there differs from pass to pass."""
        out = 0
        for loop in self.loops:
            if loop.is_while:
                out |= loop.tag
        self.effects += 1
        return out

    # ---- places -------------------------------------------------------------------------------------------

    def location(self, frame: Frame, node: ast.AST) -> Location:
        """Return where a node lies."""
        layer = frame.module.layer
        line = getattr(node, "lineno", 1)
        return Location(layer.path, line, getattr(node, "end_lineno", None) or line, layer.index)

    def step(self) -> None:
        """Spend one unit of the budget."""
        self.budget -= 1
        if self.budget < 0:
            raise BudgetSpent

    # ---- branches -----------------------------------------------------------------------------------------

    def branch(self, frame: Frame, alternatives: list[Callable[[], int]]) -> int:
        """Run alternatives from the same state and join what they leave behind."""
        before = frame.env
        outer = self.journal
        envs: list[dict[str, Value]] = []
        writes: list[dict[Any, Any]] = []
        flows: list[int] = []
        self.branch_depth += 1
        try:
            for run in alternatives:
                frame.env = before.copy()
                self.journal = []
                flow = NORMAL
                try:
                    flow = run()
                finally:
                    written: dict[Any, Any] = {}
                    for key, _ in self.journal:
                        written[key] = self.heap.get(key)
                    for key, old in reversed(self.journal):
                        if old is None:
                            self.heap.pop(key, None)
                        else:
                            self.heap[key] = old
                    self.journal = outer
                flows.append(flow)
                if flow == NORMAL:
                    envs.append(frame.env)
                    writes.append(written)
                elif flow == RETURN and frame.exits is not None:
                    frame.exits.append(written)
                elif flow in (BREAK, CONTINUE) and frame.loop_exits:
                    frame.loop_exits[-1][0].append(frame.env)
                    frame.loop_exits[-1][1].append(written)
        finally:
            self.branch_depth -= 1
        if not envs:
            frame.env = before
            return min(flows) if flows else NORMAL
        self.merge_writes(writes, len(envs))
        self.replace_env(frame, before, join_envs(envs))
        return NORMAL

    def replace_env(self, frame: Frame, original: dict[str, Value], joined: dict[str, Value]) -> None:
        """Give a frame its joined names, keeping the dictionary that closures hold."""
        original.clear()
        original.update(joined)
        frame.env = original

    def merge_writes(self, writes: list[dict[Any, Any]], alternatives: int) -> None:
        """Join heap writes of branches; a branch that did not write keeps the old content."""
        keys: dict[Any, None] = {}
        for written in writes:
            keys.update(dict.fromkeys(written))
        for key in keys:
            values = [written[key] for written in writes if written.get(key) is not None]
            if len(values) < alternatives:
                old = self.heap.get(key)
                if old is not None:
                    values.append(old)
            if values:
                self.put(key, join_heap(values))

    def run_loop(
        self,
        frame: Frame,
        bind: Callable[[float, int], None],
        body: list[ast.stmt],
        is_while: bool,
        execute: Callable[[Any, Frame, list[ast.stmt]], int],
        once: bool = False,
    ) -> int:
        """Run a loop body once, and a second time when the first pass may have changed what it reads."""
        number = self.labels.new_loop()
        flow = NORMAL
        frame.loop_exits.append(([], []))
        for step in (1, 2):
            loop = Loop(number, self.labels.tag(number, step), is_while, once)
            self.loops.append(loop)
            version, decisions = self.version, self.first_pass_decisions
            innocent = self.innocent_names(frame) if step == 1 else []
            begun = {name: frame.env[name].const for name in innocent}
            try:
                bind(step, loop.tag)
                flow = execute(self, frame, body)
                envs, writes = frame.loop_exits[-1]
                if writes:
                    self.merge_writes(writes, len(writes) + 1)
                if envs:
                    everything = envs if flow in (RETURN, RAISE) else [frame.env, *envs]
                    self.replace_env(frame, frame.env, join_envs(everything))
                if envs and flow != NORMAL:
                    flow = NORMAL
                frame.loop_exits[-1] = ([], [])
            finally:
                self.loops.pop()
            if once or flow in (RETURN, RAISE, BREAK):
                break
            if (
                self.version == version
                and self.first_pass_decisions == decisions
                and not self.tainted(frame, innocent)
                and not handed_out(frame, begun)
            ):
                break
        frame.loop_exits.pop()
        return flow if flow in (RETURN, RAISE) and not is_conditional(body) else NORMAL

    def innocent_names(self, frame: Frame) -> list[str]:
        """Return the names whose plain values have nothing to do with validation tokens yet."""
        data = self.labels.vals | self.labels.states
        return [name for name, value in frame.env.items() if value.obj is None and not value.labels & data]

    def tainted(self, frame: Frame, names: list[str]) -> bool:
        """Return whether a pass let one of these depend on tokens: the start of the body must see that."""
        labels = self.labels
        for name in names:
            mask = frame.env[name].labels if name in frame.env else 0
            if mask & (labels.vals | labels.states) and not mask & labels.scores:
                return True
        return False


def handed_out(frame: Frame, begun: dict[str, object]) -> bool:
    """Return whether a generator's loop moved a constant it began with: what it yields is of every pass."""
    known = ((const, frame.env.get(name)) for name, const in begun.items() if type(const) is int)
    moved = (value is not None and value.const is not const for const, value in known)
    return " yielded" in frame.env and any(moved)


def join_envs(envs: list[dict[str, Value]]) -> dict[str, Value]:
    """Join name tables; a name that only some branches bind keeps that binding."""
    first = envs[0]
    if len(envs) == 1:
        return dict(first)
    out = dict(first)
    for env in envs[1:]:
        for name, value in env.items():
            known = out.get(name)
            if known is None:
                out[name] = value
            elif known is not value:
                out[name] = join(known, value)
    return out


def join_heap(values: list[Any]) -> Any:
    """Join heap entries, which are masks or values."""
    out = values[0]
    for value in values[1:]:
        out = join(out, value) if isinstance(out, Value) else out | value
    return out


def is_conditional(body: list[ast.stmt]) -> bool:
    """Return True when a loop body does not end in an unconditional return."""
    return not body or not isinstance(body[-1], ast.Return | ast.Raise)
