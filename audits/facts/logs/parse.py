"""Finds the logs of a folder, cuts files that hold several runs apart, and reads each run's fields."""

from __future__ import annotations

import hashlib
import itertools
import re
from typing import NamedTuple

from audits.challenge import Challenge
from audits.facts.claim import Claim
from audits.facts.logs.dialect import Field, Hit, fields, scan
from audits.facts.logs.hyperparameters import read_hyperparameters
from audits.facts.logs.records import (
    EvalTime,
    FinalLine,
    HessianRun,
    LogFacts,
    SizeLine,
    SourceDump,
    StepTime,
    StopLine,
)
from audits.facts.logs.text import LogLine, split
from audits.location import Location
from audits.submission import SourceFile, Submission

LOG_SUFFIXES = frozenset({".log", ".out"})
TEXT_SUFFIXES = frozenset({".txt"})
RUNS_PER_FILE = 32
FILES = 200
_NAME_SEED = re.compile(r"(?:seed|(?:^|[_-])s)[_-]?(\d{1,10})(?!\d)", re.IGNORECASE)
_UNITS = {"ms": 1.0, "s": 1000.0, "m": 60_000.0, "": 1000.0}
_HEADER = ("seed", "world_size", "val_tokens", "train_shards", "params", "cap_seconds")
_BODY = ("step", "stop", "final", "total_bytes")


class Result(NamedTuple):
    """One line that states a result, before its twin has told the time."""

    hit: Hit
    label: str
    loss: str
    bpb: str


def parse_logs(submission: Submission, challenge: Challenge) -> tuple[LogFacts, ...]:
    """Return one record for every run of every log in the folder, in path order."""
    dialect = fields(challenge)
    found: list[LogFacts] = []
    for file in sorted(submission.files, key=lambda entry: entry.path)[:10_000]:
        if _may_be_log(file) and len(found) < FILES:
            runs = _read_file(file, dialect)
            if file.suffix in LOG_SUFFIXES or any(run.informative for run in runs):
                found.extend(run for run in runs if run.run == 0 or run.informative)
    return tuple(found)


def _may_be_log(file: SourceFile) -> bool:
    if file.absent or file.unread is not None or not file.data:
        return False
    if file.suffix in LOG_SUFFIXES:
        return True
    return file.suffix in TEXT_SUFFIXES and not file.name.lower().startswith("requirements")


def _read_file(file: SourceFile, dialect: tuple[Field, ...]) -> list[LogFacts]:
    lines, dump = split(file.data)
    hits = scan(lines, dialect)
    bounds = _run_starts(hits, len(lines))
    runs = []
    for number, (start, end) in enumerate(itertools.pairwise(bounds)):
        part = {name: [hit for hit in found if start <= hit.position < end] for name, found in hits.items()}
        runs.append(_read_run(file, number, lines[start:end], part, dump))
    return runs


def _run_starts(hits: dict[str, list[Hit]], count: int) -> list[int]:
    """Return the line indexes at which runs begin, closed by the number of lines."""
    marks = sorted(
        [(hit.position, True) for name in _HEADER for hit in hits.get(name, [])]
        + [(hit.position, False) for name in _BODY for hit in hits.get(name, [])]
    )
    seeds = {hit.position for hit in hits.get("seed", [])}
    starts, header, body_seen = [0], 0, False
    for index, is_header in marks:
        if not is_header:
            body_seen, header = True, -1
        elif header < 0:
            header = index
        # A seed printed again after results means that another run was pasted below the first.
        if index in seeds and body_seen and header > 0 and len(starts) < RUNS_PER_FILE:
            starts.append(header)
            body_seen = False
    return [*starts, max(count, starts[-1] + 1)]


