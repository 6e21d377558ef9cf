"""Discovery is loud: a rulebook with a hole in it does not start."""

from __future__ import annotations

import importlib
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from audits.outcome import Axis
from audits.rules import DiscoveryError, discover

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

RULE = '''
    """A made-up rule."""
    from audits.outcome import Axis, Condition, Status
    from audits.rule import Rule

    class MadeUp(Rule):
        """Never happens."""
        id = "made-up"
        axis = Axis.LIMITS
        condition = Condition.SIZE

        def check(self, facts):
            return self.outcome(Status.CLEAN, "fine")
'''


@pytest.fixture
def package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[dict[str, str]], ModuleType]]:
    """Return a maker of rule packages from file names and sources."""
    name = "made_up_rules"

    def make(files: dict[str, str]) -> ModuleType:
        for path, source in {"__init__.py": "", **files}.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(source))
        monkeypatch.syspath_prepend(str(tmp_path))
        return importlib.import_module(name)

    yield make
    for loaded in [entry for entry in sys.modules if entry == name or entry.startswith(name + ".")]:
        del sys.modules[loaded]


def test_a_file_is_all_it_takes(package: Callable[[dict[str, str]], ModuleType]) -> None:
    found = discover(package({"made_up.py": RULE, "deeper/__init__.py": "", "deeper/helper.py": "X = 1\n"}))
    assert [rule.id for rule in found] == ["made-up"]


def test_an_import_error_stops_discovery(package: Callable[[dict[str, str]], ModuleType]) -> None:
    with pytest.raises(DiscoveryError, match=r"made_up_rules\.broken does not import: ModuleNotFoundError"):
        discover(package({"made_up.py": RULE, "broken.py": "import no_such_package\n"}))


def test_a_syntax_error_stops_discovery(package: Callable[[dict[str, str]], ModuleType]) -> None:
    with pytest.raises(DiscoveryError, match="does not import: SyntaxError"):
        discover(package({"broken.py": "def\n"}))


def test_a_repeated_id_stops_discovery(package: Callable[[dict[str, str]], ModuleType]) -> None:
    with pytest.raises(DiscoveryError, match="rule id made-up is used by"):
        discover(package({"one.py": RULE, "two.py": RULE}))


def test_a_rule_without_an_id_stops_discovery(package: Callable[[dict[str, str]], ModuleType]) -> None:
    with pytest.raises(DiscoveryError, match="MadeUp has no id"):
        discover(package({"one.py": RULE.replace('id = "made-up"', "")}))


def test_the_rulebook_is_ordered_by_axis_and_id() -> None:
    keys = [(list(Axis).index(rule.axis), rule.id) for rule in discover()]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) > 0


def test_one_name_in_two_spellings_file_and_id() -> None:
    for rule in discover():
        stem = type(rule).__module__.rsplit(".", 1)[1]
        assert stem == rule.id.replace("-", "_"), f"{type(rule).__name__} lies in {stem}.py"
