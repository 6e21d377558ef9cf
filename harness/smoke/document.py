"""A smoke result as JSON data and back, and the JSON Schema that describes it."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from containers.smoke_result import SCHEMA_ID, SmokeResult, summary
from harness.report.escape import visible


@cache
def _adapter() -> TypeAdapter[SmokeResult]:
    return TypeAdapter(SmokeResult)


def prepare() -> None:
    """Make the adapter, which parses our own source, before threads share it."""
    _adapter()


def to_document(result: SmokeResult) -> dict[str, Any]:
    """Return the result as data that JSON holds; texts of theirs are made visible."""
    document = {"schema": SCHEMA_ID, "line": summary(result), **_adapter().dump_python(result, mode="json")}
    return {name: made_visible(value) for name, value in document.items()}


def from_document(document: dict[str, Any]) -> SmokeResult:
    """Return the result that a document describes."""
    known = {name: value for name, value in document.items() if name not in ("schema", "line")}
    return _adapter().validate_python(known)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of one smoke result."""
    schema = _adapter().json_schema(mode="serialization")
    properties = {
        "schema": {"const": SCHEMA_ID},
        "line": {"type": "string", "description": "The run in one line, in the community's format."},
    }
    schema["properties"] = {**properties, **schema["properties"]}
    schema["required"] = sorted({*properties, *schema["properties"]})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": SCHEMA_ID}


def made_visible(value: Any) -> Any:
    """Return data with every unsafe character in a text spelled out."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {name: made_visible(item) for name, item in value.items()}
    return [made_visible(item) for item in value] if isinstance(value, list) else value
