"""Reads submission.json in all the dialects that were handed in (no schema was ever published)."""

from __future__ import annotations

import math
import re
from typing import Any

from audits.facts.claim import Claim
from audits.facts.claims.json_text import JsonText, read_json
from audits.facts.claims.records import JsonProblem, SeedClaim, SubmissionClaims
from audits.location import Location
from audits.submission import SourceFile, Submission

FILE = "submission.json"
BPB = ("val_bpb", "bpb", "val_bpb_exact")
BPB_MEAN = ("mean_val_bpb", "val_bpb_mean", "mean_bpb", "val_bpb_3seed_mean", "mean_val_bpb_3seed")
BPB_STD = ("val_bpb_std", "std_val_bpb", "std_bpb", "bpb_std")
TOTAL = (
    "bytes_total",
    "total_bytes",
    "artifact_bytes",
    "artifact_size_bytes",
    "artifact_bytes_max",
    "artifact_bytes_total",
    "submission_bytes",
)
TOTAL_MEAN = ("artifact_bytes_mean", "bytes_total_mean")
CODE = ("bytes_code", "code_bytes")
MODEL = ("bytes_model", "model_bytes", "bytes_weights")
STEPS = ("step_stop", "steps", "num_steps", "training_steps", "iterations_completed")
TRAIN = (
    "wallclock_seconds",
    "train_time_s",
    "train_time_seconds",
    "training_time_seconds",
    "train_seconds",
    "training_seconds",
    "training_time_s",
)
EVAL = (
    "eval_seconds",
    "eval_time_seconds",
    "eval_time_s",
    "ttt_eval_time_s",
    "ttt_time_seconds",
    "total_eval_time_s",
    "ttt_eval_seconds",
)
SEEDS = (
    "seed_results",
    "seeds",
    "per_seed",
    "per_seed_results",
    "results_by_seed",
    "runs",
    "results",
)
RESULTS = ("results", "result", "metrics", "scores", "summary_metrics")
HARDWARE = ("hardware", "gpu", "gpus", "device", "platform", "compute")
PREDECESSOR = (
    "comparison_baseline_pr",
    "baseline_pr",
    "base_pr",
    "predecessor_pr",
    "previous_sota_pr",
    "compared_to_pr",
    "prior_sota_pr",
)
_BPB_KEY = re.compile(r"(?:^|_)bpb(?:_|$)", re.IGNORECASE)
_BYTES_KEY = re.compile(r"(?:^|_)bytes(?:_|$)", re.IGNORECASE)
_SEED_KEY = re.compile(r"(?:^|\D)(\d{1,12})(?:\D|$)")
_PR = re.compile(r"#?(\d{1,5})\b")
Path = tuple[str, ...]


class _Reader:
    """Finds typed values by key and remembers oddities."""

    def __init__(self, path: str, document: JsonText) -> None:
        self.path = path
        self.lines = document.lines
        self.problems = list(document.problems)

    def location(self, keys: Path) -> Location:
        line = next((self.lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self.lines), 1)
        return Location(self.path, line, line)

    def number(self, table: dict[str, Any], names: tuple[str, ...], at: Path = ()) -> Claim[float] | None:
        for name in names:
            value = table.get(name)
            if isinstance(value, str):
                value = self._from_text(value, (*at, name))
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if isinstance(value, int) and abs(value) > 10**18:
                continue
            if math.isfinite(value):
                return Claim(float(value), self.location((*at, name)), f"{name}: {value!r}"[:160])
        return None

    def whole(self, table: dict[str, Any], names: tuple[str, ...], at: Path = ()) -> Claim[int] | None:
        claim = self.number(table, names, at)
        return Claim(round(claim.value), claim.location, claim.text) if claim else None

    def text(self, table: dict[str, Any], names: tuple[str, ...], at: Path = ()) -> Claim[str] | None:
        for name in names:
            value = table.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)[:1]):
                return Claim(str(value)[:4000], self.location((*at, name)), f"{name}: {str(value)[:120]}")
        return None

    def _from_text(self, value: str, keys: Path) -> float | None:
        cleaned = value.strip().replace(",", "").lstrip("~≈")
        match = re.match(r"-?\d{1,15}(?:\.\d{1,15})?(?![\d.])", cleaned)
        if not match:
            return None
        if _BPB_KEY.search(keys[-1]):
            line = self.location(keys).start_line
            self.problems.append(JsonProblem("number-as-text", f"{keys[-1]} is text: {value[:60]!r}", line))
        return float(match.group())


