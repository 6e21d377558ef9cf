"""Imports: a module of the folder is read in place, anything else is external."""

from __future__ import annotations

from audits.facts.code.machine import Machine
from audits.facts.code.memory import BudgetSpent, Frame
from audits.facts.code.statements import execute
from audits.facts.code.values import External, Imported, Module, Value

_ALIASES = {"np": "numpy"}


def import_module(machine: Machine, name: str) -> Value:
    """Return a local module, executed once, or an external one."""
    modules: dict[str, Module] = machine.heap.get("modules", {})
    module = modules.get(name) or modules.get(name.rsplit(".", 1)[-1] if "." in name else name)
    if module is None:
        return Value(0, External(name))
    run_module(machine, module)
    return Value(0, Imported(module))


def run_module(machine: Machine, module: Module) -> None:
    """Execute a module's top level once."""
    if module.executed:
        return
    module.executed = True

    frame = Frame(module, module.env, (), "")
    try:
        execute(machine, frame, module.tree.body)
    except RecursionError as error:
        raise BudgetSpent from error
    if frame.env is not module.env:
        module.env.update(frame.env)
