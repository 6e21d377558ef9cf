"""The rulebook: one rule a file. Dropping a file in this folder is all it takes to add a rule.

Promises that discovery is loud: a rule file that does not import, a rule without an id and two
rules with one id stop the run. In a compliance tool a rule that is silently missing is a pass.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from audits.outcome import Axis
from audits.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


class DiscoveryError(Exception):
    """The rulebook itself is broken: an import fails, an id is missing or used twice."""


@cache
def discover(package: ModuleType | None = None) -> tuple[Rule, ...]:
    """Return every rule under `package` (this one by default), ordered by axis and id."""
    root = package or importlib.import_module(__name__)
    rules = [kind() for module in _modules(root) for kind in _rules_of(module)]
    _require_unique_ids(rules)
    axes = list(Axis)
    return tuple(sorted(rules, key=lambda rule: (axes.index(rule.axis), rule.id)))


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    """Import every module below `package`; an import that fails ends discovery."""
    for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        try:
            module = importlib.import_module(info.name)
        except Exception as error:
            raise DiscoveryError(f"{info.name} does not import: {type(error).__name__}: {error}") from error
        yield module
        if info.ispkg:
            yield from _modules(module)


def _rules_of(module: ModuleType) -> Iterator[type[Rule]]:
    """Yield the concrete rules that `module` itself defines."""
    for kind in vars(module).values():
        if not inspect.isclass(kind) or not issubclass(kind, Rule):
            continue
        if kind.__module__ == module.__name__ and not inspect.isabstract(kind):
            yield kind


def _require_unique_ids(rules: list[Rule]) -> None:
    """Stop when a rule has no id or shares it with another."""
    seen: dict[str, Rule] = {}
    for rule in rules:
        name = type(rule).__qualname__
        if not getattr(rule, "id", ""):
            raise DiscoveryError(f"{type(rule).__module__}.{name} has no id")
        if rule.id in seen:
            other = type(seen[rule.id]).__module__
            raise DiscoveryError(f"rule id {rule.id} is used by {other} and {type(rule).__module__}")
        seen[rule.id] = rule


__all__ = ["DiscoveryError", "discover"]
