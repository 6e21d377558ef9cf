"""One label that says how a pull request stands. Labels of others are never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.github.check_run import worst
from harness.github.client import status_of

if TYPE_CHECKING:
    from harness.github.client import Client
    from harness.report.view_model import ReviewFile

LABELS = {
    "referee: clean": ("2da44e", "Legal, within limits and consistent, as far as reading can tell"),
    "referee: flag": ("d4a72c", "A person has to decide or to look"),
    "referee: illegal": ("cf222e", "Breaks a rule or a limit"),
    "referee: needs-author-action": ("0969da", "The author has to complete or correct something"),
}
"""Name to colour and description."""
_BY_VERDICT = {
    "CLEAN": "referee: clean",
    "FLAG": "referee: flag",
    "UNCLEAR": "referee: flag",
    "VIOLATION": "referee: illegal",
    "ILLEGAL": "referee: illegal",
    "NEEDS_AUTHOR_ACTION": "referee: needs-author-action",
}


def label_of(file: ReviewFile) -> str | None:
    """Return the label of a review, None when there is nothing to review."""
    return _BY_VERDICT[worst(file)] if file.folders else None


def set_label(client: Client, number: int, label: str | None) -> None:
    """Leave exactly one of our labels on a pull request, or none."""
    issues = client.api.rest.issues
    listed = client.pages(issues.list_labels_on_issue, number)
    have = {str(entry["name"]) for entry in listed} & set(LABELS)
    for name in sorted(have - {label}):
        try:
            issues.remove_label(client.owner, client.name, number, name)
        except Exception as fault:
            if status_of(fault) != 404:  # somebody was faster
                raise
    if label is not None and label not in have:
        client.again(lambda: _add(client, number, label))


def _add(client: Client, number: int, label: str) -> None:
    """Add a label, which is made first where the repository does not have it."""
    issues = client.api.rest.issues
    try:
        issues.get_label(client.owner, client.name, label)
    except Exception as fault:
        if status_of(fault) != 404:
            raise
        color, description = LABELS[label]
        issues.create_label(client.owner, client.name, name=label, color=color, description=description)
    issues.add_labels(client.owner, client.name, number, labels=[label])
