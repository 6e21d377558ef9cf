"""What a smoke run says of one submission. Frozen; the JSON Schema under docs/schema/ is made from it.

Promises that every number says who took it: `observed` by the supervisor or the engine, `reported` by the
process that the submission's own code ran beside. A label never rests on a report alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from pydantic import ConfigDict, with_config

SCHEMA_ID: Final = "referee-smoke/1"

documented = with_config(ConfigDict(use_attribute_docstrings=True, extra="forbid"))


class Label(StrEnum):
    """How a smoke run ended."""

    PASS = "PASS"
    """Import, build, forward and backward, training, artifact, reload and evaluation, to the end."""
    IMPORT_FAIL = "IMPORT_FAIL"
    BUILD_FAIL = "BUILD_FAIL"
    FORWARD_FAIL = "FORWARD_FAIL"
    RUN_FAIL = "RUN_FAIL"
    TIMEOUT = "TIMEOUT"
    RESOURCE = "RESOURCE"
    """Memory, processes, scratch space or output ran out."""
    ESCAPE_ATTEMPT = "ESCAPE_ATTEMPT"
    """It tried to leave the box, to outlive it, or to write the verdict itself."""
    SHIM_GAP = "SHIM_GAP"
    """It needs something that the stand-ins for CUDA lack, or the image does: ours to mend."""
    INFRA_FAULT = "INFRA_FAULT"
    """Engine, host or repository failed."""
    NOT_RUN = "NOT_RUN"
    """There is no engine to run it in, or nothing to run."""


FAULTS: Final = frozenset({Label.IMPORT_FAIL, Label.BUILD_FAIL, Label.FORWARD_FAIL, Label.RUN_FAIL})
"""Labels that find fault with the submission's code."""
OURS: Final = frozenset({Label.SHIM_GAP, Label.INFRA_FAULT, Label.NOT_RUN})
"""Labels that say nothing about the submission."""


class StageName(StrEnum):
    """How far a run came, in order."""

    NONE = "none"
    STATIC = "static"
    IMPORT = "import"
    BUILD = "build"
    FORWARD = "forward"
    RUN = "run"


@documented
@dataclass(frozen=True, slots=True)
class SmokeError:
    """What stopped the run."""

    kind: str
    """Class of the exception, or a word of ours for what is none (`NeverReturned`, `NoArtifact`)."""
    message: str
    path: str = ""
    """The submission's own file, relative to its folder; empty when the error has no place there."""
    line: int | None = None
    text: str = ""
    """The line itself."""
    layer: int = 0
    """0 for the file as committed, n for the n-th source unpacked from it."""
    missing_module: str = ""
    """Top-level name of the module that could not be imported, else empty."""
    raised_in: str = ""
    """File of the innermost frame, ours or a library's where it is not the submission's."""


@documented
@dataclass(frozen=True, slots=True)
class StageEnd:
    """How one stage ended, as the process inside reported it."""

    stage: StageName
    status: Literal["ok", "failed", "skipped"]
    seconds: float | None
    note: str = ""
    """Why it was skipped, or what else there is to say."""
    cpu_seconds: float | None = None
    """Processor time, which a busy machine does not change."""


@documented
@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of the run. Those at tiny scale say nothing about the submission's score."""

    code_bytes: int | None = None
    """Bytes of the main script as committed; counted on the host."""
    import_seconds: float | None = None
    """Reported."""
    parameters: int | None = None
    """Reported, at full size unless `shrunk`."""
    dim: int | None = None
    layers: int | None = None
    vocab: int | None = None
    shrunk: bool = False
    """The model did not fit in memory at full size and was built smaller."""
    causal: bool | None = None
    """Reported: changing token t changed no logit of the plain forward before t. None when not tried."""
    loss: float | None = None
    """Reported: of the first forward on random tokens."""
    artifact_bytes: int | None = None
    """Observed: the largest file that the tiny run wrote."""
    artifact_bytes_full: int | None = None
    """Reported: estimate at full size."""
    val_loss: float | None = None
    """Reported: last one printed, at tiny scale."""
    val_bpb: float | None = None
    peak_memory_bytes: int | None = None
    """Observed."""


