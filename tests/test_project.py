"""The project's promises about itself: what it installs, what its README says, what its targets are."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness.errors import ExitCode
from scripts import readme_help

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("audits", "harness", "containers", "reference_impl")


def project() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(requirements: object) -> set[str]:
    assert isinstance(requirements, list)
    return {re.split(r"[<>=!~\[ ]", str(entry), maxsplit=1)[0] for entry in requirements}


def test_readme_shows_the_present_help() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = [match[2] for match in readme_help.BLOCK.finditer(readme)]
    assert {"referee", "referee audit", "referee score"} <= set(shown)
    assert readme == readme_help.render(readme), "run `python scripts/readme_help.py`"


def test_core_install_has_neither_torch_nor_docker() -> None:
    metadata = project()["project"]
    assert not names(metadata["dependencies"]) & {"torch", "docker", "numpy", "sentencepiece"}
    extras = metadata["optional-dependencies"]
    assert isinstance(extras, dict)
    serving = {"box", "replay", "attest", "remote", "github", "site"}
    assert set(extras) == {"cpu", "gpu", "ray", "parquet", "dev", *serving}
    assert "torch==2.13.0" in extras["cpu"]
    assert {"torch", "flash-attn"} <= names(extras["gpu"])


def test_reading_a_submission_loads_neither_torch_nor_docker() -> None:
    check = "import sys, harness.cli, audits.runner; sys.exit(bool({'torch', 'docker'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_says_what_it_is_for(package: str) -> None:
    assert (ROOT / package / "__init__.py").read_text(encoding="utf-8").startswith('"""')


@pytest.mark.parametrize("package", ["audits", "harness", "containers"])
def test_tooling_packages_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert declared is not None
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert set(declared[1].split()) == described
    assert {"audit", "test", "examples", "rules-docs", "bench", "corpus", "lint", "fuzz"} <= described


def test_changelog_has_an_unreleased_section() -> None:
    assert "\n## Unreleased\n\n- " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_readme_and_exit_code_table_agree_with_the_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = [int(code) for code in re.findall(r"^\| (\d+) \| ", readme, re.MULTILINE)]
    assert told == sorted(ExitCode)