def _read_run(
    file: SourceFile,
    number: int,
    lines: list[LogLine],
    hits: dict[str, list[Hit]],
    dump: SourceDump | None,
) -> LogFacts:
    path = file.path
    steps = [_step(hit) for hit in hits.get("step", [])]
    timed = [step for step in steps if step is not None]
    packed_lines = {hit.position for hit in hits.get("code_bytes_packed", [])}
    plain_code = [hit for hit in hits.get("code_bytes", []) if hit.position not in packed_lines]
    body = "\n".join(line.text for line in lines)
    last_val = hits.get("val_step", [])[-1:]
    return LogFacts(
        path=path,
        run=number,
        first_line=lines[0].number if lines else 1,
        last_line=lines[-1].number if lines else 1,
        size=file.size,
        digest=hashlib.sha256(body.encode("utf-8", errors="replace")).hexdigest(),
        truncated=file.truncated,
        seed=_integer(path, hits.get("seed", [])[:1]),
        name_seed=name_seed(path),
        world_size=_integer(path, hits.get("world_size", [])[:1]),
        val_tokens=_integer(path, hits.get("val_tokens", [])[:1]),
        train_shards=_integer(path, hits.get("train_shards", [])[:1]),
        cap_seconds=_number(path, hits.get("cap_seconds", [])[:1]),
        params=_integer(path, hits.get("params", [])[:1]),
        peak_memory_mib=_integer(path, hits.get("peak_memory_mib", [])[-1:]),
        gpu_name=_text(path, hits.get("gpu_name", [])[:1]),
        gpu_count=len(hits.get("gpu_name", [])),
        first_step=timed[0] if timed else None,
        last_step=timed[-1] if timed else None,
        previous_step=_previous(timed),
        stop=_stop(hits.get("stop", [])),
        code_bytes=_integer(path, plain_code[-1:]),
        code_bytes_packed=_integer(path, hits.get("code_bytes_packed", [])[-1:]),
        models=tuple(_size(hit) for hit in hits.get("model_bytes", [])[:64]),
        totals=_totals(hits),
        finals=_finals(hits),
        val_steps=len(hits.get("val_step", [])),
        last_val_bpb=Claim(float(last_val[0].groups[3]), _at(path, last_val[0]), last_val[0].line.text[:160])
        if last_val
        else None,
        eval_times=_eval_times(hits),
        total_eval=_total_eval(hits.get("total_eval", [])),
        gptq_reserve_seconds=_reserve(path, hits.get("gptq_reserve", [])),
        hessians=tuple(_hessian(hit) for hit in hits.get("hessian", [])[:16]),
        calibration_generated=_text(path, hits.get("calibration_generated", [])[:1]),
        counters=tuple(
            Claim(hit.groups[0], _at(path, hit), hit.line.text[:160]) for hit in hits.get("counter", [])[:16]
        ),
        hyperparameters=read_hyperparameters(lines, timed[0].line if timed else None),
        source_dump=dump if number == 0 else None,
    )


def name_seed(path: str) -> int | None:
    """Return the seed that a file name announces (`train_seed42.log`), or None."""
    match = _NAME_SEED.search(path.rsplit("/", 1)[-1])
    return int(match.group(1)) if match else None


def _at(path: str, hit: Hit) -> Location:
    return Location(path, hit.line.number, hit.line.number)


def _whole(text: str) -> int:
    digits = text.replace(",", "")
    return int(digits) if digits.isdigit() else 0


def _integer(path: str, found: list[Hit]) -> Claim[int] | None:
    if not found:
        return None
    return Claim(_whole(found[0].groups[0]), _at(path, found[0]), found[0].line.text[:160])


def _number(path: str, found: list[Hit]) -> Claim[float] | None:
    if not found:
        return None
    return Claim(float(found[0].groups[0]), _at(path, found[0]), found[0].line.text[:160])


def _text(path: str, found: list[Hit]) -> Claim[str] | None:
    if not found:
        return None
    return Claim(found[0].groups[0].strip(), _at(path, found[0]), found[0].line.text[:160])


def _step(hit: Hit) -> StepTime | None:
    step, total, value, unit = hit.groups
    if hit.line.text.lower().startswith("warmup"):
        return None
    return StepTime(_whole(step), _whole(total) or None, float(value) * _UNITS[unit.lower()], hit.line.number)


