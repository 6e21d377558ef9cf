"""Templates to files.

Promises that autoescape is on, and that every text that a page prints has its invisible characters spelled
out.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from harness.dashboard import links
from harness.dashboard.field import AXES, CALLS
from harness.report.escape import visible

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Environment

MEANING = {
    "ILLEGAL": "breaks the rules on what may be learned from, and when",
    "VIOLATION": "is over a limit, or its score is not the challenge's score",
    "FLAG": "needs a person to decide a point that the rules leave open",
    "UNCLEAR": "could not be judged in full",
    "NEEDS_AUTHOR_ACTION": "is legal as far as it can be read; the author has to complete or correct it",
    "CLEAN": "is legal, within its limits and consistent with its own claims, as far as reading can tell",
    "CRASHED": "could not be audited: the audit timed out, ran out of memory or failed; never a pass",
    "PENDING": "has not been looked at yet: the sweep was interrupted",
    "NOTHING": "holds no record folder and no training script",
    "NOT_APPLICABLE": "no rule of this axis applies",
}
_WORDS = {"NEEDS_AUTHOR_ACTION": "Author to act", "NOTHING": "Nothing to audit"}


@cache
def environment() -> Environment:
    """Return the templates with everything they may call."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("harness.dashboard"),
        autoescape=True,
        finalize=_plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(number=number, word=word, share=share)
    env.globals.update(
        AXES=AXES,
        CALLS=CALLS,
        MEANING=MEANING,
        blob_url=links.blob_url,
        commit_url=links.commit_url,
        known_rules=known_rules,
        pull_page=links.pull_page,
        pull_url=links.pull_url,
        rule_page=links.rule_page,
        table=links.table,
    )
    return env


@cache
def known_rules() -> frozenset[str]:
    """Return the rules that have a page; an older sweep may name others."""
    from audits.rules import discover

    return frozenset(rule.id for rule in discover())


def write_page(out: Path, path: str, template: str, **values: Any) -> None:
    """Write one page of the site; its links start from where it lies."""
    root = "../" * path.count("/")
    text = environment().get_template(template).render(root=root, path=path, **values)
    target = out / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with separators, or a dash."""
    return "–" if value is None else f"{value:,.{digits}f}"


def share(part: int, whole: int) -> str:
    """Return a share in per cent."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def word(call: str) -> str:
    """Return a call as a reader says it."""
    return _WORDS.get(call, call.replace("_", " ").capitalize())


def _plain(value: Any) -> Any:
    """Spell out unsafe characters of plain text; markup of our own passes."""
    return visible(value) if type(value) is str else value
