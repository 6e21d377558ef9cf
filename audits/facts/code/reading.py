"""Runs the abstract machine over a folder's modules and returns what it recorded."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import lru_cache

from audits.facts.code.configuration import Configuration
from audits.facts.code.imports import run_module
from audits.facts.code.labels import Labels
from audits.facts.code.machine import Machine
from audits.facts.code.memory import BudgetSpent
from audits.facts.code.modules import ParsedModule
from audits.facts.code.presumption import call_idle
from audits.facts.code.relevance import CallNames
from audits.facts.code.values import Class, Module, Value, lines_of

STEP_BUDGET = 400_000
_SIMPLE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Import, ast.ImportFrom)
"""The most common statements without a block."""
_BLOCKS = ("body", "orelse", "finalbody", "handlers")


@dataclass(slots=True)
class Reading:
    """One run of the abstract machine."""

    machine: Machine

    @property
    def labels(self) -> Labels:
        """What the bits of this reading stand for."""
        return self.machine.labels


@dataclass(frozen=True, slots=True)
class ModuleNames:
    """Which functions of a module matter, and for what."""

    acting: set[str]
    scoring: set[str]
    learning: set[str]


@lru_cache(maxsize=1)
def name_modules(modules: tuple[ParsedModule, ...]) -> tuple[ModuleNames, ...]:
    """Return what matters in each module."""
    found = []
    for parsed in modules:
        calls = call_names(parsed)
        found.append(ModuleNames(calls.acting(), calls.scoring(), calls.learning()))
    return tuple(found)


def read_code(
    modules: tuple[ParsedModule, ...],
    configuration: Configuration,
    budget: int = STEP_BUDGET,
    names: tuple[ModuleNames, ...] | None = None,
    presuming: bool = False,
) -> Reading:
    """Execute the main module abstractly, with local modules at hand; `names` saves naming them again."""
    machine = Machine(budget)
    machine.presuming = presuming
    local: dict[str, Module] = {}
    every: list[Module] = []
    main: Module | None = None
    for parsed, known in zip(modules, names or name_modules(modules), strict=True):
        name = "__main__" if parsed.is_main else parsed.name or parsed.layer.path
        module = Module(parsed.layer, parsed.tree, name)
        every.append(module)
        if parsed.is_main:
            main = module
            # A helper may import the script that calls it (#1478).
            local.setdefault(parsed.layer.path.rsplit("/", 1)[-1].removesuffix(".py"), module)
        elif parsed.name:
            local[parsed.name] = module
        machine.acting[name] = known.acting
        machine.scoring[name] = known.scoring
        machine.learning |= known.learning
    machine.heap["modules"] = local
    machine.heap["configuration"] = configuration
    if main is None:
        return Reading(machine)
    main.env["__file__"] = Value(0, None, "train_gpt.py")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 6000))
    try:
        run_module(machine, main)
        if presuming and not machine.reported_scores:
            call_idle(machine, main)
    except (BudgetSpent, RecursionError):
        machine.trace.budget_spent = True
    finally:
        sys.setrecursionlimit(limit)
        let_go(machine, every)
    return Reading(machine)


def let_go(machine: Machine, modules: list[Module]) -> None:
    """Take apart what refers to itself: trees then go at once, and the collector finds little to look at.

    Labels and what was recorded stay; names and objects are of no use after a reading.
    """
    machine.heap.clear()
    machine.memo.clear()
    for module in modules:
        for value in module.env.values():
            if isinstance(value.obj, Class):
                value.obj.attrs.clear()
        module.env.clear()
    for names in machine.closed_over:
        names.clear()


def call_names(parsed: ParsedModule) -> CallNames:
    """Return who calls whom in a module, by name."""
    lines = lines_of(parsed.layer.source)
    bodies: list[tuple[str, str]] = []
    classes: set[str] = set()
    stack: list[ast.AST] = list(parsed.tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, _SIMPLE):
            continue
        if isinstance(node, ast.ClassDef):
            classes.add(node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            bodies.append((node.name, "\n".join(lines[node.lineno - 1 : node.end_lineno])))
        for field in _BLOCKS:
            stack.extend(getattr(node, field, ()))
    return CallNames(bodies, classes)
