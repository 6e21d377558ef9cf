"""`referee schema`: the JSON Schema of the report file."""

from __future__ import annotations


def schema() -> None:
    """Print the JSON Schema of what `referee audit --format json` writes."""
    import json

    from harness.report.model import json_schema

    print(json.dumps(json_schema(), indent=2))
