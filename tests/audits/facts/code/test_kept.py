"""A reading is taken up for the next folder with the same script where it would come out the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audits.facts.code import kept
from audits.facts.code.configuration import Configuration
from audits.facts.code.kept import forget, read_or_recall
from audits.facts.code.modules import parse
from audits.facts.code.reading import read_code
from audits.facts.layer import Layer
from audits.facts.settings import Setting, ValueOrigin
from audits.location import Location

if TYPE_CHECKING:
    from audits.facts.code.modules import ParsedModule

SCRIPT = """
import os

STEPS = int(os.environ.get("STEPS", "100"))
if "SEED" in os.environ:
    SEED = int(os.environ["SEED"])
"""


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> tuple[ParsedModule, ...]:
    monkeypatch.setattr(kept, "_readings", [])
    return parse(Layer("train_gpt.py", 0, SCRIPT), ())[0]


def configured(line: int, **command: str) -> Configuration:
    return Configuration(command=command, command_location=Location("README.md", line, line))


def afresh(modules: tuple[ParsedModule, ...], configuration: Configuration) -> dict[str, Setting]:
    read_code(modules, configuration)
    return configuration.settings


def test_what_was_not_asked_for_makes_no_difference(modules: tuple[ParsedModule, ...]) -> None:
    first = read_or_recall(modules, configured(3, STEPS="7", OTHER="a"))
    second = configured(9, STEPS="7", OTHER="b")
    assert read_or_recall(modules, second) is first
    assert second.settings == afresh(modules, configured(9, STEPS="7", OTHER="b"))
    assert second.settings["STEPS"].origin is ValueOrigin.COMMAND
    assert second.settings["STEPS"].origin_location == Location("README.md", 9, 9)


@pytest.mark.parametrize("command", [{"STEPS": "8"}, {}, {"STEPS": "7", "SEED": "1"}])
def test_another_answer_is_another_reading(
    modules: tuple[ParsedModule, ...], command: dict[str, str]
) -> None:
    first = read_or_recall(modules, configured(3, STEPS="7"))
    second = configured(3, **command)
    assert read_or_recall(modules, second) is not first
    assert second.settings == afresh(modules, configured(3, **command))


def test_open_switches_and_the_budget_are_part_of_the_question(modules: tuple[ParsedModule, ...]) -> None:
    first = read_or_recall(modules, configured(3, STEPS="7"))
    opened = configured(3, STEPS="7")
    opened.open_switches = True
    assert read_or_recall(modules, opened) is not first
    assert read_or_recall(modules, configured(3, STEPS="7"), 1000) is not first


def test_only_the_last_script_is_kept(modules: tuple[ParsedModule, ...]) -> None:
    first = read_or_recall(modules, configured(3))
    assert parse(Layer("train_gpt.py", 0, SCRIPT), ())[0] is modules, "the same script has the same trees"
    other = parse(Layer("train_gpt.py", 0, SCRIPT + "\n"), ())[0]
    assert read_or_recall(other, configured(3)) is not first
    assert all(known.modules is other for known in kept._readings)


def test_what_is_forgotten_is_read_again(modules: tuple[ParsedModule, ...]) -> None:
    first = read_or_recall(modules, configured(3))
    forget()
    assert read_or_recall(modules, configured(3)) is not first
    again = parse(Layer("train_gpt.py", 0, SCRIPT), ())[0]
    assert again is not modules, "the trees went too"
