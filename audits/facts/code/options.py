"""Command-line options of a script: `argparse` defaults, overlaid by the documented run command."""

from __future__ import annotations

import ast

from audits.facts.code.configuration import Configuration, usable
from audits.facts.code.expressions import path_labels
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import NOTHING, Class, Instance, Value
from audits.facts.settings import Setting, ValueOrigin

_OPTIONS = "options"


def add_argument(
    machine: Machine,
    frame: Frame,
    node: ast.AST,
    receiver: Value,
    args: list[Value],
    kwargs: dict[str, Value],
) -> Value:
    """Remember one option with its value in the claimed run."""
    names = [value.const for value in args if isinstance(value.const, str)]
    if not names:
        return NOTHING
    long = next((name for name in names if name.startswith("--")), names[0])
    dest = kwargs["dest"].const if "dest" in kwargs else long.lstrip("-").replace("-", "_")
    if not isinstance(dest, str):
        return NOTHING
    default = kwargs.get("default", Value(0, None, None))
    action = kwargs["action"].const if "action" in kwargs else None
    if "default" not in kwargs and action in ("store_true", "store_false"):
        default = Value(0, None, action == "store_false")
    value, origin = overlay(machine, long.lstrip("-"), default, action)
    configuration: Configuration = machine.heap["configuration"]
    shown = default.const if isinstance(default.const, str | int | float | bool) else None
    new = value.const if isinstance(value.const, str | int | float | bool) else None
    configuration.settings[long] = Setting(
        long,
        shown,
        new,
        origin,
        machine.location(frame, node),
        configuration.command_location if origin is ValueOrigin.COMMAND else None,
    )
    if configuration.open_switches and isinstance(default.const, bool):
        value = Value(default.labels)
    options: dict[str, Value] = machine.heap.setdefault(_OPTIONS, {})
    options[dest] = value
    return NOTHING


def overlay(machine: Machine, name: str, default: Value, action: object) -> tuple[Value, ValueOrigin]:
    """Return an option's value in the claimed run."""
    configuration: Configuration = machine.heap["configuration"]
    given = configuration.told("arguments", name)
    if given is None or not usable(given):
        return default, ValueOrigin.DEFAULT
    if action in ("store_true", "store_false"):
        return Value(default.labels, None, action == "store_true"), ValueOrigin.COMMAND
    if isinstance(default.const, bool):
        return Value(default.labels), ValueOrigin.COMMAND
    for convert in (int, float):
        try:
            return Value(default.labels, None, convert(given)), ValueOrigin.COMMAND
        except ValueError:
            continue

    return Value(default.labels | path_labels(given), None, given), ValueOrigin.COMMAND


def parse_arguments(machine: Machine, frame: Frame, node: ast.AST, receiver: Value) -> Value:
    """Return the namespace of all options seen so far."""
    empty = ast.ClassDef(name="Namespace", bases=[], keywords=[], body=[], decorator_list=[])
    instance = machine.track(Instance(Class(empty, frame.module, [], "plain")))
    for name, value in machine.heap.get(_OPTIONS, {}).items():
        machine.put((id(instance), name), value)
    return Value(0, instance)
