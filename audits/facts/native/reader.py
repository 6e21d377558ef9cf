"""Put the passes together: native sources, Python loops, and what switches their hints off."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from audits.facts.byte_table.guards import Guards
from audits.facts.byte_table.index import ModuleIndex
from audits.facts.native.gates import GateReader, LoopReading
from audits.facts.native.python_loops import storing_functions
from audits.facts.native.records import GatedHint, NativeFacts, NativeFunction
from audits.facts.native.switches import Producer, SwitchFinder
from audits.facts.settings import Settings
from audits.location import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts.code.modules import ParsedModule
    from audits.facts.layer import Layer

NATIVE = frozenset({"c", "cpp", "c++", "cuda"})
SOURCE_LIMIT = 400_000
FURTHER = 6
"""Further modules that are parsed."""
_IMPORTED = re.compile(r"^\s*(?:from|import)\s+(\w+)", re.MULTILINE)


def read_native(
    layers: tuple[Layer, ...],
    modules: tuple[ParsedModule, ...] = (),
    settings: Settings | None = None,
    scripts: tuple[str, ...] = (),
) -> NativeFacts:
    """Read per-position predictors in native sources and in the Python that is reached.

    `scripts` are further scripts that the documented commands run: an evaluation may stand in one of its own.
    """
    found = _Found()
    modules = (*modules, *_further(layers, modules, scripts))
    for layer in layers:
        if layer.language in NATIVE:
            found.native(layer)
    for module in modules:
        found.python(module)
    return found.facts(modules, settings or Settings())


def _further(
    layers: tuple[Layer, ...], modules: tuple[ParsedModule, ...], scripts: tuple[str, ...]
) -> list[ParsedModule]:
    """Parse scripts that other commands run, with the modules of the folder that they import."""
    from audits.facts.code.modules import ParsedModule, parse_layer

    known = {module.layer.path for module in modules}
    python = {layer.path.rsplit("/", 1)[-1]: layer for layer in layers if layer.language == "python"}
    waiting = [name.rsplit("/", 1)[-1] for name in scripts]
    found: list[ParsedModule] = []
    while waiting and len(found) < FURTHER:
        layer = python.get(waiting.pop())
        if layer is None or layer.path in known or len(layer.source) > SOURCE_LIMIT:
            continue
        known.add(layer.path)
        tree = parse_layer(layer, [])
        if tree is not None:
            found.append(ParsedModule(layer, tree, False))
            waiting.extend(f"{match.group(1)}.py" for match in _IMPORTED.finditer(layer.source))
    return found


class _Found:
    def __init__(self) -> None:
        self.functions: list[NativeFunction] = []
        self.readings: list[tuple[LoopReading, Layer, ast.AST | None]] = []
        self.problems: list[str] = []

    def native(self, layer: Layer) -> None:
        """Read one C, C++ or CUDA source."""
        from audits.facts.native.c_reader import functions

        if len(layer.source) > SOURCE_LIMIT:
            self.problems.append(f"{layer.path} is too long to be read")
            return
        read = functions(layer.source)
        gates = GateReader(read)
        for function in read:
            readings = gates.read(function)
            outputs = {entry.output for reading in readings for entry in reading.predictions if entry.gated}
            gated = tuple(place for place, name in enumerate(function.parameters) if name in outputs)
            where = Location(layer.path, function.line, function.line, layer.index)
            tokens = any(reading.class_lines for reading in readings)
            self.functions.append(NativeFunction(function.name, where, function.parameters, gated, tokens))
            self.readings.extend((reading, layer, None) for reading in readings)

    def python(self, module: ParsedModule) -> None:
        """Read the Python functions that store something at the position of a loop."""
        wanted, helpers = storing_functions(module)
        if not wanted:
            return
        gates = GateReader([*(function for _, function in wanted), *helpers])
        for node, function in wanted:
            self.readings.extend((reading, module.layer, node) for reading in gates.read(function))

    def facts(self, modules: tuple[ParsedModule, ...], settings: Settings) -> NativeFacts:
        """Return everything found, with the switches of what is gated."""
        predictors = tuple(
            Location(layer.path, entry.line, entry.line, layer.index)
            for reading, layer, _ in self.readings
            for entry in reading.predictions
        )
        predictors += tuple(_listing(self.readings, self.functions, modules, settings))
        gated = [entry for entry in self.readings if any(stored.gated for stored in entry[0].predictions)]
        hints = _hints(gated, self.functions, modules, settings) if gated else ()
        return NativeFacts(tuple(self.functions), hints, predictors, tuple(self.problems))


def _listing(
    readings: list[tuple[LoopReading, Layer, ast.AST | None]],
    functions: list[NativeFunction],
    modules: tuple[ParsedModule, ...],
    settings: Settings,
) -> Iterator[Location]:
    """Yield the places where a native function that is called lists predictions with their positions."""
    sparse = [entry for entry in readings if entry[0].sparse and entry[2] is None]
    indexes = [ModuleIndex(module) for module in modules] if sparse else []
    for reading, layer, _ in sparse:
        name = reading.function.name
        guards = Guards(indexes, settings)
        calls = [
            guards.called(index, info)
            for index in indexes
            for line in index.mentions(name)
            if (info := index.function_at(line)) is not None
        ]
        if True in calls or None in calls:
            yield Location(layer.path, reading.sparse, reading.sparse, layer.index)


def _hints(
    readings: list[tuple[LoopReading, Layer, ast.AST | None]],
    functions: list[NativeFunction],
    modules: tuple[ParsedModule, ...],
    settings: Settings,
) -> tuple[GatedHint, ...]:
    indexes = [ModuleIndex(module) for module in modules]
    for index in indexes:
        index.peers = [other for other in indexes if other is not index]
    producers = {id(node): _python_producer(indexes, reading, node) for reading, _, node in readings if node}
    native = {function.name: _callers(indexes, function) for function in functions if function.gated}
    everyone = [entry for entry in producers.values() if entry] + [
        p for found in native.values() for p in found
    ]
    finder = SwitchFinder(indexes, everyone)
    guards = Guards(indexes, settings)
    hints: list[GatedHint] = []
    for reading, layer, node in readings:
        own = producers.get(id(node)) if node is not None else None
        mine = [own] if own else native.get(reading.function.name, [])
        switches = tuple(dict.fromkeys(switch for producer in mine for switch in finder.switches(producer)))
        reached = _reached(mine, guards) if indexes else None
        stored = [entry for entry in reading.predictions if entry.gated]
        first = stored[0]
        hints.append(
            GatedHint(
                Location(layer.path, first.line, stored[-1].line, layer.index),
                Location(layer.path, first.guard, first.guard, layer.index),
                reading.function.name,
                layer.language,
                first.output,
                switches,
                reached,
            )
        )
    return tuple(hints)


def _reached(producers: list[Producer], guards: Guards) -> bool | None:
    answers = [guards.called(producer.index, producer.info) for producer in producers]
    return True if True in answers else None if None in answers else False


def _python_producer(
    indexes: list[ModuleIndex], reading: LoopReading, node: ast.AST | None
) -> Producer | None:
    for index in indexes:
        for info in index.functions:
            if info.node is node:
                return Producer(index, info, {entry.output for entry in reading.predictions if entry.gated})
    return None


def _callers(indexes: list[ModuleIndex], function: NativeFunction) -> list[Producer]:
    """Return the Python functions that pass arrays to a native function, with those it fills under a gate."""
    found: list[Producer] = []
    for index in indexes:
        for line in index.mentions(function.name):
            info = index.function_at(line)
            if info is None:
                continue
            for node in index.statements_on(info, [line]):
                for call in (part for part in ast.walk(node) if isinstance(part, ast.Call)):
                    names = _filled(call, function)
                    if names:
                        found.append(Producer(index, info, names))
    return found


def _filled(call: ast.Call, function: NativeFunction) -> set[str]:
    if not isinstance(call.func, ast.Attribute) or call.func.attr != function.name:
        return set()
    shift = len(call.args) - len(function.parameters)
    names: set[str] = set()
    for place in function.gated:
        if 0 <= place + shift < len(call.args):
            inside = [part.id for part in ast.walk(call.args[place + shift]) if isinstance(part, ast.Name)]
            names.update(inside[:1] if inside[0] != "ctypes" else inside[1:2])
    return names
