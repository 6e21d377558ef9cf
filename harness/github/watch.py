"""Carry out `referee watch`: poll open pull requests, review every new head, publish.

Promises that one bad pull request never stops the next: whatever it raises is kept as its reason and tried
again later, after longer and longer waits. The token is only used for the API, never for a submission.
"""

from __future__ import annotations

import shutil
import subprocess
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audits.errors import UserError
from harness.github.check_run import worst
from harness.github.client import status_of
from harness.github.comment import RunNumber
from harness.github.faults import SupersededError
from harness.github.publish import tell
from harness.github.pulls import pull_of, require_current
from harness.github.state import Seen, now

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.github.client import Client
    from harness.github.pulls import Pull
    from harness.github.state import State
    from harness.report.view_model import ReviewFile

GIT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched, and what is done about it."""

    client: Client
    state: State
    clone: Path
    """Bare clone that heads are fetched into; made when it is not there."""
    remote: str
    """Where it is fetched from."""
    runs: Path
    """Where run directories are kept."""
    author: str
    """Who the token writes as."""
    rulebook: str
    skip: tuple[str, ...] = ()
    dry_run: bool = False


def look(watch: Watch, say: Callable[[str], None]) -> int:
    """Review what is new among the open pull requests; return how many reviews failed."""
    failed = 0
    for pull in open_pulls(watch.client):
        known = watch.state.find(watch.client.slug, pull.number, pull.head_sha, watch.rulebook)
        if known is not None and known.settled(now()):
            continue
        seen = _attempt(watch, pull, known.tries if known else 0)
        watch.state.keep(seen)
        failed += seen.status == "failed"
        say(f"#{pull.number} {pull.head_sha[:12]} {seen.verdict or seen.status} {seen.reason}".rstrip())
    return failed


def open_pulls(client: Client) -> list[Pull]:
    """Return the open pull requests, oldest first."""
    listed = client.pages(client.api.rest.pulls.list, state="open", sort="created", direction="asc")
    return [pull_of(entry) for entry in listed]


def _attempt(watch: Watch, pull: Pull, tries: int) -> Seen:
    """Review one head, and turn whatever goes wrong into a record."""
    try:
        verdict, url = _one(watch, pull)
        status, reason = ("reviewed" if watch.dry_run else "published"), ""
    except SupersededError as moved:
        status, verdict, reason, url = "reviewed", "", moved.reason, ""
    except UserError as mistake:
        status, verdict, reason, url = "failed", "", mistake.message, ""
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
        status, verdict, url = "failed", "", ""
    return Seen(
        repository=watch.client.slug,
        pr=pull.number,
        head_sha=pull.head_sha,
        rulebook=watch.rulebook,
        status=status,
        verdict=verdict,
        reason=reason[:500],
        tries=tries + 1,
        at=now(),
        url=url,
    )


def _one(watch: Watch, pull: Pull) -> tuple[str, str]:
    """Fetch, review and publish one head; return verdict and address of the comment."""
    fetch(watch, pull)
    file = _review(watch, pull)
    verdict = worst(file) if file.folders else "nothing to review"
    if watch.dry_run:
        return verdict, ""
    require_current(watch.client, pull)
    try:
        told = tell(watch.client, pull, file, RunNumber(time.time_ns() // 1_000_000), "", watch.author)
    except Exception as fault:
        if status_of(fault) != 403:
            raise
        raise UserError(f"the token may not write on {watch.client.slug}", "see docs/ci.md") from fault
    return verdict, next((part.split()[1] for part in told if part.startswith("comment ")), "")


def fetch(watch: Watch, pull: Pull) -> None:
    """Bring base branch and head into the clone; nothing of them is checked out."""
    if not watch.clone.exists():
        _git("init", "--quiet", "--bare", str(watch.clone))
    base = f"+refs/heads/{pull.base_ref}:refs/heads/{pull.base_ref}"
    head = f"+refs/pull/{pull.number}/head:refs/pull/{pull.number}/head"
    _git("-C", str(watch.clone), "fetch", "--quiet", "--no-tags", watch.remote, base, head)


def _review(watch: Watch, pull: Pull) -> ReviewFile:
    """Review one head and keep its run directory."""
    from harness.auditing import Request
    from harness.review.output import keep
    from harness.review.reviewing import Plan, review

    request = Request(repo=str(watch.clone), pr=pull.number, base=f"refs/heads/{pull.base_ref}")
    plan = Plan(request, watch.skip)
    reviewed = review(plan)
    if reviewed.file.head_sha != pull.head_sha:
        raise SupersededError(f"pull request {pull.number} moved on to {(reviewed.file.head_sha or '')[:12]}")
    run = watch.runs / f"pr-{pull.number}-{pull.head_sha[:12]}"
    shutil.rmtree(run, ignore_errors=True)
    keep(reviewed, plan, watch.client.slug, run)
    return reviewed.file


def _git(*arguments: str) -> None:
    """Run git; what it says on failure becomes the reason."""
    command = ["git", "-c", "protocol.ext.allow=never", "-c", "gc.auto=0", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(f"git took longer than {GIT_SECONDS} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UserError(f"git: {said[-1] if said else 'failed'}")
