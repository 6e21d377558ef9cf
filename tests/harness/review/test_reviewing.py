"""`referee review`: one intake, every stage has its line, one run directory, one published shape."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from audits.errors import UserError
from harness.auditing import Request
from harness.cli import app
from harness.report.view_model import SCHEMA_ID, ReviewFile, json_schema
from harness.review.output import comment_of, json_of, repository_name
from harness.review.reviewing import Plan, review
from tests.audits.repository import Repository, record

ROOT = Path(__file__).parents[3]
SCHEMA_FILE = ROOT / "docs" / "schema" / (SCHEMA_ID.replace("/", "-") + ".schema.json")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "r.git")
    made.pull(7, record("2026-04-01_Mine"))
    made.pull(8, {"docs/notes.md": "nothing here\n"})
    return made


def plan(repository: Repository, pr: int = 7, *skip: str) -> Plan:
    return Plan(Request(repo=repository.path, pr=pr), skip=skip or ("smoke",))


def test_the_file_says_what_was_judged(repository: Repository) -> None:
    file = review(plan(repository)).file
    head = str(repository.repo.references["refs/pull/7/head"].target)
    assert (file.pr, file.head_sha) == (7, head)
    judged = file.folders[0].judged
    assert judged.path == "records/track_10min_16mb/2026-04-01_Mine"
    assert (judged.main_script, judged.files) == ("train_gpt.py", 2)
    assert len(judged.digest) == 64


def test_the_digest_follows_the_files(repository: Repository) -> None:
    before = review(plan(repository)).file.folders[0].judged.digest
    repository.pull(7, record("2026-04-01_Mine", **{"README.md": "# Other\n"}))
    assert review(plan(repository)).file.folders[0].judged.digest != before


def test_a_stage_that_was_not_run_says_so(repository: Repository) -> None:
    file = review(plan(repository)).file
    (smoke,) = [stage for stage in file.folders[0].stages if stage.name == "smoke"]
    assert smoke.skipped
    assert not smoke.ran
    assert "### Smoke" in comment_of(file, None)
    assert "Nothing was executed." in comment_of(file, None)


def test_an_unknown_stage_is_a_mistake(repository: Repository) -> None:
    with pytest.raises(UserError, match="no stage called 'smok'"):
        review(plan(repository, 7, "smok"))


def test_a_pull_request_without_a_submission_is_no_error(repository: Repository) -> None:
    file = review(plan(repository, 8)).file
    assert file.folders == []
    assert file.head_sha == str(repository.repo.references["refs/pull/8/head"].target)
    assert "nothing to review" in comment_of(file, None)
    assert "no record folder" in comment_of(file, None)


def test_json_is_what_the_published_schema_says(repository: Repository) -> None:
    text = json_of(review(plan(repository)).file)
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(text))
    assert ReviewFile.model_validate_json(text).folders
    assert json.loads(SCHEMA_FILE.read_text()) == json_schema(), (
        "run `referee schema review > docs/schema/...`"
    )


def test_the_run_directory_can_be_rendered_again(repository: Repository, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["review", "--repo", repository.path, "--pr", "7", "--skip", "smoke", "--repository", "o/n"]
    result = CliRunner().invoke(app, [*arguments, "--run-dir", str(run)])
    assert result.exit_code == 10, result.output
    names = {path.name for path in run.iterdir() if path.is_file()}
    assert names >= {"run.json", "submission.json", "audit.json", "review.json", "review.md", "review.sarif"}
    file = ReviewFile.model_validate_json((run / "review.json").read_text(encoding="utf-8"))
    assert comment_of(file, "o/n") == (run / "review.md").read_text(encoding="utf-8") == result.stdout


def test_lines_are_linked_to_the_remote_of_the_clone(repository: Repository) -> None:
    assert repository_name(plan(repository), None) is None
    repository.repo.remotes.create("origin", "https://github.com/own.er/na-me.git")
    assert repository_name(plan(repository), None) == "own.er/na-me"
    with pytest.raises(UserError, match="not a repository name"):
        repository_name(plan(repository), "no slug")


def test_nothing_named_is_a_mistake() -> None:
    assert isinstance(CliRunner().invoke(app, ["review"]).exception, UserError)
