"""Fetch a pull request named by its URL, where the network allows.

The one place of the package that reaches the network, and only when the user names a URL without `--repo`.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audits.errors import UserError

if TYPE_CHECKING:
    from audits.intake.result import Intake

_URL = re.compile(r"https?://([\w.-]+)/([\w.-]+)/([\w.-]+?)(?:\.git)?/pulls?/(\d{1,7})(?:[/?#].*)?\Z")


@dataclass(frozen=True, slots=True)
class PullUrl:
    """A pull request on a git host."""

    repository: str
    """Clone URL."""
    number: int


def parse_pull_url(text: str) -> PullUrl | None:
    """Return the pull request a URL names, or None when it names none."""
    match = _URL.match(text.strip()[:500])
    if match is None:
        return None
    host, owner, name, number = match.groups()
    return PullUrl(repository=f"https://{host}/{owner}/{name}", number=int(number))


def fetch_pull(url: PullUrl, *, folder: str | None, base: str | None, records_dir: str) -> Intake:
    """Return the submissions of a pull request, fetched into a temporary bare repository."""
    import pygit2

    from audits.intake.git import load_git

    with tempfile.TemporaryDirectory(prefix="referee-") as directory:
        try:
            repo = pygit2.init_repository(directory, bare=True)
            remote = repo.remotes.create("origin", url.repository)
            head = f"+refs/pull/{url.number}/head:refs/pull/{url.number}/head"
            remote.fetch([head, "+HEAD:refs/remotes/origin/main"])
        except (pygit2.GitError, OSError, ValueError) as error:
            raise UserError(
                f"cannot fetch {url.repository} pull request {url.number}: {error}",
                "check the network, or give a local clone: --repo DIR --pr N",
            ) from None
        found = load_git(
            directory, pr=url.number, ref=None, folder=folder, base=base, records_dir=records_dir
        )
    # The temporary repository is gone now; the address is what can be read again.
    return replace(
        found,
        submissions=tuple(
            replace(entry, origin=replace(entry.origin, path=url.repository)) for entry in found.submissions
        ),
    )
