"""The rows of the table as JavaScript that assigns one variable, for pages opened from disk to read.

Promises that nothing in the data can end the script or forge text: markup characters are spelled as
escapes, and control, bidirectional and invisible characters are made visible. Names are stored once and
referred to by number.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audits.outcome import Status
from audits.policy import POLICY_NAMES
from audits.verdict import AxisCall
from harness.dashboard.field import AXES, CALLS
from harness.report.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.dashboard.field import Field, Row

AXIS_CALLS: tuple[str, ...] = tuple(call.value for call in AxisCall)
STATUSES: tuple[str, ...] = tuple(status.value for status in Status)
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_NAME_CHARS = 120

COLUMNS = (
    "pr position date track name author folder claimed logged calls axes patterns statuses cluster"
    " artifact train eval implied tokens smoke cause"
).split()
"""The fields of one row, in order; `assets/site.js` reads them by these names."""


class _Names:
    """Numbers for names, in the order in which they were first seen."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        return self.known.setdefault(name, len(self.known))


def script(variable: str, value: Any) -> str:
    """Return JavaScript that assigns `value` to `window.<variable>`."""
    return f"window.{variable}={safe_json(value)};\n"


def safe_json(value: Any) -> str:
    """Return JSON that neither ends a script element nor opens a comment in one."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char, escape in _ESCAPES.items():
        text = text.replace(char, escape)
    return text


def entries_payload(field: Field) -> Mapping[str, Any]:
    """Return every row of the field, with the names that rows refer to by number."""
    tracks, patterns, clusters = _Names(), _Names(), _Names()
    rules = [rule.id for rule in field.rules]
    several = frozenset(field.clusters())
    rows = [_row(row, rules, tracks, patterns, clusters, several) for row in field.rows]
    return {
        "columns": COLUMNS,
        "calls": CALLS,
        "axisCalls": AXIS_CALLS,
        "axes": AXES,
        "policies": POLICY_NAMES,
        "statuses": STATUSES,
        "rules": rules,
        "tracks": list(tracks.known),
        "patterns": list(patterns.known),
        "clusters": list(clusters.known),
        "rows": rows,
    }


def _row(
    row: Row, rules: list[str], tracks: _Names, patterns: _Names, clusters: _Names, several: frozenset[str]
) -> list[Any]:
    entry, judged, figures = row.entry, row.judged, row.summary
    return [
        *row.where,
        row.pull.committed_at[:10],
        tracks[(entry.track if entry else None) or ""],
        one_line(figures.name, _NAME_CHARS) if figures else "",
        one_line(figures.github_id or figures.author, 60) if figures else "",
        one_line(entry.folder, _NAME_CHARS) if entry else "",
        _rounded(figures.claimed_bpb if figures else None, 6),
        _rounded(figures.logged_bpb if figures else None, 6),
        "".join(str(CALLS.index(row.call(policy))) for policy in POLICY_NAMES),
        "".join(_axis(row, axis, policy) for policy in POLICY_NAMES for axis in AXES) if judged else "",
        [patterns[name] for name in judged.patterns] if judged else [],
        "".join(_status(judged.statuses.get(rule)) for rule in rules) if judged else "",
        clusters[entry.cluster] if entry and entry.cluster in several else -1,
        figures.artifact_bytes if figures else None,
        _rounded(figures.train_seconds if figures else None, 1),
        _rounded(figures.eval_seconds if figures else None, 1),
        _rounded(figures.implied_bytes if figures else None, 0),
        figures.val_tokens if figures else None,
        row.smoke.label.value if row.smoke else "",
        one_line(row.cause.strip().splitlines()[-1], 200) if row.cause.strip() else "",
    ]


def _axis(row: Row, axis: str, policy: str) -> str:
    return str(AXIS_CALLS.index(row.axis(axis, policy)))


def _status(status: str | None) -> str:
    return "-" if status is None else str(STATUSES.index(status))


def _rounded(value: float | None, digits: int) -> float | int | None:
    if value is None or abs(value) > 1e15:
        return None
    return round(value, digits) if digits else round(value)
