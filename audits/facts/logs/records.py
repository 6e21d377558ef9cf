"""Records for one run of one log file."""

from __future__ import annotations

from dataclasses import dataclass

from audits.facts.claim import Claim


@dataclass(frozen=True, slots=True)
class StepTime:
    """A training step with the accumulated training time."""

    step: int
    total: int | None
    milliseconds: float
    line: int


@dataclass(frozen=True, slots=True)
class StopLine:
    """Where the training loop stopped at its wall-clock cap."""

    milliseconds: float
    step: int
    total: int
    line: int


@dataclass(frozen=True, slots=True)
class SizeLine:
    """One byte count as logged; `suffix` names the compression, empty for the bare fp model."""

    suffix: str
    bytes: int
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class FinalLine:
    """An evaluation result outside the training loop."""

    label: str
    val_loss: float | None
    val_bpb: float
    loss_text: str
    bpb_text: str
    line: int
    eval_seconds: float | None
    """Time on the same line, or on the twin line of the same label."""
    text: str


@dataclass(frozen=True, slots=True)
class EvalTime:
    """Seconds that one evaluation stage took."""

    label: str
    seconds: float
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class HessianRun:
    """One collection of calibration statistics."""

    count: int
    seconds: float
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class SourceDump:
    """The script that the log printed before it ran."""

    digest: str
    """SHA-256 of the stripped text."""
    size: int
    """Bytes of the stripped text."""
    start_line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class LogFacts:
    """Everything one run of one log file states."""

    path: str
    run: int
    """0 for the first run in the file; several runs may be pasted into one file."""
    first_line: int
    last_line: int
    size: int
    """True size of the file in bytes."""
    digest: str
    """SHA-256 of the run's text without the source dump."""
    truncated: bool
    """The file was cut at the reading cap, so its end is unknown."""
    seed: Claim[int] | None = None
    name_seed: int | None = None
    """Seed that the file name announces."""
    world_size: Claim[int] | None = None
    val_tokens: Claim[int] | None = None
    train_shards: Claim[int] | None = None
    cap_seconds: Claim[float] | None = None
    params: Claim[int] | None = None
    peak_memory_mib: Claim[int] | None = None
    gpu_name: Claim[str] | None = None
    gpu_count: int = 0
    """Devices listed by nvidia-smi."""
    first_step: StepTime | None = None
    last_step: StepTime | None = None
    previous_step: StepTime | None = None
    """The timed step before the last, to tell how long one step takes."""
    stop: StopLine | None = None
    code_bytes: Claim[int] | None = None
    """Code as the run counted it, unpacked where both are given."""
    code_bytes_packed: Claim[int] | None = None
    """Packed code as the run simulated it."""
    models: tuple[SizeLine, ...] = ()
    totals: tuple[SizeLine, ...] = ()
    finals: tuple[FinalLine, ...] = ()
    val_steps: int = 0
    last_val_bpb: Claim[float] | None = None
    """Last validation inside the training loop."""
    eval_times: tuple[EvalTime, ...] = ()
    total_eval: tuple[EvalTime, ...] = ()
    gptq_reserve_seconds: Claim[float] | None = None
    hessians: tuple[HessianRun, ...] = ()
    calibration_generated: Claim[str] | None = None
    """The run says that it calibrates on text it generated itself."""
    counters: tuple[Claim[str], ...] = ()
    hyperparameters: tuple[tuple[str, str, int], ...] = ()
    """(name, value as printed, line) of the configuration that the run printed before training."""
    source_dump: SourceDump | None = None

    @property
    def train_milliseconds(self) -> float | None:
        """Return the accumulated training time at the end of the loop."""
        if self.stop:
            return self.stop.milliseconds
        return self.last_step.milliseconds if self.last_step else None

    @property
    def hessian_seconds(self) -> float:
        """Return the time spent on calibration; a line that the log holds twice counts once."""
        return sum(seconds for _, seconds in {(entry.count, entry.seconds) for entry in self.hessians})

    @property
    def step_milliseconds(self) -> float | None:
        """Return the mean duration of one late training step."""
        last, before = self.last_step, self.previous_step
        if last and before and last.step > before.step:
            return max(0.0, (last.milliseconds - before.milliseconds) / (last.step - before.step))
        return last.milliseconds / last.step if last and last.step else None

    @property
    def model(self) -> SizeLine | None:
        """Return the compressed model's size line: the last one with a suffix."""
        return next((line for line in reversed(self.models) if line.suffix), None)

    @property
    def total(self) -> SizeLine | None:
        """Return the compressed total: the last with a suffix, else a bare one that model plus code give."""
        named = next((line for line in reversed(self.totals) if line.suffix), None)
        if named is not None or self.model is None or self.code_bytes is None:
            return named
        expected = self.model.bytes + self.code_bytes.value
        return next((line for line in reversed(self.totals) if line.bytes == expected), None)

    @property
    def any_seed(self) -> int | None:
        """Return the seed the run printed, else the one in its file name."""
        return self.seed.value if self.seed else self.name_seed

    @property
    def informative(self) -> bool:
        """Tell whether the run states anything that a rule can use."""
        return bool(self.stop or self.last_step or self.finals or self.totals or self.models)
