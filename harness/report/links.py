"""Links of a comment: to a file of the judged commit, in the repository that the caller named.

Promises that no part of an address is taken over unquoted from a submission.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from audits.errors import UserError
from harness.report.escape import inline_code

if TYPE_CHECKING:
    from harness.report.markdown import Options
    from harness.report.view_model import JudgedModel

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SLUG = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_REMOTE = re.compile(r"(?:https://github\.com/|(?:ssh://)?git@github\.com[:/])(.+?)(?:\.git)?/?")
_PLAIN = re.compile(r"https://[A-Za-z0-9.-]+/[A-Za-z0-9._~/#?=&%-]*")


def blob_url(repository: str, sha: str, path: str, first: int | None = None, last: int | None = None) -> str:
    """Return lines of a file at a commit on GitHub, empty for what is no commit or no repository."""
    if not _SHA.fullmatch(sha) or not _SLUG.fullmatch(repository):
        return ""
    name = quote(path.encode("utf-8", "replace"), safe="/")
    lines = f"#L{first}" + (f"-L{last}" if last and first and last > first else "") if first else ""
    return f"https://github.com/{repository}/blob/{sha}/{name}{lines}"


def file_url(
    judged: JudgedModel,
    options: Options,
    path: str | None,
    first: int | None = None,
    last: int | None = None,
) -> str:
    """Return lines of a file of the judged folder, empty where nothing is to be linked."""
    if options.repository is None or judged.head_sha is None or path is None:
        return ""
    folder = "" if judged.path == "." else judged.path.rstrip("/") + "/"
    return blob_url(options.repository, judged.head_sha, folder + path, first, last)


def linked(text: str, url: str, *, in_table: bool = False, limit: int = 300) -> str:
    """Return text as code, as a link where there is an address."""
    shown = inline_code(text, in_table=in_table, limit=limit)
    return f"[{shown}]({url})" if url else shown


def is_plain_url(text: str) -> bool:
    """Tell whether an address can stand in markdown as it is."""
    return _PLAIN.fullmatch(text) is not None


def repository_of(remote: str) -> str | None:
    """Return `owner/name` from the address of a GitHub remote, None for any other."""
    found = re.fullmatch(
        r"(?:https://github\.com/|git@github\.com:|ssh://git@github\.com/)(.+?)(?:\.git)?/?", remote
    )
    return found[1] if found and _SLUG.fullmatch(found[1]) else None


def require_slug(text: str) -> str:
    """Return a name of the form `owner/name`, or raise a user error."""
    if not _SLUG.fullmatch(text):
        raise UserError(f"not a repository name: {text[:200]}", "write it as owner/name")
    return text
