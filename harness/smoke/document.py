"""A smoke result as JSON data and back, and the JSON Schema that describes it."""

from __future__ import annotations

from containers.smoke_result import SCHEMA_ID, SmokeResult, summary
from harness.stage_document import StageDocument

_DOCUMENT = StageDocument(SmokeResult, SCHEMA_ID, summary, "The run in one line, in the community's format.")
prepare = _DOCUMENT.prepare
to_document = _DOCUMENT.to_document
from_document = _DOCUMENT.from_document
json_schema = _DOCUMENT.json_schema
