"""A probe's result as JSON data and back, and the JSON Schema that describes it."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from containers.probe_result import SCHEMA_ID, ProbeResult, summary
from harness.smoke.document import made_visible


@cache
def _adapter() -> TypeAdapter[ProbeResult]:
    return TypeAdapter(ProbeResult)


def prepare() -> None:
    """Make the adapter, which parses our own source, before threads share it."""
    _adapter()


def to_document(result: ProbeResult) -> dict[str, Any]:
    """Return the result as data that JSON holds; texts of theirs are made visible."""
    document = {"schema": SCHEMA_ID, "line": summary(result), **_adapter().dump_python(result, mode="json")}
    return {name: made_visible(value) for name, value in document.items()}


def from_document(document: dict[str, Any]) -> ProbeResult:
    """Return the result that a document describes."""
    known = {name: value for name, value in document.items() if name not in ("schema", "line")}
    return _adapter().validate_python(known)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of one probe's result."""
    schema = _adapter().json_schema(mode="serialization")
    properties = {
        "schema": {"const": SCHEMA_ID},
        "line": {"type": "string", "description": "The probe in one line."},
    }
    schema["properties"] = {**properties, **schema["properties"]}
    schema["required"] = sorted({*properties, *schema["properties"]})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": SCHEMA_ID}
