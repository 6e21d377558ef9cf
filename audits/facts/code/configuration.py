"""Pass 2: the values of knobs in the claimed run: defaults, then the run command, then the logs."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import NONE, UNKNOWN, Value
from audits.facts.settings import Scalar, Setting, ValueOrigin
from audits.location import Location


@dataclass(slots=True)
class Configuration:
    """What is laid over the script's defaults."""

    command: dict[str, str] = field(default_factory=dict)
    command_location: Location | None = None
    logged: dict[str, str] = field(default_factory=dict)
    logged_location: Location | None = None
    arguments: dict[str, str] = field(default_factory=dict)
    """Command-line options of the run, without dashes."""
    open_switches: bool = False
    """Treat every environment switch as unknown: used to look for dormant patterns."""
    settings: dict[str, Setting] = field(default_factory=dict)
    asked: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """What a reading asked so far (where, and for which name), with what it was told."""

    def told(self, source: str, name: str) -> str | None:
        """Return what `command`, `logged` or `arguments` holds under a name, and note the question."""
        found: str | None = getattr(self, source).get(name)
        self.asked[source, name] = found
        return found


_LAUNCHER = (
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "NODE_RANK",
)


def read_environment(machine: Machine, frame: Frame, node: ast.AST, args: list[Value]) -> Value:
    """Return the value of an environment variable in the claimed run."""
    from audits.facts.code.expressions import path_labels

    name = args[0].const if args else UNKNOWN
    default = args[1] if len(args) > 1 else NONE
    if not isinstance(name, str):
        return Value(default.labels)
    configuration: Configuration = machine.heap["configuration"]
    if name in _LAUNCHER and configuration.told("command", name) is None:
        return default if name != "WORLD_SIZE" or len(args) > 1 else Value()
    value, origin, where = override(configuration, name, default.const)
    text: Scalar = default.const if isinstance(default.const, str | int | float | bool) else None
    if value is not None:
        text = value = like_default(value, text)
    here = machine.location(frame, node)
    if name not in configuration.settings or origin is not ValueOrigin.DEFAULT:
        shown = default.const if isinstance(default.const, str | int | float | bool) else None
        configuration.settings[name] = Setting(name, shown, text, origin, here, where)
    if configuration.open_switches and (is_switch(text) or is_mode(text)):
        return Value(default.labels | machine.labels.knob(name))
    if value is None:
        return default

    return Value(path_labels(value) | default.labels, None, value)


def is_set(machine: Machine, name: object) -> bool | None:
    """Return whether the claimed run sets an environment variable, None where that is open.

    Presets ask this before they overwrite a knob (#846).
    """
    configuration: Configuration = machine.heap["configuration"]
    if not isinstance(name, str) or name in _LAUNCHER or configuration.open_switches:
        return None
    return configuration.told("command", name) is not None


def is_switch(text: Scalar) -> bool:
    """Return True for a value that turns something on or off."""
    return str(text).strip().lower() in (
        "0",
        "1",
        "true",
        "false",
        "",
        "0.0",
        "none",
        "off",
        "on",
        "yes",
        "no",
    )


def is_mode(text: Scalar) -> bool:
    """Return True for a value that may name one of several ways to do something (`standard`, `lora`)."""
    return isinstance(text, str) and 2 < len(text) < 20 and text.replace("_", "").isalpha() and text.islower()


def override(
    configuration: Configuration, name: str, default: object
) -> tuple[str | None, ValueOrigin, Location | None]:
    """Return the value laid over a default, and who said so."""
    logged = configuration.told("logged", name.lower())
    if logged is not None and usable(logged) and same_form(logged, default):
        return normal(logged), ValueOrigin.LOG, configuration.logged_location
    command = configuration.told("command", name)
    if command is not None and usable(command):
        return command, ValueOrigin.COMMAND, configuration.command_location
    return None, ValueOrigin.DEFAULT, None


def same_form(logged: str, default: object) -> bool:
    """Return False for a logged text that is no number or truth value where the knob is one."""
    text = normal(logged)
    if isinstance(default, str) and not is_number(default) and default.lower() not in ("true", "false"):
        return True
    return default is None or is_number(text) or text.lower() in ("true", "false", "")


def is_number(text: object) -> bool:
    """Return whether a text reads as a number."""
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def usable(text: str) -> bool:
    """Return False for placeholders such as `$SEED`."""
    return "$" not in text and "{" not in text and "<" not in text


def like_default(value: str, default: Scalar) -> str:
    """Write a truth value the way the script's default writes it."""
    form = str(default).lower()
    if value in ("0", "1") and form in ("true", "false"):
        return (
            {"1": "true", "0": "false"}[value]
            if str(default).islower()
            else {"1": "True", "0": "False"}[value]
        )
    return value


def normal(text: str) -> str:
    """Return a logged value in the form an environment variable has."""
    return {"True": "1", "False": "0", "None": ""}.get(text, text)


def implied_switches(configuration: Configuration, printed: list[str]) -> dict[str, str]:
    """Return switches that are off by default although the run's own evidence says they were on.

    The evidence: two or more knobs of the same stem were changed for the run, or a log holds a line of that
    stem that the code only prints with the switch on (`printed`). A README that states `SLOT_STEPS=5,
    SLOT_LR=0.003` over a log that prints them speaks of a run with SLOT on, even where `SLOT_ENABLED` is not
    documented (#1150).
    """
    found: dict[str, str] = {}
    for name, setting in configuration.settings.items():
        if setting.origin is not ValueOrigin.DEFAULT or str(setting.value).lower() not in ("0", "false"):
            continue
        stem = stem_of(name)
        changed = [
            other
            for key, other in configuration.settings.items()
            if key != name and key.startswith(stem + "_") and was_changed(other)
        ]
        if len(changed) >= 2 or any(announces(text, stem) for text in printed):
            found[name] = "1" if str(setting.value) == "0" else "true"
    return found


def stem_of(name: str) -> str:
    """Return what a switch switches: `TTT` of `TTT_ENABLED`."""
    return name.removesuffix("_ENABLED").removesuffix("_ENABLE").removeprefix("USE_").removeprefix("ENABLE_")


def announces(text: str, stem: str) -> bool:
    """Return whether a log line begins with the stem of a switch as a word (`ttt_sliding:start`, `[ttt]`)."""
    text = text.lstrip("[(=- ")
    rest = text[len(stem) :]
    return text.lower().startswith(stem.lower()) and not rest[:1].isalnum()


def was_changed(setting: Setting) -> bool:
    """Return whether the run gave a knob a value other than its default."""
    if setting.origin is ValueOrigin.DEFAULT:
        return False
    try:
        return float(str(setting.value)) != float(str(setting.default))
    except ValueError:
        return str(setting.value) != str(setting.default)