def read_submission_json(submission: Submission) -> SubmissionClaims:
    """Return what submission.json claims, or why it cannot be read."""
    file = submission.file(FILE) or _lookalike(submission)
    if file is None:
        return SubmissionClaims(FILE, (JsonProblem("missing", "there is no submission.json"),))
    if file.absent or file.unread is not None:
        why = file.unread or "the repository names the file but does not hold it"
        return SubmissionClaims(FILE, (JsonProblem("absent", why),))
    document = read_json(file.data)
    if not isinstance(document.value, dict):
        extra = (
            ()
            if any(p.fatal for p in document.problems)
            else (JsonProblem("not-an-object", f"the top level is {type(document.value).__name__}"),)
        )
        return SubmissionClaims(FILE, (*document.problems, *extra))
    return _read_object(_Reader(file.path, document), document.value)


def _lookalike(submission: Submission) -> SourceFile | None:
    """Return a file that is evidently meant as submission.json (`submission_ternary.json`)."""
    names = [
        file for file in submission.files if re.match(r"submission[\w.-]{0,60}\.json$", file.path.lower())
    ]
    return names[0] if len(names) == 1 else None


def _read_object(reader: _Reader, table: dict[str, Any]) -> SubmissionClaims:
    model = reader.whole(table, (*MODEL, *(key for key in table if str(key).startswith("bytes_model"))))
    seeds = _seeds(reader, table)
    return SubmissionClaims(
        path=reader.path,
        name=reader.text(table, ("name", "title", "submission_name", "run_name")),
        author=reader.text(table, ("author", "authors")),
        github_id=reader.text(table, ("github_id", "github", "github_username")),
        date=reader.text(table, ("date",)),
        track=reader.text(table, ("track",)),
        summary=reader.text(table, ("blurb", "description", "summary", "technique_summary")),
        val_bpb=_score(reader, table, BPB),
        val_bpb_mean=_score(reader, table, BPB_MEAN),
        val_bpb_std=_score(reader, table, BPB_STD),
        val_loss=reader.number(table, ("val_loss",)),
        other_bpb=_others(reader, table, _BPB_KEY, (*BPB, *BPB_MEAN, *BPB_STD)),
        bytes_total=reader.whole(table, TOTAL),
        bytes_code=reader.whole(table, CODE),
        bytes_model=model,
        other_bytes=tuple(
            Claim(round(claim.value), claim.location, claim.text)
            for claim in _others(reader, table, _BYTES_KEY, (*TOTAL, *CODE))
        ),
        steps=reader.whole(table, STEPS),
        train_seconds=_seconds(reader, table, TRAIN, ()),
        eval_seconds=_seconds(reader, table, EVAL, ()),
        seeds=seeds,
        seed_count=_seed_count(table, seeds),
        hardware=_hardware(reader, table),
        predecessor_pr=_predecessor(reader, table),
        compliance=_compliance(reader, table),
        keys=tuple(str(key) for key in list(table)[:400]),
        problems=tuple(reader.problems),
    )


def _score(reader: _Reader, table: dict[str, Any], names: tuple[str, ...]) -> Claim[float] | None:
    """Return a score from the top level, else from one of the tables that hold the results."""
    claim = reader.number(table, names)
    for key in RESULTS if claim is None else ():
        nested = table.get(key)
        if isinstance(nested, dict) and (found := reader.number(nested, names, (key,))):
            return found
    return claim


def _others(
    reader: _Reader, table: dict[str, Any], pattern: re.Pattern[str], known: tuple[str, ...]
) -> tuple[Claim[float], ...]:
    keys = [str(key) for key in list(table)[:400] if pattern.search(str(key)) and key not in known]
    found = (reader.number(table, (key,)) for key in keys)
    return tuple(claim for claim in found if claim is not None)


