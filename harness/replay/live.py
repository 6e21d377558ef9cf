"""What a person sees while a replay runs: lines for logs, a table for terminals."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from harness.replay.phases import Phase

if TYPE_CHECKING:
    from types import TracebackType

    from harness.replay.phases import Tracker
    from harness.replay.plan import Plan

LINE_SECONDS: Final = 30.0


class Live:
    """Shows progress until it is closed. Everything goes to stderr; stdout is the outcome's."""

    def __init__(self, plan: Plan, *, plain: bool) -> None:
        self._plan = plan
        self._plain = plain or not sys.stderr.isatty()
        self._live: Any = None
        self._said = (-1, "", -LINE_SECONDS)

    def __enter__(self) -> Live:
        if not self._plain:
            from rich.console import Console
            from rich.live import Live as RichLive

            self._live = RichLive(console=Console(stderr=True), refresh_per_second=4, transient=True)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def show(self, seed: int, tracker: Tracker, now: float) -> None:
        """Show where the run of a seed is."""
        if self._live is not None:
            self._live.update(self._table(seed, tracker, now))
            return
        said_seed, said_phase, said_at = self._said
        if (seed, tracker.phase.value) != (said_seed, said_phase) or now - said_at >= LINE_SECONDS:
            self._said = (seed, tracker.phase.value, now)
            print(f"seed {seed}: {self._line(tracker, now)}", file=sys.stderr, flush=True)

    def _line(self, tracker: Tracker, now: float) -> str:
        """Return the state in one line."""
        train, caps = tracker.train_seconds(), self._plan.caps
        parts = [f"{now:7.1f} s", tracker.phase.value.replace("_", " ")]
        if train.high > 0:
            parts.append(f"train {train.low:.1f} of {caps.train_seconds} s")
        if tracker.phase is Phase.EVALUATION:
            parts.append(f"evaluation {tracker.eval_low(now):.1f} of {caps.eval_seconds} s")
        return ", ".join(parts)

    def _table(self, seed: int, tracker: Tracker, now: float) -> Any:
        """Return the state as a table."""
        from rich.table import Table

        table = Table(title=f"seed {seed} of {', '.join(map(str, self._plan.seeds))}", title_justify="left")
        for heading in ("phase", "elapsed", "training", "evaluation", "last val_bpb"):
            table.add_column(heading)
        train, caps = tracker.train_seconds(), self._plan.caps
        last = next((s.val_bpb for s in reversed(tracker.spans) if s.val_bpb is not None), None)
        table.add_row(
            tracker.phase.value.replace("_", " "),
            f"{now:.0f} s",
            f"{train.low:.0f} / {caps.train_seconds} s",
            f"{tracker.eval_low(now):.0f} / {caps.eval_seconds} s",
            "" if last is None else f"{last:.4f}",
        )
        return table
