"""Samples the GPUs while a run goes on: clocks, power, memory, use, and why they are slowed down.

By NVML, twice a second, in a thread of its own. A card that fails to answer is left out of that sample and
counted; a machine without NVML has no samples, and says so in the preflight.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.replay.events import Event, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SAMPLES: Final = "samples.jsonl"
SAMPLE_SECONDS: Final = 0.5
MAX_SAMPLES: Final = 2_000_000
BUSY_PERCENT: Final = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """One GPU at one moment."""

    seconds: float
    """Since the launch, by our clock."""
    gpu: int
    busy_percent: int
    memory_bytes: int
    sm_mhz: int
    watts: float
    celsius: int
    throttle: int
    """NVML's bit field of reasons for lower clocks; 0 and 1 (idle) are none."""

    def gauges(self) -> dict[str, float]:
        """Return what charts show."""
        return {
            "memory_gib": self.memory_bytes / (1 << 30),
            "sm_mhz": float(self.sm_mhz),
            "watts": self.watts,
        }


class Sampler:
    """Writes samples until it is stopped, and notes when the GPUs become busy or idle."""

    def __init__(
        self, nvml: Any, folder: Path, now: Callable[[], float], note: Callable[[Event], None]
    ) -> None:
        """Take an initialised NVML module (`pynvml`)."""
        self._nvml, self._now, self._note = nvml, now, note
        self._handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        self._stream = (folder / SAMPLES).open("w", encoding="ascii")
        self._stop = threading.Event()
        self._busy = False
        self.failed = 0
        """Readings that a card did not answer."""
        self._thread = threading.Thread(target=self._run, name="referee-nvml", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """End, and close the file."""
        self._stop.set()
        self._thread.join()
        self._stream.close()

    def _run(self) -> None:
        taken = 0
        while not self._stop.wait(SAMPLE_SECONDS) and taken < MAX_SAMPLES:
            samples = list(self._look())
            taken += len(samples)
            for sample in samples:
                self._stream.write(json.dumps(asdict(sample), separators=(",", ":")) + "\n")
            self._stream.flush()
            self._tell(samples)

    def _look(self) -> Iterator[Sample]:
        """Yield one sample a card that answers."""
        for index, handle in enumerate(self._handles):
            try:
                yield self._sample(index, handle)
            except self._nvml.NVMLError:
                self.failed += 1

    def _sample(self, index: int, handle: Any) -> Sample:
        nvml = self._nvml
        return Sample(
            seconds=self._now(),
            gpu=index,
            busy_percent=int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu),
            memory_bytes=int(nvml.nvmlDeviceGetMemoryInfo(handle).used),
            sm_mhz=int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
            watts=nvml.nvmlDeviceGetPowerUsage(handle) / 1000.0,
            celsius=int(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
            throttle=int(nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)),
        )

    def _tell(self, samples: list[Sample]) -> None:
        """Note the moment at which the cards begin or cease to work."""
        busy = any(sample.busy_percent >= BUSY_PERCENT for sample in samples)
        if samples and busy is not self._busy:
            self._busy = busy
            self._note(Event(samples[0].seconds, Seen.GPU_BUSY if busy else Seen.GPU_IDLE, {}))


def read_samples(folder: Path) -> Iterator[Sample]:
    """Yield the samples of a run; a line that a kill cut short ends the reading."""
    path = folder / SAMPLES
    if not path.is_file():
        return
    with path.open(encoding="ascii") as stream:
        for line in stream:
            if not line.endswith("\n"):
                return
            yield Sample(**json.loads(line))
