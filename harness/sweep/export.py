"""The results of a sweep as a table that other programs read: JSON lines, CSV or Parquet.

Promises one row a record folder, one row for a pull request without any, and nothing that differs between two
sweeps of the same mirror: no time, no machine, no order of work.
"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from audits.errors import UserError
from audits.outcome import Axis
from audits.policy import POLICY_NAMES
from harness.sweep.records import State, Summary
from harness.sweep.smoke_phase import probes_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from containers.probe_result import ProbeResult
    from containers.smoke_result import SmokeResult
    from harness.sweep.reader import Reader
    from harness.sweep.records import Entry, Judged, Pull

FORMATS = ("jsonl", "csv", "parquet")
_SUMMARY = tuple(field.name for field in fields(Summary))
_INTEGERS = ("pr", "position", "logs", "artifact_bytes", "code_bytes", "val_tokens", "vocab_size")
_NUMBERS = ("claimed_bpb", "logged_bpb", "train_seconds", "eval_seconds", "implied_bytes")
_LISTS = ("seeds", "deciding", "patterns", "dormant", "statuses", "probe_conditions")
"""Columns that hold JSON text where the format has no lists."""


def export(reader: Reader, path: Path, format_: str) -> None:
    """Write every row of the sweep to `path`."""
    rows = list(rows_of(reader))
    try:
        match format_:
            case "jsonl":
                text = "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows)
                path.write_text(text, encoding="utf-8")
            case "csv":
                _write_csv(rows, path)
            case "parquet":
                _write_parquet(rows, path)
            case _:
                raise UserError(f"there is no export called {format_!r}", "choose " + ", ".join(FORMATS))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}", "choose another --out") from error


def rows_of(reader: Reader) -> Iterator[dict[str, Any]]:
    """Yield the rows by pull request and folder; every row has every column."""
    judged = {(item.entry.pr, item.entry.position): item for item in reader.judged()}
    smokes, probes = reader.smokes(), probes_of(reader)
    entries: dict[int, list[Entry]] = {}
    for entry in reader.entries():
        entries.setdefault(entry.pr, []).append(entry)
    for pull in reader.pulls():
        found = entries.get(pull.pr, [])
        if not found:
            yield _row(pull, None, None)
        for entry in found:
            where = (entry.pr, entry.position)
            yield _row(pull, entry, judged.get(where), smokes.get(where), probes.get(where))


def _row(
    pull: Pull,
    entry: Entry | None,
    judged: Judged | None,
    smoke: SmokeResult | None = None,
    probe: ProbeResult | None = None,
) -> dict[str, Any]:
    practice = judged.verdicts["practice"] if judged else None
    summary = asdict(judged.summary) if judged and judged.summary else dict.fromkeys(_SUMMARY)
    return {
        "pr": pull.pr,
        "position": entry.position if entry else None,
        "head_sha": pull.head_sha,
        "committed_at": pull.committed_at,
        "state": (entry.state if entry else pull.state).value,
        "cause": (entry.cause if entry and entry.state is State.CRASHED else "") or pull.cause,
        "path": _text(entry.path) if entry else "",
        "track": _text(entry.track) if entry and entry.track else "",
        "folder": _text(entry.folder) if entry else "",
        "main_script": _text(entry.main_script) if entry and entry.main_script else "",
        "script_blob": entry.script_blob if entry else "",
        "cluster": entry.cluster if entry else "",
        "overall": practice.overall if practice else "",
        **{axis.value: practice.axes[axis.value] if practice else "" for axis in Axis},
        **{f"overall_{name}": judged.verdicts[name].overall if judged else "" for name in POLICY_NAMES[1:]},
        "deciding": list(practice.deciding) if practice else [],
        "patterns": list(judged.patterns) if judged else [],
        "dormant": list(judged.dormant) if judged else [],
        "statuses": dict(judged.statuses) if judged else {},
        "smoke": smoke.label.value if smoke else "",
        "smoke_stage": smoke.stage.value if smoke else "",
        "smoke_error": _text(smoke.error.kind) if smoke and smoke.error else "",
        "smoke_module": _text(smoke.error.missing_module) if smoke and smoke.error else "",
        "probe": probe.verdict.value if probe else "",
        "probe_conditions": list(probe.conditions) if probe else [],
        **summary,
    }


def _text(text: str) -> str:
    """Return text that every format can hold: file names need not be valid Unicode."""
    return text.encode("utf-8", "replace").decode()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=True) if name in _LISTS else value for name, value in row.items()
    }


def _write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["pr"], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _not_a_formula(value) for name, value in _flat(row).items()} for row in rows)


def _not_a_formula(value: Any) -> Any:
    """Return a cell that a spreadsheet shows as text: names of submissions are theirs to choose."""
    return "'" + value if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _write_parquet(rows: list[dict[str, Any]], path: Path) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise UserError("Parquet needs pyarrow", "pip install 'golf-referee[parquet]'") from None
    names = list(rows[0]) if rows else ["pr"]
    kinds = {**dict.fromkeys(_INTEGERS, pa.int64()), **dict.fromkeys(_NUMBERS, pa.float64())}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
    parquet.write_table(pa.Table.from_pylist([_flat(row) for row in rows], schema=schema), path)
