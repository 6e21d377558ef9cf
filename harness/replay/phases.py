"""Where a run is: phases, each with boundaries as narrow as the observations allow.

A boundary is exact where it was itself observed (a line that ends a phase, a file opened), and otherwise an
interval between two observations. Training follows the challenge's clock (rulebook TIME-2): warm-up before
the first step and validation passes between steps do not count. What the submission's own clock says is
kept beside, never mixed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.replay.events import Event, Seen
from harness.replay.interval import NOTHING, Interval
from harness.replay.statements import States

if TYPE_CHECKING:
    from harness.replay.statements import Statement


CROSSING_SECONDS: Final = 0.25
"""What is printed takes another way to us than what happens to files, and may come this much later."""
MAX_SPANS: Final = 10_000
"""Spans that are kept; an honest run has tens. Of what follows only the last is."""
MAX_WRITTEN: Final = 10_000
"""Files that are remembered as perhaps the artifact."""


class Phase(StrEnum):
    """The parts of a run, in their usual order."""

    SETUP = "setup"
    WARM_UP = "warm_up"
    TRAIN = "train"
    VALIDATION = "validation"
    """Inside the training loop; not counted."""
    CALIBRATION = "calibration"
    SERIALISATION = "serialisation"
    DECOMPRESSION = "decompression"
    """From the first reading of the artifact to the first sign of an evaluation."""
    EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class Span:
    """One phase, with its boundaries on the harness's clock."""

    phase: Phase
    start: Interval
    end: Interval
    label: str = ""
    """Which evaluation, as its result line names it."""
    own_seconds: float | None = None
    """What the submission says it took."""
    val_loss: float | None = None
    val_bpb: float | None = None

    @property
    def seconds(self) -> Interval:
        """Return how long it took, as narrowly as it was observed."""
        return self.start.until(self.end)


