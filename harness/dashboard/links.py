"""Where pages lie and what they link to. Every link inside the site is relative; outside, only to GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from audits.finding import Finding

REPOSITORY = "https://github.com/openai/parameter-golf"
_SHA_DIGITS = frozenset("0123456789abcdef")


def pull_page(pr: int, position: int = 0) -> str:
    """Return the page of a pull request, at one of its folders; relative to the root of the site."""
    return f"pr/{pr}.html" + (f"#folder-{position}" if position > 0 else "")


def rule_page(rule: str) -> str:
    """Return the page of a rule."""
    return f"rule/{quote(rule, safe='')}.html"


def table(**filters: str) -> str:
    """Return the table with filters set; the part behind `#` is what the table reads its state from."""
    return "prs.html#" + urlencode({name: value for name, value in filters.items() if value}, quote_via=quote)


def pull_url(pr: int) -> str:
    """Return the pull request on GitHub."""
    return f"{REPOSITORY}/pull/{pr}"


def commit_url(sha: str) -> str:
    """Return a commit on GitHub, empty for what is no commit."""
    return f"{REPOSITORY}/commit/{sha}" if _is_sha(sha) else ""


def blob_url(sha: str, folder: str, path: str, first: int | None = None, last: int | None = None) -> str:
    """Return lines of a file at a commit on GitHub, empty for what is no commit."""
    if not _is_sha(sha):
        return ""
    whole = quote(f"{folder}/{path}" if folder else path, safe="/")
    lines = f"#L{first}" + (f"-L{last}" if last and first and last > first else "") if first else ""
    return f"{REPOSITORY}/blob/{sha}/{whole}{lines}"


def finding_url(finding: Finding, sha: str, folder: str) -> str:
    """Return where a finding stands on GitHub; for an unpacked line, the line that holds the packed code."""
    if finding.path is None or finding.start_line is None:
        return ""
    if finding.layer:
        return blob_url(sha, folder, finding.path, finding.annotated_line)
    return blob_url(sha, folder, finding.path, finding.start_line, finding.end_line)


def _is_sha(text: str) -> bool:
    return len(text) in (40, 64) and set(text) <= _SHA_DIGITS
