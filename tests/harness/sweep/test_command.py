"""`referee sweep` as a person calls it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from audits.errors import UserError
from harness.cli import app
from tests.harness.sweep.mirrors import make_mirror

if TYPE_CHECKING:
    from pathlib import Path

    from tests.audits.repository import Repository


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return make_mirror(tmp_path_factory.mktemp("mirror") / "bare.git")


def call(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["sweep", "--jobs", "1", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_report_adds_up_and_the_export_is_written(mirror: Repository, tmp_path: Path) -> None:
    said = call("--repo", mirror.path, "--out", tmp_path, "--prs", "2,4", "--export", "jsonl", "--floor")
    assert "2 pull requests asked for: 0 pending, 1 audited, 1 nothing to audit, 0 crashed" in said
    assert "1 read anew, 0 judged again" in said
    assert "legality: 1 ILLEGAL" in said
    assert "floor: ast.parse alone over 1 distinct scripts" in said
    rows = [json.loads(line) for line in (tmp_path / "sweep.jsonl").read_text().splitlines()]
    assert [(row["pr"], row["legality"]) for row in rows] == [(2, "ILLEGAL"), (4, "")]
    assert "0 read anew" in call("--repo", mirror.path, "--out", tmp_path, "--prs", "2,4")


def test_crashes_are_told_with_their_cause_and_tried_again_on_request(
    mirror: Repository, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"pr": 2}\n{"pr": 77}\n')
    choice = ("--repo", mirror.path, "--out", tmp_path / "run", "--labels", labels)
    said = call(*choice)
    assert "1 crashed" in said
    assert "crashed: #77: UserError:" in said
    mirror.repo.references.create("refs/pull/77/head", mirror.repo.references["refs/pull/2/head"].target)
    try:
        assert "2 audited" in call(*choice, "--retry-crashed")
    finally:
        mirror.repo.references.delete("refs/pull/77/head")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--prs", "1", "--labels", "x"), "do not go together"),
        (("--prs", "one"), "not a range"),
        (("--labels", "/nowhere"), "not a file of labels"),
    ],
)
def test_mistakes_are_told(mirror: Repository, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(UserError, match=says):
        call("--repo", mirror.path, "--out", tmp_path / "run", *arguments)
