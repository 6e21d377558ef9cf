"""The readings of the script that was read last, kept for the next folder that holds the same one.

One folder in six repeats a script that was handed in before. Promises what reading again would give: a
reading is taken up only where the modules are the very same, and where the configuration answers all that was
asked of the first one as that did. Nothing is kept of any script but the last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audits.facts.code.modules import parse
from audits.facts.code.reading import STEP_BUDGET, name_modules, read_code
from audits.facts.settings import ValueOrigin

if TYPE_CHECKING:
    from audits.facts.code.configuration import Configuration
    from audits.facts.code.modules import ParsedModule
    from audits.facts.code.reading import ModuleNames, Reading
    from audits.facts.settings import Setting

_CAP = 8


@dataclass(frozen=True, slots=True)
class _Kept:
    """One reading with all that it depends on."""

    modules: tuple[ParsedModule, ...]
    budget: int
    open_switches: bool
    asked: dict[tuple[str, str], str | None]
    """What was asked of the configuration, with the answers."""
    settings: dict[str, Setting]
    reading: Reading

    def serves(self, modules: tuple[ParsedModule, ...], configuration: Configuration, budget: int) -> bool:
        """Return whether reading again would take the same steps."""
        if self.modules is not modules or self.budget != budget:
            return False
        return self.open_switches == configuration.open_switches and all(
            getattr(configuration, source).get(name) == answer
            for (source, name), answer in self.asked.items()
        )


_readings: list[_Kept] = []


def read_or_recall(
    modules: tuple[ParsedModule, ...],
    configuration: Configuration,
    budget: int = STEP_BUDGET,
    names: tuple[ModuleNames, ...] | None = None,
) -> Reading:
    """Return the reading of the main module under a fresh configuration, which learns its settings."""
    for kept in _readings:
        if kept.serves(modules, configuration, budget):
            configuration.settings.update(_placed(kept.settings, configuration))
            return kept.reading
    reading = read_code(modules, configuration, budget, names)
    if _readings and _readings[0].modules is not modules or len(_readings) >= _CAP:
        _readings.clear()
    asked, settings = dict(configuration.asked), dict(configuration.settings)
    _readings.append(_Kept(modules, budget, configuration.open_switches, asked, settings, reading))
    return reading


def forget() -> None:
    """Let go of what is kept for a further folder: trees, names and readings."""
    _readings.clear()
    name_modules.cache_clear()
    parse.cache_clear()


def _placed(settings: dict[str, Setting], configuration: Configuration) -> dict[str, Setting]:
    """Return settings that say where this configuration overrides them."""
    places = {
        ValueOrigin.COMMAND: configuration.command_location,
        ValueOrigin.LOG: configuration.logged_location,
    }
    return {
        name: replace(setting, origin_location=places.get(setting.origin))
        for name, setting in settings.items()
    }