def _previous(steps: list[StepTime]) -> StepTime | None:
    # Validation lines repeat a step; the pace needs an earlier one.
    last = steps[-1] if steps else None
    return next((step for step in reversed(steps) if last and step.step < last.step), None)


def _stop(found: list[Hit]) -> StopLine | None:
    if not found:
        return None
    value, unit, step, total = found[-1].groups
    return StopLine(float(value) * _UNITS[unit.lower()], _whole(step), _whole(total), found[-1].line.number)


def _size(hit: Hit) -> SizeLine:
    suffix, count = hit.groups
    return SizeLine(suffix.strip(), _whole(count), hit.line.number, hit.line.text[:160])


def _totals(hits: dict[str, list[Hit]]) -> tuple[SizeLine, ...]:
    lines = [_size(hit) for hit in hits.get("total_bytes", [])[:64]]
    for name in ("artifact_bytes", "budget"):
        lines += [
            SizeLine(name, _whole(hit.groups[0]), hit.line.number, hit.line.text[:160])
            for hit in hits.get(name, [])[:8]
        ]
    return tuple(sorted(lines, key=lambda line: line.line))


_TWIN = re.compile(r"_exact\b|:done\b")


def _family(label: str) -> str:
    return _TWIN.sub("", label.lower()).strip(" :|-")


_EVAL_TIME = re.compile(
    r"\b(?:eval_time|elapsed|time)[:=]\s*(\d{1,10}(?:\.\d{1,9})?)\s*(ms|s)", re.IGNORECASE
)


def stated_seconds(text: str) -> float | None:
    """Return the time that a result line states for itself, in seconds."""
    match = _EVAL_TIME.search(text)
    return float(match.group(1)) * _UNITS[match.group(2).lower()] / 1000.0 if match else None


def _finals(hits: dict[str, list[Hit]]) -> tuple[FinalLine, ...]:
    known = {hit.position for hit in hits.get("final", [])}
    rows = [Result(hit, *hit.groups) for hit in hits.get("final", [])]
    rows += [
        Result(hit, hit.groups[0], "", hit.groups[1])
        for hit in hits.get("final_bpb_only", [])
        if hit.position not in known
    ]
    rows.sort(key=lambda row: row.hit.position)
    twins: dict[str, float] = {}
    for row in rows:
        seconds = stated_seconds(row.hit.line.text)
        if seconds is not None:
            twins[_family(row.label)] = seconds
    return tuple(
        FinalLine(
            label=row.label,
            val_loss=float(row.loss) if row.loss else None,
            val_bpb=float(row.bpb),
            loss_text=row.loss,
            bpb_text=row.bpb,
            line=row.hit.line.number,
            eval_seconds=twins.get(_family(row.label)),
            text=row.hit.line.text[:240],
        )
        for row in rows[:256]
    )


def _eval_times(hits: dict[str, list[Hit]]) -> tuple[EvalTime, ...]:
    found = []
    for hit in hits.get("final", []):
        seconds = stated_seconds(hit.line.text)
        if seconds is not None:
            found.append(EvalTime(hit.groups[0], seconds, hit.line.number, hit.line.text[:160]))
    return tuple(found[:256])


def _total_eval(found: list[Hit]) -> tuple[EvalTime, ...]:
    return tuple(
        EvalTime(
            "total_eval" + hit.groups[0],
            float(hit.groups[1]) * _UNITS[hit.groups[2].lower()] / 1000.0,
            hit.line.number,
            hit.line.text[:160],
        )
        for hit in found[:16]
    )


def _reserve(path: str, found: list[Hit]) -> Claim[float] | None:
    if not found:
        return None
    value, unit = found[0].groups
    seconds = float(value) * _UNITS[unit.lower()] / 1000.0
    return Claim(seconds, _at(path, found[0]), found[0].line.text[:160])


def _hessian(hit: Hit) -> HessianRun:
    return HessianRun(_whole(hit.groups[0]), float(hit.groups[1]), hit.line.number, hit.line.text[:160])
