"""The SARIF that an upload may hold: exactly what our own renderer writes, and not a field more."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=8000)]
Word = Annotated[str, Field(max_length=200)]
Uri = Annotated[str, Field(max_length=2000, pattern=r"^[A-Za-z0-9._~%/+,;=@!$&'()*-]*$")]
Line = Annotated[int, Field(ge=1, le=10_000_000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(_Model):
    """Plain text; SARIF would let a message be markdown, ours never is."""

    text: Text


class Region(_Model):
    """Lines of a file."""

    startLine: Line  # noqa: N815
    endLine: Line | None = None  # noqa: N815


class Artifact(_Model):
    """A file of the repository."""

    uri: Uri


class Physical(_Model):
    """A place in a file."""

    artifactLocation: Artifact  # noqa: N815
    region: Region


class Place(_Model):
    """One location of a result."""

    physicalLocation: Physical  # noqa: N815
    id: int | None = None
    message: Message | None = None


class Result(_Model):
    """One outcome."""

    ruleId: Word  # noqa: N815
    ruleIndex: int | None = None  # noqa: N815
    kind: Literal["fail", "open", "informational"]
    level: Literal["error", "warning", "note", "none"]
    message: Message
    locations: list[Place] = Field(min_length=1, max_length=1)
    relatedLocations: list[Place] = Field(default=[], max_length=1000)  # noqa: N815
    partialFingerprints: dict[Literal["referee/v1"], Annotated[str, Field(pattern="^[0-9a-f]{32}$")]]  # noqa: N815
    properties: dict[Word, bool | int | float | Word | None] = Field(max_length=12)


class Run(_Model):
    """The one run; its tool is replaced by ours before anything is passed on."""

    tool: dict[str, Any]
    columnKind: Literal["unicodeCodePoints"]  # noqa: N815
    invocations: list[dict[str, Any]] = Field(max_length=1)
    results: list[Result] = Field(max_length=1000)


class SarifFile(_Model):
    """A SARIF 2.1.0 log."""

    schema_: str = Field(alias="$schema", max_length=200)
    version: Literal["2.1.0"]
    runs: list[Run] = Field(min_length=1, max_length=1)