@dataclass(slots=True)
class Tracker:
    """Follows a run event by event; asks nothing but time of arrival and kind."""

    spans: list[Span] = field(default_factory=list)
    training: Interval = NOTHING
    """Closed training segments together."""
    own_training: float | None = None
    """Their accumulated training time, as last stated."""
    steps: int = 0
    """The last step that was printed."""
    phase: Phase = Phase.SETUP
    since: Interval = NOTHING
    """When the present phase began."""
    last: float = 0.0
    """Time of the last observation that told where the run is; others may belong to either side of a
    boundary and narrow nothing."""
    alive: float = 0.0
    """Time of the last sign of life of any kind."""
    written: dict[str, float] = field(default_factory=dict)
    """Files that may be the artifact: path and when each was last complete."""
    artifact_path: str | None = None
    """The file of the run's own that was first opened for reading after training."""
    read_early: tuple[float, str] | None = None
    """A file of the run's own that was opened in training, after the last step that was printed."""
    scoring_since: float | None = None
    """When the evaluation under way was first seen to score."""

    def see(self, event: Event, statement: Statement | None = None) -> None:
        """Take one observation, in order."""
        # Observers overtake one another by a little; a boundary is never put before the one before it.
        now = max(event.seconds, self.last)
        if event.seen is Seen.LINE and statement is not None:
            self._line(now, statement)
        elif event.seen is Seen.FILE_WRITTEN:
            self._written(now, str(event.data.get("path", "")))
        elif event.seen is Seen.FILE_READ:
            self._read(now, str(event.data.get("path", "")))
        elif event.seen in (Seen.ENDED, Seen.STOPPED):
            self._close(now)
        # A checkpoint may be written and read in the midst of training or during a validation pass.
        file = event.seen in (Seen.FILE_WRITTEN, Seen.FILE_READ) and self.phase is not Phase.TRAIN
        if statement is not None or file:
            self.last = now
        self.alive = max(self.alive, event.seconds)

    def train_seconds(self) -> Interval:
        """Return the training time observed so far, the open segment up to the last observation."""
        if self.phase is not Phase.TRAIN:
            return self.training
        open_low = max(0.0, self.last - self.since.high)
        return self.training + Interval(open_low, max(open_low, self.last - self.since.low))

    def eval_low(self, now: float) -> float:
        """Return how long the evaluation under way has taken at least."""
        return max(0.0, now - self.scoring_since) if self.scoring_since is not None else 0.0

    def _line(self, now: float, said: Statement) -> None:
        """Move on by what a line states."""
        match said.states:
            case States.WARM_UP if self.phase is Phase.SETUP:
                self._turn(Phase.WARM_UP, Interval(self.last, now))
            case States.TRAIN_STEP:
                self._train(now, said)
            case States.VALIDATION:
                self._validation(now, said)
            case States.STOP:
                self.own_training = said.own_seconds
                self._leave_training(now, Phase.SERIALISATION)
            case States.CALIBRATION:
                self._calibration(now, said)
            case States.SIZE:
                self._leave_training(now, Phase.SERIALISATION)
            case States.PROGRESS:
                self._progress(now)
            case States.RESULT:
                self._result(now, said)
            case _:
                pass

    def _train(self, now: float, said: Statement) -> None:
        """A step has ended: training runs."""
        self.own_training = said.own_seconds
        self.steps = max(self.steps, said.step or 0)
        self.read_early = None
        if self.phase in (Phase.SETUP, Phase.WARM_UP):
            self._turn(Phase.TRAIN, Interval(self.last, now))

    def _validation(self, now: float, said: Statement) -> None:
        """A validation pass has ended at this very moment, and began after the last step that was seen."""
        began = Interval(self.last, now)
        if said.own_seconds is not None:
            self.own_training = said.own_seconds
        if self.phase is Phase.TRAIN:
            self._end_segment(began)
        elif self.phase in (Phase.SETUP, Phase.WARM_UP):
            # Before the first step nothing is trained: the pass belongs to what came before.
            self._keep(Span(self.phase, self.since, began))
        here = Interval.exactly(now)
        self._keep(Span(Phase.VALIDATION, began, here, val_loss=said.val_loss, val_bpb=said.val_bpb))
        self.phase, self.since = Phase.TRAIN, here

    def _end_segment(self, end: Interval) -> None:
        """Close the training segment under way."""
        self._keep(Span(Phase.TRAIN, self.since, end))
        self.training += self.since.until(end)

    def _leave_training(self, now: float, into: Phase) -> None:
        """Training is over by now; it ended after the last observation."""
        if self.phase not in (Phase.TRAIN, Phase.SETUP, Phase.WARM_UP):
            return
        self._turn(into, Interval(self.last, now))
        if self.read_early is None:
            return
        read_at, path = self.read_early
        if into is Phase.EVALUATION:
            self.artifact_path = path
        elif now - read_at <= CROSSING_SECONDS:
            self.artifact_path = path
            self._turn(Phase.DECOMPRESSION, Interval.exactly(now))

    def _calibration(self, now: float, said: Statement) -> None:
        """Calibration has ended now; it began after the observation before."""
        began = Interval(self.last, now)
        if self.phase is Phase.TRAIN:
            self._end_segment(began)
        elif self.phase is not Phase.CALIBRATION:
            self._keep(Span(self.phase, self.since, began))
        here = Interval.exactly(now)
        self._keep(Span(Phase.CALIBRATION, began, here, own_seconds=said.own_seconds))
        self.phase, self.since = Phase.SERIALISATION, here

    def _written(self, now: float, path: str) -> None:
        """A file that may be the artifact is complete, for now."""
        if path in self.written or len(self.written) < MAX_WRITTEN:
            self.written[path] = now

    def _read(self, now: float, path: str) -> None:
        """A file that the run wrote is opened after training: what follows works from it."""
        if path not in self.written or self.artifact_path is not None:
            return
        if self.phase in (Phase.CALIBRATION, Phase.SERIALISATION):
            self.artifact_path = path
            self._turn(Phase.DECOMPRESSION, Interval.exactly(now))
        elif self.phase is Phase.TRAIN:
            self.read_early = (now, path)

    def _progress(self, now: float) -> None:
        """After training, a part of an evaluation is done."""
        if self.phase in (Phase.SETUP, Phase.WARM_UP, Phase.TRAIN):
            return
        if self.phase is not Phase.EVALUATION:
            self._turn(Phase.EVALUATION, Interval(self.last, now))
        if self.scoring_since is None:
            self.scoring_since = now

    def _result(self, now: float, said: Statement) -> None:
        """An evaluation has ended at this very moment."""
        if self.phase in (Phase.SETUP, Phase.WARM_UP):
            return
        self._leave_training(now, Phase.EVALUATION)
        here = Interval.exactly(now)
        start = self._scoring_start(now)
        if self.phase is not Phase.EVALUATION:
            self._keep(Span(self.phase, self.since, Interval(max(self.since.low, start.low), now)))
        self._keep(
            Span(Phase.EVALUATION, start, here, said.label, said.own_seconds, said.val_loss, said.val_bpb)
        )
        self.phase, self.since, self.scoring_since = Phase.EVALUATION, here, None

    def _scoring_start(self, now: float) -> Interval:
        """Return when the evaluation that ends now began: after the last boundary, before its first sign."""
        latest = self.scoring_since if self.scoring_since is not None else now
        return Interval(min(self.since.low, latest), latest)

    def _keep(self, span: Span) -> None:
        """Keep a span; beyond the cap it takes the place of the last one."""
        if len(self.spans) >= MAX_SPANS:
            self.spans.pop()
        self.spans.append(span)

    def _turn(self, into: Phase, at: Interval) -> None:
        """Close the present phase and begin another."""
        if self.phase is Phase.TRAIN:
            self._end_segment(at)
        else:
            self._keep(Span(self.phase, self.since, at))
        self.phase, self.since = into, at

    def _close(self, now: float) -> None:
        """The run is over."""
        if self.phase is Phase.EVALUATION and self.scoring_since is None:
            return
        self._turn(self.phase, Interval(self.last, now))
