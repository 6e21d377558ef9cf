"""The record of a stage as JSON data and back, and the JSON Schema that describes it.

Promises that texts of theirs come out with every unsafe character spelled out, and one line that sums up.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import TypeAdapter

from harness.report.escape import visible

if TYPE_CHECKING:
    from collections.abc import Callable

_Record = TypeVar("_Record")


class StageDocument(Generic[_Record]):
    """Writes and reads the records of one kind."""

    def __init__(
        self, kind: type[_Record], schema_id: str, summary: Callable[[_Record], str], line: str
    ) -> None:
        """Take the record's class, its schema's name, what sums it up in one line, and what that line is."""
        self._kind, self._schema_id, self._summary, self._line = kind, schema_id, summary, line

    @cached_property
    def _adapter(self) -> TypeAdapter[_Record]:
        return TypeAdapter(self._kind)

    def prepare(self) -> None:
        """Make the adapter, which parses our own source, before threads share it."""
        _ = self._adapter

    def to_document(self, record: _Record) -> dict[str, Any]:
        """Return the record as data that JSON holds; texts of theirs are made visible."""
        fields = self._adapter.dump_python(record, mode="json")
        document = {"schema": self._schema_id, "line": self._summary(record), **fields}
        return {name: made_visible(value) for name, value in document.items()}

    def from_document(self, document: dict[str, Any]) -> _Record:
        """Return the record that a document describes."""
        known = {name: value for name, value in document.items() if name not in ("schema", "line")}
        return self._adapter.validate_python(known)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of one record."""
        schema = self._adapter.json_schema(mode="serialization")
        properties = {
            "schema": {"const": self._schema_id},
            "line": {"type": "string", "description": self._line},
        }
        schema["properties"] = {**properties, **schema["properties"]}
        schema["required"] = sorted({*properties, *schema["properties"]})
        dialect = "https://json-schema.org/draft/2020-12/schema"
        return {"$schema": dialect, **schema, "title": self._schema_id}


def made_visible(value: Any) -> Any:
    """Return data with every unsafe character in a text spelled out."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {name: made_visible(item) for name, item in value.items()}
    return [made_visible(item) for item in value] if isinstance(value, list) else value
