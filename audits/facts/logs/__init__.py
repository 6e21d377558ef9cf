"""What the submitted logs say, as claims with line numbers. Nothing here is measured by us."""

from audits.facts.logs.parse import parse_logs
from audits.facts.logs.records import (
    EvalTime,
    FinalLine,
    HessianRun,
    LogFacts,
    SizeLine,
    SourceDump,
    StepTime,
    StopLine,
)

__all__ = [
    "EvalTime",
    "FinalLine",
    "HessianRun",
    "LogFacts",
    "SizeLine",
    "SourceDump",
    "StepTime",
    "StopLine",
    "parse_logs",
]
