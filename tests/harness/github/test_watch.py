"""The watch: every new head once, state across restarts, and one bad pull request never blocks the next."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audits.errors import UserError
from audits.rules import discover
from harness.github import watch as watching
from harness.github.state import MAX_TRIES, State
from harness.github.watch import Watch, look
from harness.report.review import rulebook_digest
from tests.audits.repository import Repository, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.github.client import Client
    from tests.harness.github.fake import FakeGitHub


@pytest.fixture
def origin(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "origin.git")


@pytest.fixture
def watch(client: Client, github: FakeGitHub, origin: Repository, tmp_path: Path) -> Iterator[Watch]:
    with State(tmp_path / "watch.sqlite") as state:
        yield Watch(
            client=client,
            state=state,
            clone=tmp_path / "clone.git",
            remote=origin.path,
            runs=tmp_path / "runs",
            author=github.author,
            rulebook=rulebook_digest(discover()),
            skip=("smoke",),
        )


def open_pull(github: FakeGitHub, origin: Repository, number: int, **files: str) -> str:
    head = str(origin.pull(number, record(f"2026-04-0{number}_Entry", **files)))
    github.add_pull(number, head, [f"records/track_10min_16mb/2026-04-0{number}_Entry/train_gpt.py"])
    return head


def test_a_new_head_is_reviewed_once(watch: Watch, github: FakeGitHub, origin: Repository) -> None:
    head = open_pull(github, origin, 7)
    said: list[str] = []
    assert look(watch, said.append) == 0
    assert said == [f"#7 {head[:12]} UNCLEAR"]
    assert head in github.comments[1]["body"]
    assert (watch.runs / f"pr-7-{head[:12]}" / "review.json").exists()
    assert look(watch, said.append) == 0
    assert len(said) == len(github.comments) == len(github.checks) == 1


def test_a_push_updates_the_comment(watch: Watch, github: FakeGitHub, origin: Repository) -> None:
    open_pull(github, origin, 7)
    look(watch, lambda line: None)
    head = open_pull(github, origin, 7, **{"README.md": "# Better\n"})
    look(watch, lambda line: None)
    assert len(github.comments) == 1
    assert head in github.comments[1]["body"]


def test_one_bad_pull_request_never_blocks_the_next(
    watch: Watch, github: FakeGitHub, origin: Repository
) -> None:
    github.add_pull(3, "d" * 40, [])
    open_pull(github, origin, 7)
    said: list[str] = []
    assert look(watch, said.append) == 1
    assert said[0].startswith(f"#3 {'d' * 12} failed git: ")
    assert said[1].startswith("#7 ")
    assert len(github.comments) == 1


def test_a_bug_of_ours_is_kept_with_its_place(
    watch: Watch, github: FakeGitHub, origin: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = open_pull(github, origin, 7)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(watching, "_review", broken)
    assert look(watch, lambda line: None) == 1
    seen = watch.state.find("o/n", 7, head, watch.rulebook)
    assert seen is not None
    assert seen.reason.startswith("ZeroDivisionError: oh (test_watch.py:")


def test_a_failure_is_tried_again_later_and_not_for_ever(
    watch: Watch, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.add_pull(3, "d" * 40, [])
    clock = [1_000_000.0]
    monkeypatch.setattr(watching, "now", lambda: clock[0])
    tries = []
    for _ in range(MAX_TRIES + 3):
        tries.append(look(watch, lambda line: None))
        assert look(watch, lambda line: None) == 0
        clock[0] += 10_000_000
    assert tries == [1] * MAX_TRIES + [0] * 3


def test_a_dry_run_posts_nothing(watch: Watch, github: FakeGitHub, origin: Repository) -> None:
    open_pull(github, origin, 7)
    look(replace(watch, dry_run=True), lambda line: None)
    assert {method for method, _ in github.seen} == {"GET"}


def test_a_new_rulebook_reviews_again(watch: Watch, github: FakeGitHub, origin: Repository) -> None:
    open_pull(github, origin, 7)
    look(watch, lambda line: None)
    said: list[str] = []
    look(replace(watch, rulebook="0.2+new"), said.append)
    assert len(said) == 1


def test_a_token_without_checks_still_comments(
    watch: Watch, direct: Client, github: FakeGitHub, origin: Repository
) -> None:
    open_pull(github, origin, 7)
    github.fault("POST", "/check-runs", "403", times=9)
    assert look(replace(watch, client=direct), lambda line: None) == 0
    assert (len(github.comments), len(github.checks)) == (1, 0)


def test_state_survives_and_a_foreign_file_is_refused(tmp_path: Path) -> None:
    from harness.github.state import Seen

    seen = Seen("o/n", 7, "a" * 40, "r", "published", "CLEAN", "", 1, 5.0, "https://x")
    with State(tmp_path / "s") as state:
        state.keep(seen)
    with State(tmp_path / "s") as state:
        assert state.latest() == (seen,)
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE t (x)")
    other.commit()
    other.close()
    with pytest.raises(UserError, match="no state of a watch"):
        State(tmp_path / "other")


def test_the_command_looks_once_and_asks_who_it_is(
    client: Client, github: FakeGitHub, origin: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from harness.cli import app

    head = open_pull(github, origin, 7)
    github.author = "referee-app[bot]"
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    monkeypatch.chdir(tmp_path)
    arguments = ["watch", "--repo", client.slug, "--remote", origin.path, "--skip", "smoke", "--once"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"#7 {head[:12]} UNCLEAR\n"
    assert github.comments[1]["user"]["login"] == "referee-app[bot]"
    assert {path.name for path in tmp_path.iterdir()} >= {"n.git", "watch.sqlite", "runs"}
    assert CliRunner().invoke(app, arguments).stdout == ""
