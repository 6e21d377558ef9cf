"""The published JSON of a score, `referee-score/1`, and the schema that describes it.

Promises that fields are only ever added within one major version; a change of meaning or a removal gives the
next number and a new file under docs/schema/.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from harness.score.report import SCHEMA_ID, ScoreReport


@cache
def _adapter() -> TypeAdapter[ScoreReport]:
    return TypeAdapter(ScoreReport)


def to_json(report: ScoreReport) -> str:
    """Return the report as JSON text."""
    return json.dumps(_adapter().dump_python(report, mode="json"), indent=2, ensure_ascii=True) + "\n"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of what `referee score --format json` writes."""
    schema = _adapter().json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": SCHEMA_ID}
