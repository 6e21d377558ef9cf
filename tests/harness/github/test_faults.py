"""What goes wrong at GitHub: waited for, tried again, or told in one line; never a second comment."""

from __future__ import annotations

import contextlib
import datetime
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from githubkit.exception import RateLimitExceeded, RequestFailed

from harness.github import comment
from harness.github.client import connect
from harness.github.comment import RunNumber, run_of, upsert
from harness.github.publish import publish
from tests.harness.github.conftest import HASTE
from tests.harness.github.runs import PR, RUN, again, event, finished, opened

if TYPE_CHECKING:
    from pathlib import Path

    from harness.github.client import Client
    from tests.harness.github.fake import FakeGitHub
    from tests.harness.github.runs import Finished


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finished(tmp_path_factory.mktemp("done"))


@pytest.mark.parametrize("kind", ["rate", "secondary"])
def test_a_rate_limit_is_waited_for(direct: Client, github: FakeGitHub, done: Finished, kind: str) -> None:
    github.fault("POST", r"/issues/7/comments", kind)
    started = time.monotonic()
    assert publish(direct, opened(github, done)).done
    assert time.monotonic() - started > 0.2
    assert len(github.comments) == 1


def test_a_rate_limit_that_lasts_too_long_is_an_error(
    github: FakeGitHub, done: Finished, direct: Client
) -> None:
    from dataclasses import replace

    hurried = connect("o/n", token="t", patience=replace(HASTE, longest_wait=datetime.timedelta(0)))
    github.fault("GET", r"/actions/runs", "secondary")
    with pytest.raises(RateLimitExceeded):
        publish(hurried, opened(github, done))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", r"/pulls$"),
        ("GET", r"/actions/runs"),
        ("GET", r"/blob/"),
        ("POST", r"/issues/7/comments"),
        ("POST", r"/check-runs"),
        ("POST", r"/issues/7/labels"),
    ],
)
@pytest.mark.parametrize("kind", ["502", "drop"])
def test_a_fleeting_fault_is_tried_again(
    direct: Client, github: FakeGitHub, done: Finished, method: str, path: str, kind: str
) -> None:
    github.fault(method, path, kind, times=2)
    assert publish(direct, opened(github, done)).done
    assert (len(github.comments), len(github.checks)) == (1, 1)


@pytest.mark.parametrize("path", [r"/issues/7/comments", r"/check-runs"])
def test_a_connection_lost_after_the_deed_doubles_nothing(
    direct: Client, github: FakeGitHub, done: Finished, path: str
) -> None:
    github.fault("POST", path, "drop-after")
    assert publish(direct, opened(github, done)).done
    assert (len(github.comments), len(github.checks)) == (1, 1)


def test_a_server_that_stays_down_is_an_error(direct: Client, github: FakeGitHub, done: Finished) -> None:
    github.fault("POST", r"/issues/7/comments", "503", times=99)
    with pytest.raises(RequestFailed):
        publish(direct, opened(github, done))


def test_a_comment_that_is_too_long_is_shortened(direct: Client, github: FakeGitHub, done: Finished) -> None:
    github.fault("POST", r"/issues/7/comments", "422", times=2)
    assert publish(direct, opened(github, done)).done
    assert len(github.comments[1]["body"]) < 30_000


def test_a_pull_request_that_is_gone_ends_quietly(direct: Client, github: FakeGitHub, done: Finished) -> None:
    event_ = opened(github, done)
    github.fault("GET", r"/pulls/7$", "404")
    assert publish(direct, event_).superseded == "pull request 7 is gone"
    assert github.comments == {}


def test_a_deleted_fork_is_found_by_its_number_and_head(
    direct: Client, github: FakeGitHub, done: Finished
) -> None:
    """The published schema does not know that a head may have no repository; GitHub does answer so."""
    opened(github, done)
    github.pulls[PR]["head"]["repo"] = None
    told = publish(direct, event(done.head, head_repository=None))
    assert (told.refused, told.superseded) == ("", "")
    assert len(github.comments) == 1


def test_a_push_between_review_and_post_leaves_the_word_to_the_newer_run(
    direct: Client, github: FakeGitHub, done: Finished
) -> None:
    event_ = opened(github, done)

    def push() -> None:
        github.pulls[PR]["head"]["sha"] = "b" * 40

    github.fault("GET", r"/pulls/7/files", "hook", hook=push)
    told = publish(direct, event_)
    assert told.superseded == f"pull request 7 moved on to {'b' * 12}"
    assert (github.comments, github.checks, github.sarifs) == ({}, {}, [])


def test_a_push_before_the_post_is_no_refusal(client: Client, github: FakeGitHub, done: Finished) -> None:
    event_ = opened(github, done)
    github.pulls[PR]["head"]["sha"] = "c" * 40
    assert publish(client, event_).superseded == f"pull request 7 moved on to {'c' * 12}"


def test_an_older_run_never_writes_over_a_newer_one(
    client: Client, github: FakeGitHub, done: Finished, tmp_path: Path
) -> None:
    newer = again(done.repository, tmp_path / "newer", {"docs/x.md": "x"})
    publish(client, opened(github, newer, run=RUN + 5))
    body = github.comments[1]["body"]
    older = newer.archive()
    github.add_upload(RUN, older)
    assert publish(client, event(newer.head, RUN)).superseded == "a newer run has spoken on #7"
    assert github.comments[1]["body"] == body
    assert run_of(body) == RunNumber(RUN + 5, 1)


def test_two_runs_at_once_end_with_one_comment_of_the_newer(
    direct: Client, github: FakeGitHub, done: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from harness.github.faults import SupersededError
    from harness.github.upload import read_upload

    opened(github, done)
    file = read_upload(done.archive()).review
    both = threading.Barrier(2)
    looked = comment.find

    def find(*given: Any) -> list[dict[str, Any]]:
        """Let both runs look before either writes: the worst that can happen."""
        found = looked(*given)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(5)
        both.abort()
        return found

    monkeypatch.setattr(comment, "find", find)

    def post(run: int) -> None:
        try:
            upsert(direct, PR, file, RunNumber(run))
        except SupersededError:
            return

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(post, (RUN, RUN + 1)))
    assert len(github.comments) == 1
    (left,) = github.comments.values()
    assert run_of(left["body"]) == RunNumber(RUN + 1, 1)


def test_a_failed_review_is_said_on_the_head(client: Client, github: FakeGitHub, done: Finished) -> None:
    opened(github, done)
    told = publish(client, event(done.head, conclusion="failure"))
    assert told.refused == "the review ended as failure"
    assert github.checks[1]["output"]["summary"] == "the review ended as failure"


def test_code_scanning_that_is_off_does_not_fail_the_rest(
    direct: Client, github: FakeGitHub, done: Finished
) -> None:
    github.fault("POST", r"/code-scanning", "403")
    told = publish(direct, opened(github, done))
    assert told.done[-1] == "code scanning did not take the results (HTTP 403)"
    assert github.on_issue[PR]
