"""The training clock of the challenge: what counts against the ten minutes and what does not.

It runs over steps and over calibration that reads training data (TIME-3); it stands still during warm-up,
compilation before the first step and validation (TIME-2), and during rounding, compression and writing
(TIME-4). The loop ends with the first step at or past the cap.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from reference_impl.train.distributed import synchronise


class TrainingClock:
    """Accumulated training time of this process."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.spent_ms = 0.0
        self.started: float | None = None

    def start(self) -> None:
        """Run from now on."""
        synchronise(self.device)
        self.started = time.perf_counter()

    def stop(self) -> None:
        """Stand still from now on, when everything asked of the device is done."""
        synchronise(self.device)
        self.spent_ms = self.elapsed_ms()
        self.started = None

    def elapsed_ms(self) -> float:
        """Return the milliseconds so far; work still queued on the device is not in them."""
        running = 0.0 if self.started is None else 1000.0 * (time.perf_counter() - self.started)
        return self.spent_ms + running

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stand still inside."""
        self.stop()
        try:
            yield
        finally:
            self.start()
