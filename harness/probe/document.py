"""A probe's result as JSON data and back, and the JSON Schema that describes it."""

from __future__ import annotations

from containers.probe_result import SCHEMA_ID, ProbeResult, summary
from harness.stage_document import StageDocument

_DOCUMENT = StageDocument(ProbeResult, SCHEMA_ID, summary, "The probe in one line.")
prepare = _DOCUMENT.prepare
to_document = _DOCUMENT.to_document
from_document = _DOCUMENT.from_document
json_schema = _DOCUMENT.json_schema
