"""What a behavioural probe says of one submission. Frozen; the JSON Schema in docs/schema/ is made from it.

Promises that LEAK rests on a difference that was measured, and CLEAN on tests that showed power on the same
submission. What could not be watched is BLIND, what was watched without power UNCLEAR; neither says anything
for or against.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from containers.smoke_result import Attempt, Image, Seconds, Sign, SmokeError, documented

SCHEMA_ID: Final = "referee-probe/1"


class ProbeVerdict(StrEnum):
    """What the probe says of the headline, worst first."""

    LEAK = "LEAK"
    """A score changed that must not, or probabilities do not sum to one."""
    BLIND = "BLIND"
    """What was watched is not, or not surely, what is reported."""
    UNCLEAR = "UNCLEAR"
    """Nothing was found, by tests that did not show that they could have found it."""
    CLEAN = "CLEAN"
    """No violation at the scale of the probe; the power that the tests had is stated."""


class Call(StrEnum):
    """How one test ended."""

    LEAK = "LEAK"
    CLEAN = "CLEAN"
    BLIND = "BLIND"
    NOT_RUN = "NOT_RUN"


class TestName(StrEnum):
    """The tests, by the question they ask; docs/probe.md states what each proves."""

    __test__ = False

    SUFFIX = "suffix"
    SELF_TARGET = "self-target"
    NORMALISATION = "normalisation"
    SCORE_ONCE = "score-once"
    UPDATE_ORDER = "update-order"
    ARTIFACT = "artifact"
    RELOAD = "reload"
    RANK_SLICES = "rank-slices"
    BOUNDARY = "document-boundary"


ASKED: Final = (TestName.SUFFIX, TestName.NORMALISATION, TestName.SCORE_ONCE)
"""Tests without which a headline is not CLEAN: together they cover C1, C2, C3 and C4 where they see."""
OF_THE_RUN: Final = (TestName.ARTIFACT, TestName.RELOAD)
"""Tests of the run as a whole, which a report holds however they ended."""


class ProbeStatus(StrEnum):
    """Whether there was a run to judge."""

    RAN = "ran"
    NOT_RUN = "not_run"
    """No engine to run it in, or nothing to run."""
    INFRA_FAULT = "infra_fault"
    """Engine, host or repository failed."""


@documented
@dataclass(frozen=True, slots=True)
class ProbeTest:
    """How one test ended, as our parent process in the box reported it."""

    test: TestName
    call: Call
    reason: str
    condition: str = ""
    """C1, C2, C3, C4, DATA, or BPB (bytes counted wrongly) for a LEAK, else empty."""
    pattern: str = ""
    """What the changed positions look like: whole-validation, window, batch, chunk, scattered."""
    position: int = -1
    """First position in the validation stream that is concerned; -1 for none."""
    count: int = 0
    """Positions concerned."""
    total: int = 0
    """Positions tested."""
    magnitude: float = 0.0
    """Largest change in nats; for normalisation the sum farthest from one."""
    line: str = ""
    """`file:line` where the values enter the sum."""
    power: dict[str, float] = field(default_factory=dict)
    """What the positive controls showed, by name."""
    figures: dict[str, float | str] = field(default_factory=dict)
    dispute: str = ""
    """Pattern that explains a LEAK and on which readings of the rules differ; a policy weighs it."""


@documented
@dataclass(frozen=True, slots=True)
class ProbePhase:
    """One evaluation call, and the tests on it."""

    phase: int
    """Counted from 0, in the order in which they were entered."""
    function: str
    line: str
    val_loss: float | None
    val_bpb: float | None
    headline: bool
    items: int
    """Token losses that were watched on their way into the sum."""
    tests: tuple[ProbeTest, ...]

    def test(self, name: TestName) -> ProbeTest | None:
        """Return how one test ended here, None where it was not among them."""
        return next((entry for entry in self.tests if entry.test is name), None)


@documented
@dataclass(frozen=True, slots=True)
class ProbeRun:
    """One run of the script: `A` as it is, `A2` again, `B1` with later tokens changed, and so on."""

    run: str
    status: Literal["ok", "failed", "skipped"]
    seconds: float | None
    cpu_seconds: float | None = None
    error: SmokeError | None = None
    reason: str = ""
    """Why it was skipped."""


@documented
@dataclass(frozen=True, slots=True)
class Executed:
    """Lines of one file that the first run executed."""

    path: str
    """Relative to the record folder; `<unpacked N>` for the N-th source unpacked."""
    ranges: str
    """Such as `1-5,8`."""


@documented
@dataclass(frozen=True, slots=True)
class ProbeCoverage:
    """What the first run did, counted. Reported."""

    evaluations: tuple[str, ...] = ()
    """Evaluation functions, each with how often it was entered."""
    updates: int = 0
    """Optimizer steps in all."""
    updates_in_evaluation: int = 0
    reloads: int = 0
    saved: int = 0
    read_back: int = 0
    executed: tuple[Executed, ...] = ()
    unseen: tuple[str, ...] = ()
    """What static analysis knows to learn from validation at full scale, and the probe did not see run."""


@documented
@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The probe of one submission."""

    verdict: ProbeVerdict
    reason: str
    """Why the verdict is what it is, in one sentence."""
    conditions: tuple[str, ...] = ()
    """Conditions that the headline breaks (C1, C2, C3, C4, DATA, BPB); empty unless LEAK."""
    status: ProbeStatus = ProbeStatus.RAN
    phases: tuple[ProbePhase, ...] = ()
    whole: tuple[ProbeTest, ...] = ()
    """Tests of the run as a whole: artifact, reload, rank-slices."""
    runs: tuple[ProbeRun, ...] = ()
    coverage: ProbeCoverage = field(default_factory=ProbeCoverage)
    attempts: tuple[Attempt, ...] = ()
    tampering: str = ""
    """What shows that the submission forged lines of ours or looked for us, else empty."""
    signs: tuple[Sign, ...] = ()
    seconds: Seconds = field(default_factory=Seconds)
    image: Image = field(default_factory=Image)
    inputs: str = ""
    """Digest of script, arguments, environment and files."""
    script: str = ""
    disagreement: str = ""
    """What static analysis says otherwise, beside what was measured; empty where they agree."""
    hint: str = ""
    """What whoever runs Referee can do where nothing ran."""
    output_tail: str = ""
    """The last lines that the runs printed. Theirs; proves nothing."""

    @property
    def headline(self) -> ProbePhase | None:
        """Return the phase whose number is reported, None where none could be told."""
        return next((phase for phase in self.phases if phase.headline), None)

    @property
    def leaks(self) -> tuple[ProbeTest, ...]:
        """Return the tests that found the headline at fault, the run's as a whole among them."""
        found = (*(self.headline.tests if self.headline else ()), *self.whole)
        return tuple(test for test in found if test.call is Call.LEAK and test.test is not TestName.BOUNDARY)

    @property
    def boundary(self) -> ProbeTest | None:
        """Return the test of document boundaries on the headline where it found something."""
        test = self.headline.test(TestName.BOUNDARY) if self.headline else None
        return test if test is not None and test.call is Call.LEAK else None

    @property
    def all_clean(self) -> bool:
        """Tell whether the verdict is CLEAN and no test of headline or run was blind or left out.

        A document's boundary is a finding of its own, what a token does to its own score is part of the
        normalisation test, and where nothing learned from validation there is no order of updates to test.
        """
        tests = (*(self.headline.tests if self.headline else ()), *self.whole)
        clean = {test.test for test in tests if test.call is Call.CLEAN}
        order = self.headline.test(TestName.UPDATE_ORDER) if self.headline else None
        in_order = order is not None and order.call in (Call.CLEAN, Call.NOT_RUN)
        return self.verdict is ProbeVerdict.CLEAN and in_order and clean >= {*ASKED, *OF_THE_RUN}


def summary(result: ProbeResult) -> str:
    """Return the probe in one line."""
    if result.verdict is ProbeVerdict.LEAK:
        return f"LEAK {', '.join(result.conditions)}: {result.reason}"[:400]
    return f"{result.verdict}: {result.reason}"[:400]
