"""Put the passes together: builders, flow, uses, sidecars."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from audits.facts.byte_table.flow import Flow
from audits.facts.byte_table.guards import Guards
from audits.facts.byte_table.index import FunctionInfo, ModuleIndex
from audits.facts.byte_table.records import (
    ByteDefect,
    ByteTableFacts,
    SidecarUse,
    SpaceRule,
    TableSource,
    TableUse,
)
from audits.facts.byte_table.semantics import Role, record, role, with_space
from audits.facts.byte_table.tokenizer import API_NAMES
from audits.facts.byte_table.uses import Lookup, Shape, Usage, UseReader
from audits.facts.byte_table.values import Table, Value, as_table, options, signature
from audits.facts.settings import Settings
from audits.location import Location

if TYPE_CHECKING:
    from audits.facts.byte_table.records import ByteTable
    from audits.facts.code.modules import ParsedModule

_SIDECAR = re.compile(r"""["'/]([\w*?{}./-]{0,80}bytes[\w*?{}.-]{0,40}\.(?:bin|npy|npz))["']""")
SCRIPT_LIMIT = 3_000_000
LONGEST_LINE = 4_000


def read_byte_table(modules: tuple[ParsedModule, ...], settings: Settings | None = None) -> ByteTableFacts:
    """Read how scored tokens become bytes; with settings, also which of it the claimed run reaches."""
    wanted = [module for module in modules if len(module.layer.source) < SCRIPT_LIMIT]
    if not any(name in m.layer.source for m in wanted for name in (*API_NAMES, ".load(")):
        return ByteTableFacts(problems=("no code that looks at the pieces of a tokenizer",))
    indexes = [ModuleIndex(module) for module in wanted]
    for index in indexes:
        index.peers = [other for other in indexes if other is not index]
        index.has_sidecar = _SIDECAR.search(index.source) is not None
    flow = Flow(indexes)
    flow.run()
    usages = UseReader(flow).read()
    tables = _Records()
    for value in [
        *flow.labels.returns.values(),
        *flow.labels.names.values(),
        *flow.labels.attributes.values(),
    ]:
        tables.collect(value)
    guards = Guards(indexes, settings or Settings())
    uses = tuple(
        _use(usage, lookup, usages, tables, guards)
        for usage in usages
        if _counts(usage)
        for lookup in usage.lookups.values()
    )
    problems = tuple(flow.problems) + (() if tables.known else ("no byte table could be followed",))
    return ByteTableFacts(tuple(tables.known.values()), uses, _sidecars(indexes, guards), problems)


class _Records:
    """One record a table, however often it is met."""

    def __init__(self) -> None:
        self.known: dict[Value, ByteTable] = {}

    def of(self, table: Table) -> ByteTable:
        """Return the record of a table."""
        key = signature(table)
        if key not in self.known:
            self.known[key] = record(table)
        return self.known[key]

    def collect(self, value: object, depth: int = 0) -> None:
        """Record the base-byte tables inside a value."""
        for option in options(value):
            table = as_table(option)
            if table is not None:
                if role(table) is Role.BYTES:
                    self.of(table)
            elif isinstance(option, (tuple, list)) and depth < 4:
                for part in option[:16]:
                    self.collect(part, depth + 1)


def _counts(usage: Usage) -> bool:
    """A file's table counts only where it is used as one: next to leading and boundary flags."""
    if Shape.BYTES in usage.seen:
        return True
    return Shape.SPACE in usage.seen


def _use(usage: Usage, lookup: Lookup, usages: list[Usage], tables: _Records, guards: Guards) -> TableUse:
    space = usage.space
    if space is SpaceRule.ABSENT and any(
        other is not usage and other.space is SpaceRule.GUARDED and not other.lookups for other in usages
    ):
        space = SpaceRule.GUARDED  # a helper of its own adds the spaces
    found = tuple(tables.of(table) for table in lookup.tables)
    computed = [entry for entry in found if entry.source is TableSource.COMPUTED]
    defects = with_space(computed[0], space) if computed else ()
    if any(other.lookups and other.space is SpaceRule.GUARDED for other in usages):
        # Some other function counts properly; a lookup without spaces next to it serves another purpose.
        defects = tuple(defect for defect in defects if defect is not ByteDefect.SPACE_NEVER_COUNTED)
    asked = defects or len(computed) < len(found) or usage.index.has_sidecar
    path, layer = usage.index.origin
    name = usage.scope.qualified if usage.scope is not None else "<module>"
    return TableUse(
        found,
        space,
        Location(path, lookup.line, lookup.end, layer),
        name,
        defects,
        guards.reached(usage.index, usage.scope, lookup.line) if asked else None,
        _alternative(usage.index, usage.scope, lookup.line),
    )


def _sidecars(indexes: list[ModuleIndex], guards: Guards) -> tuple[SidecarUse, ...]:
    found: list[SidecarUse] = []
    for index in indexes:
        for line in sorted(index.lines_with(_SIDECAR)):
            match = _SIDECAR.search(index.lines[line - 1][:LONGEST_LINE])
            if match:
                path, layer = index.origin
                where = Location(path, line, line, layer)
                found.append(SidecarUse(where, match.group(1), _read_somewhere(index, line, guards)))
    return tuple(found)


def _read_somewhere(index: ModuleIndex, line: int, guards: Guards) -> bool | None:
    """Whether the run uses the name that a file pattern is bound to."""
    answers: list[bool | None] = []
    for node in index.statements_on(index.function_at(line), [line]):
        for target in getattr(node, "targets", []):
            name = getattr(target, "attr", getattr(target, "id", ""))
            for use in index.mentions(name) if name else []:
                if use != line:
                    answers.append(guards.reached(index, index.function_at(use), use))
    return True if True in answers else None if None in answers or not answers else False


def _alternative(index: ModuleIndex, scope: FunctionInfo | None, line: int, depth: int = 0) -> bool:
    """Whether a lookup stands in one of two branches, or in a helper that is only called from one."""
    own = scope.statements if scope is not None else index.statements
    if any(
        isinstance(node, ast.If) and node.orelse and node.lineno < line <= (node.end_lineno or line)
        for node in own
    ):
        return True
    if scope is None or depth > 1:
        return False
    first, last = scope.node.lineno, scope.node.end_lineno or scope.node.lineno
    calls = [call for call in index.mentions(scope.name) if not first <= call <= last]
    return bool(calls) and all(
        _alternative(index, index.function_at(call), call, depth + 1) for call in calls
    )