@documented
@dataclass(frozen=True, slots=True)
class Used:
    """One stand-in of the shim that the run used, or something that it lacks. Reported."""

    name: str
    detail: str = ""


@documented
@dataclass(frozen=True, slots=True)
class Attempt:
    """Something the run tried that the box does not allow."""

    kind: str
    detail: str
    seen_by: Literal["supervisor", "process", "engine", "parent"]
    hostile: bool
    """It makes the label ESCAPE_ATTEMPT; what is not hostile is only told."""
    path: str = ""
    line: int | None = None


@documented
@dataclass(frozen=True, slots=True)
class Sign:
    """One independent sign that the run was what it seems."""

    name: str
    seen: bool
    by: Literal["engine", "supervisor", "parent", "process", "host"]
    """Whose word it is; `parent` is the process that forks the submission's and never runs its code."""
    detail: str = ""


@documented
@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One file that the run left. Observed."""

    path: str
    size_bytes: int
    sha256: str | None


@documented
@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation that the run went through. Reported."""

    function: str
    val_loss: float | None
    val_bpb: float | None


@documented
@dataclass(frozen=True, slots=True)
class Missing:
    """A package that the code imports and the image does not hold."""

    package: str
    ours: bool
    """A published package that the image lacks; otherwise a file that the folder lacks."""
    declared: bool
    guarded: bool
    path: str
    line: int


@documented
@dataclass(frozen=True, slots=True)
class Seconds:
    """Where the time went. By the host's clock."""

    total: float = 0.0
    """From request to result."""
    run: float = 0.0
    """The process itself."""
    overhead: float = 0.0
    """Start-up and teardown of the box."""


@documented
@dataclass(frozen=True, slots=True)
class Image:
    """What it ran in."""

    digest: str = ""
    engine: str = ""
    engine_version: str = ""
    runtime: str = ""
    """OCI runtime asked for, empty for the engine's own."""
    missing_isolation: tuple[str, ...] = ()
    """Locks that this engine or host could not give."""


@documented
@dataclass(frozen=True, slots=True)
class SmokeResult:
    """The smoke run of one submission."""

    label: Label
    stage: StageName
    """The stage that the run came to: the failed one, or `run` for a pass."""
    reason: str
    """Why the label is what it is, in one sentence."""
    error: SmokeError | None = None
    figures: Figures = field(default_factory=Figures)
    shims: tuple[Used, ...] = ()
    seconds: Seconds = field(default_factory=Seconds)
    image: Image = field(default_factory=Image)
    inputs: str = ""
    """Digest of script, arguments, environment and files."""
    script: str = ""
    stages: tuple[StageEnd, ...] = ()
    signs: tuple[Sign, ...] = ()
    gaps: tuple[Used, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    missing: tuple[Missing, ...] = ()
    files: tuple[WrittenFile, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    hint: str = ""
    """What whoever runs Referee can do about NOT_RUN or INFRA_FAULT."""
    output_tail: str = ""
    """The last lines that the run printed. Theirs; proves nothing."""

    @property
    def blames_author(self) -> bool:
        """Tell whether the label finds fault with the submission."""
        return self.label in FAULTS or self.label is Label.ESCAPE_ATTEMPT


def summary(result: SmokeResult) -> str:
    """Return the run in one line, in the format of the community's smoke test."""
    figures, tail = result.figures, _tail(result)
    if figures.import_seconds is None:
        return tail
    parts = [f"import OK in {figures.import_seconds:.2f}s"]
    for name, value in (("dim", figures.dim), ("layers", figures.layers), ("vocab", figures.vocab)):
        if value is not None:
            parts.append(f"{name}={value}")
    if figures.code_bytes is not None:
        parts.append(f"code={figures.code_bytes} B")
    return ", ".join((*parts, tail))


def _tail(result: SmokeResult) -> str:
    """Return the end of the line: the pass, or the label with its error."""
    if result.label is Label.PASS:
        return "SMOKE_TEST_PASS"
    if result.error is not None:
        return f"{result.label} {result.error.kind}: {result.error.message}"[:400]
    return f"{result.label} {result.reason}"[:400]