def _seconds(reader: _Reader, table: dict[str, Any], names: tuple[str, ...], at: Path) -> Claim[float] | None:
    claim = reader.number(table, names, at)
    if claim is None:
        stems = tuple(re.sub(r"_(?:s|seconds)$", "_ms", name) for name in names)
        claim = reader.number(table, stems, at)
        return Claim(claim.value / 1000.0, claim.location, claim.text) if claim else None
    return claim


def _seeds(reader: _Reader, table: dict[str, Any]) -> tuple[SeedClaim, ...]:
    for key in SEEDS:
        rows = _seed_rows(table.get(key), key)
        claims = tuple(_seed(reader, label, row, at) for label, row, at in rows[:64])
        if any(claim.val_bpb or claim.bytes_total for claim in claims):
            return claims
    return ()


def _seed_rows(value: Any, key: str) -> list[tuple[str, dict[str, Any], Path]]:
    if isinstance(value, dict):
        items = [(str(name), row, (key, str(name))) for name, row in value.items()]
    elif isinstance(value, list):
        items = [(str(_label(row, n)), row, (key, str(n))) for n, row in enumerate(value)]
    else:
        return []
    rows: list[tuple[str, dict[str, Any], Path]] = []
    for name, row, at in items:
        if isinstance(row, dict):
            rows.append((name, row, at))
        elif isinstance(row, float) and key != "seeds":
            rows.append((name, {at[-1]: row, "val_bpb": row}, at))
    return rows


def _label(row: Any, number: int) -> Any:
    return row.get("seed", row.get("run", number)) if isinstance(row, dict) else number


def _seed(reader: _Reader, label: str, row: dict[str, Any], at: Path) -> SeedClaim:
    number = row.get("seed")
    if isinstance(number, bool) or not isinstance(number, int):
        match = _SEED_KEY.search(label)
        number = int(match.group(1)) if match else None
    loose = tuple(key for key in row if _BPB_KEY.search(str(key)) and "pre" not in str(key).lower())
    final = tuple(key for key in loose if re.search(r"ttt|final|slot", str(key), re.IGNORECASE))
    return SeedClaim(
        seed=number,
        label=label[:60],
        val_bpb=reader.number(row, (*BPB, *final, *loose), at),
        val_loss=reader.number(row, ("val_loss", "loss"), at),
        bytes_total=reader.whole(row, TOTAL, at),
        bytes_model=reader.whole(row, (*MODEL, *(k for k in row if str(k).startswith("bytes_model"))), at),
        steps=reader.whole(row, STEPS, at),
        train_seconds=_seconds(reader, row, TRAIN, at),
        eval_seconds=_seconds(reader, row, EVAL, at),
    )


def _seed_count(table: dict[str, Any], seeds: tuple[SeedClaim, ...]) -> int | None:
    listed = table.get("seeds")
    if isinstance(listed, list):
        return len({str(entry)[:60] for entry in listed[:64]})
    if isinstance(listed, int) and not isinstance(listed, bool) and 0 < listed < 64:
        return listed
    return len(seeds) or None


def _hardware(reader: _Reader, table: dict[str, Any]) -> tuple[Claim[str], ...]:
    found: list[Claim[str]] = []
    for key in HARDWARE:
        value = table.get(key)
        parts = (
            value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
        )
        for part in parts[:20]:
            if isinstance(part, str) and part.strip():
                found.append(Claim(part[:300], reader.location((key,)), f"{key}: {part[:120]}"))
    return tuple(found)


def _predecessor(reader: _Reader, table: dict[str, Any]) -> Claim[int] | None:
    for key in PREDECESSOR:
        match = _PR.search(str(table.get(key, ""))[:200])
        if match:
            return Claim(int(match.group(1)), reader.location((key,)), f"{key}: {table[key]!s}"[:160])
    return None


def _compliance(reader: _Reader, table: dict[str, Any]) -> tuple[Claim[bool], ...]:
    flags = table.get("compliance")
    if not isinstance(flags, dict):
        return ()
    return tuple(
        Claim(value, reader.location(("compliance", str(key))), f"{key}: {value}"[:160])
        for key, value in list(flags.items())[:60]
        if isinstance(value, bool)
    )
