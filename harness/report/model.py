"""The published JSON: pydantic models from which the JSON Schema is generated.

Promises that fields are only ever added within one major version; a change of meaning or a removal gives
the next number in `SCHEMA_ID` and a new file under docs/schema/.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_ID = "referee-report/1"

Call = Literal["CLEAN", "FLAG", "ILLEGAL", "VIOLATION", "UNCLEAR", "NOT_APPLICABLE"]
OverallCall = Literal["ILLEGAL", "VIOLATION", "FLAG", "UNCLEAR", "NEEDS_AUTHOR_ACTION", "CLEAN"]
Ending = Literal["flagged", "clean", "dormant", "not_applicable", "unclear", "crashed"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CodeBytesModel(_Model):
    """Bytes of counted code under three readings; null without a main script."""

    strict: int | None
    readme: int | None
    practice: int | None


class SubmissionModel(_Model):
    """What was audited."""

    path: str
    pr: int | None
    head_sha: str | None
    track: str | None
    folder: str
    main_script: str | None
    code_bytes: CodeBytesModel


class AxesModel(_Model):
    """The verdict on each axis under the policy of the file."""

    legality: Call
    limits: Call
    metric: Call
    package: Call
    claims: Call
    record: Call


class FindingModel(_Model):
    """One place that a rule points at."""

    rule: str
    axis: Literal["legality", "limits", "metric", "package", "claims", "record"]
    condition: str
    outcome: Ending
    severity: Literal["violation", "disputed", "warning", "note"]
    confidence: float = Field(ge=0, le=1)
    path: str | None = Field(description="Relative to the record folder; null when the finding has no place.")
    layer: int = Field(description="0 for the file as committed, n for the n-th layer unpacked from it.")
    start_line: int | None
    end_line: int | None
    message: str
    source: str = Field(description="On whose word the rule rests.")
    effect: Literal["violation", "flag", "note"] = Field(description="What it weighs under the policy.")
    pattern: str | None
    annotated_line: int | None = Field(description="Line of the committed file that stands for the place.")
    excerpt: list[str] = Field(description="The quoted lines, from start_line on, cut to a readable length.")


class SeedScoreModel(_Model):
    """The score of one seed."""

    seed: int | None
    val_bpb: float


class RecordModel(_Model):
    """Seeds, mean, spread and the one-sided Welch tests against the named predecessor."""

    claims_record: bool = Field(description="Whether the track keeps a leaderboard.")
    seeds: list[SeedScoreModel]
    from_logs: bool = Field(description="Whether the scores are the logs' (else as claimed).")
    mean_bpb: float | None
    std_bpb: float | None = Field(description="Sample standard deviation.")
    mean_nats: float | None
    std_nats: float | None
    predecessor_pr: int | None
    predecessor_bpb: float | None
    predecessor_seeds: int
    improvement_bpb: float | None = Field(description="Positive when this entry is better.")
    improvement_nats: float | None = Field(description="Per token, on this entry's tokenisation.")
    p_improvement: float | None = Field(description="Of no improvement at all (the practised test).")
    p_margin: float | None = Field(description="Of an improvement below the margin (the written test).")
    margin_nats: float
    p_written: float
    p_practised: float
    significance: Literal["written", "practised"] = Field(description="The rule that binds.")


class RowModel(_Model):
    """One quantity: its limit, what the author claims, what the logs state, what was counted."""

    quantity: str
    limit: str
    claimed: str
    claimed_at: str
    logged: str
    logged_at: str
    measured: str


class StageModel(_Model):
    """How one stage that followed the audit (smoke) ended."""

    skipped: str = Field(description="Why it was not run, else empty.")
    outcomes: dict[str, Ending]
    line: str = Field(description="Its result in one line.")
    result: dict[str, Any] | None = Field(
        description="Its record, described by the stage's own schema; null when skipped or crashed."
    )


class ReportModel(_Model):
    """The review of one record folder."""

    submission: SubmissionModel
    verdict: OverallCall
    axes: AxesModel
    deciding: list[str] = Field(description="Rules that made the verdict what it is; empty when CLEAN.")
    patterns: list[str] = Field(description="Short names of reachable patterns, legal ones included.")
    dormant: list[str] = Field(description="Short names of patterns present but switched off.")
    findings: list[FindingModel]
    outcomes: dict[str, Ending]
    reasons: dict[str, str] = Field(description="Why each rule ended as it did.")
    record: RecordModel | None = Field(description="Null when no facts could be read.")
    claims: list[RowModel]
    policies: dict[str, OverallCall] = Field(description="The verdict under every policy of the same day.")
    notes: list[str]
    stages: dict[str, StageModel] = Field(
        default={}, description="Stages that followed the audit, by name; empty when none was asked for."
    )
    timings_ms: dict[str, float]


class ReportFile(_Model):
    """What `referee audit --format json` writes."""

    schema_: str = Field(SCHEMA_ID, alias="schema", pattern="^referee-report/1$")
    policy: str
    policy_edition: str = Field(description="Day from which this edition of the policy applies.")
    rulebook: str
    reports: list[ReportModel]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the report file."""
    schema = ReportFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": SCHEMA_ID}
