"""Write the records of a replay as JSON and read them back, checked against their types.

What is read may have been written by somebody else: every file has a size cap, and whatever does not fit the
record is an error that names the file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

from audits.errors import UserError
from harness.replay.measurement import Measurement, SeedMeasurement, Speed
from harness.replay.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from harness.rundir import ReplayDir

MAX_BYTES: Final = 64 << 20
Record = TypeVar("Record")


def write_record(path: Path, record: object) -> None:
    """Write a record so that a kill leaves the old file or the new one, never half of one."""
    from pydantic import TypeAdapter

    data = TypeAdapter(type(record)).dump_json(record, indent=1)
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(data + b"\n")
    os.replace(beside, path)


def read_record(path: Path, kind: type[Record]) -> Record:
    """Return a record; raises UserError for a file that is missing, too large or something else."""
    from pydantic import TypeAdapter, ValidationError

    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}", "is this the directory of a replay?"
        ) from None
    if len(data) > MAX_BYTES:
        raise UserError(f"{path} is larger than {MAX_BYTES} bytes", "no replay writes that")
    try:
        return TypeAdapter(kind).validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path} is no {kind.__name__}: {where}: {first['msg']}", "") from None


def read_plan(directory: ReplayDir) -> Plan:
    """Return the plan of a replay."""
    return read_record(directory.plan, Plan)


def read_measurement(directory: ReplayDir) -> Measurement:
    """Return what was measured: every seed of the plan that is done."""
    plan = read_plan(directory)
    done = [seed for seed in plan.seeds if directory.seed_measurement(seed).is_file()]
    runs = tuple(read_record(directory.seed_measurement(seed), SeedMeasurement) for seed in done)
    speed = read_record(directory.speed, Speed) if directory.speed.is_file() else None
    return Measurement(runs, speed)
