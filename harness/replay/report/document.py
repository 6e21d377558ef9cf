"""The published JSON of a replay, `referee-replay/1`, and the schema that describes it.

Promises that fields are only ever added within one major version; a change of meaning or a removal gives the
next number and a new file under docs/schema/.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from harness.replay.compare import Comparison, LimitCheck, SeedComparison, Verdict
from harness.replay.measurement import Measurement
from harness.replay.plan import Plan

SCHEMA_ID: Final = "referee-replay/1"


@dataclass(frozen=True, slots=True)
class ReplayFile:
    """The whole of one replay, as programs read it."""

    schema: Literal["referee-replay/1"]
    verdict: Verdict
    why: str
    seeds: tuple[SeedComparison, ...]
    limits: tuple[LimitCheck, ...]
    comparison: Comparison
    measurement: Measurement
    plan: Plan


@cache
def _adapter() -> TypeAdapter[ReplayFile]:
    return TypeAdapter(ReplayFile)


def to_json(plan: Plan, measurement: Measurement, comparison: Comparison) -> str:
    """Return the report as JSON text."""
    file = ReplayFile(
        schema=SCHEMA_ID,
        verdict=comparison.verdict,
        why=comparison.why,
        seeds=comparison.seeds,
        limits=comparison.limits,
        comparison=comparison,
        measurement=measurement,
        plan=plan,
    )
    return json.dumps(_adapter().dump_python(file, mode="json"), indent=2, ensure_ascii=True) + "\n"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of what `referee replay --format json` writes."""
    schema = _adapter().json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": SCHEMA_ID}
