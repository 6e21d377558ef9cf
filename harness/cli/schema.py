"""`referee schema`: the JSON Schemas of the files that programs read."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class SchemaName(StrEnum):
    """The commands whose JSON has a published schema."""

    AUDIT = "audit"
    PROBE = "probe"
    REPLAY = "replay"
    REVIEW = "review"
    SCORE = "score"
    SMOKE = "smoke"


def schema(
    command: Annotated[SchemaName, typer.Argument(help="Whose JSON.")] = SchemaName.AUDIT,
) -> None:
    """Print the JSON Schema of what a command writes with `--format json`."""
    import json

    if command is SchemaName.SCORE:
        from harness.score.json_report import json_schema
    elif command is SchemaName.REPLAY:
        from harness.replay.report.document import json_schema
    elif command is SchemaName.REVIEW:
        from harness.report.view_model import json_schema
    elif command is SchemaName.SMOKE:
        from harness.smoke.document import json_schema
    elif command is SchemaName.PROBE:
        from harness.probe.document import json_schema
    else:
        from harness.report.model import json_schema
    print(json.dumps(json_schema(), indent=2))
