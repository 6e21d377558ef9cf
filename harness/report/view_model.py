"""What a person is shown of a review, as data: the JSON from which a comment can be rendered anywhere.

Promises plain text throughout (whoever renders it escapes it), a cap on every text and list, and that the
outcomes stand beside the verdict, so that a reader can decide again and see whether the two agree.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from audits.outcome import Axis, Condition, Severity, Status
from audits.policy import POLICY_NAMES
from audits.verdict import AxisCall, Overall

SCHEMA_ID = "referee-review/1"

Sha = Annotated[str, Field(pattern="^([0-9a-f]{40}|[0-9a-f]{64})$")]
Word = Annotated[str, Field(max_length=200)]
Path = Annotated[str, Field(max_length=1000)]
Text = Annotated[str, Field(max_length=6000)]
Line = Annotated[int, Field(ge=1, le=10_000_000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JudgedModel(_Model):
    """What was judged."""

    path: Path
    folder: Word
    track: Word | None
    main_script: Path | None
    main_script_reason: Text
    main_script_blob: Annotated[str, Field(pattern="^[0-9a-f]*$", max_length=64)] = Field(
        description="Git blob of the script; empty when unknown."
    )
    pr: int | None = Field(ge=1)
    head_sha: Sha | None
    base_sha: Sha | None
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] = Field(
        description="SHA-256 over path and blob of every file of the folder."
    )
    files: int = Field(ge=0)


class PlaceModel(_Model):
    """One place that an outcome rests on."""

    where: Text = Field(description="In words; empty when there is no place.")
    message: Text = Field(description="What it shows; empty where it would repeat the reason.")
    path: Path | None
    first: Line | None = Field(description="Line of the committed file, for a link.")
    last: Line | None
    start_line: Line | None = Field(description="Line of the layer that is quoted.")
    hidden: int = Field(ge=0, description="Lines of the place that are not quoted.")
    excerpt: list[Text] = Field(max_length=40)


class GroupModel(_Model):
    """One outcome that a reader should see; outcomes that say the same are one group."""

    axis: Axis
    rules: list[Word] = Field(min_length=1, max_length=200)
    title: Text
    word: Literal["violation", "flag", "note", "unclear", "crashed"]
    status: Status
    condition: Condition
    confidence: float = Field(ge=0, le=1)
    reason: Text
    why: Text
    source: Text
    places: list[PlaceModel] = Field(max_length=20)
    more: int = Field(ge=0, description="Places that are not listed.")

    @property
    def weighs(self) -> bool:
        """Tell whether it counts for anything under the policy."""
        return self.word != "note"


class AxisModel(_Model):
    """The verdict on one axis."""

    axis: Axis
    call: AxisCall
    deciding: list[Word] = Field(max_length=200)
    clean: Text = Field(description="How many rules looked and found nothing, in words.")


class OutcomeModel(_Model):
    """How one rule or stage ended: what a verdict is decided from."""

    rule: Word
    axis: Axis
    condition: Condition
    status: Status
    severity: Severity
    confidence: float = Field(ge=0, le=1)
    dispute: Word | None


class RowModel(_Model):
    """One quantity: its limit, what the author claims, what the logs state, what was counted."""

    quantity: Word
    limit: Word
    claimed: Text
    claimed_at: Path
    logged: Text
    logged_at: Path
    measured: Text


class SeenModel(_Model):
    """A legal pattern that was recognised, or one that is switched off."""

    names: list[Word] = Field(max_length=50)
    where: Text
    path: Path | None
    first: Line | None
    last: Line | None
    reason: Text = Field(description="Why it sleeps; empty for a legal pattern.")


class StageModel(_Model):
    """What a stage that followed the audit found."""

    name: Word
    line: Text
    rows: list[tuple[Word, Text]] = Field(max_length=100)
    skipped: Text
    ran: bool = Field(description="Whether code of the submission was run.")


class RulingModel(_Model):
    """A maintainer's ruling that was applied, or why it was not."""

    rule: Word
    decision: Literal["legal", "illegal"]
    who: Word
    why: Text
    link: Path
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    expires: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    applied: bool
    note: Text = Field(description="Why it was not applied; else what the tool had said.")


class FolderModel(_Model):
    """The review of one record folder."""

    judged: JudgedModel
    executed: bool
    policy: Literal["practice", "readme", "strict"]
    policy_edition: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    verdict: Overall
    deciding: list[Word] = Field(max_length=200)
    axes: list[AxisModel] = Field(min_length=6, max_length=6, description="Worst first.")
    policies: dict[Literal["practice", "readme", "strict"], Overall]
    outcomes: list[OutcomeModel] = Field(max_length=500)
    groups: list[GroupModel] = Field(max_length=500)
    rulings: list[RulingModel] = Field(max_length=100)
    claims: list[RowModel] = Field(max_length=50)
    statistics: Text
    runs: list[list[Path]] = Field(max_length=50)
    more_runs: int = Field(ge=0)
    legal: list[SeenModel] = Field(max_length=100)
    dormant: list[SeenModel] = Field(max_length=200)
    advice: list[Text] = Field(max_length=100)
    problems: list[tuple[Path, Text]] = Field(max_length=50)
    notes: list[Text] = Field(max_length=50)
    stages: list[StageModel] = Field(max_length=20)


class ReviewFile(_Model):
    """What `referee review --format json` writes."""

    schema_: str = Field(SCHEMA_ID, alias="schema", pattern="^referee-review/1$")
    referee: Word
    rulebook: Word
    policy: Literal["practice", "readme", "strict"]
    policy_edition: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    pr: int | None = Field(ge=1)
    head_sha: Sha | None
    notes: list[Text] = Field(max_length=50, description="About the pull request as a whole.")
    folders: list[FolderModel] = Field(max_length=40, description="Empty when there is nothing to review.")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the review file."""
    schema = ReviewFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": SCHEMA_ID}


assert POLICY_NAMES == ("practice", "readme", "strict")  # the literals above spell them out
