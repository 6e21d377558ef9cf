"""NVML paths against recorded answers of a driver: eight good cards, and each way in which they can differ.

The recording has the shape of `pynvml`'s own functions; no GPU was at hand where these tests were written.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pynvml
import pytest

from harness.replay.events import Seen
from harness.replay.preflight.gpus import check_gpus
from harness.replay.preflight.records import Level
from harness.replay.profile import load_profile
from harness.replay.telemetry import Sampler, read_samples

if TYPE_CHECKING:
    from pathlib import Path

    from harness.replay.events import Event


@dataclass
class Recorded:
    """What a driver answered."""

    count: int = 8
    name: str = "NVIDIA H100 80GB HBM3"
    links: int = 18
    reasons: int = 0x1
    processes: int = 0
    busy: list[int] = field(default_factory=lambda: [0])
    lost: bool = False

    NVMLError = pynvml.NVMLError
    NVML_CLOCK_SM = pynvml.NVML_CLOCK_SM
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU
    NVML_FEATURE_ENABLED = pynvml.NVML_FEATURE_ENABLED

    def nvmlDeviceGetCount(self) -> int:
        return self.count

    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"570.133.20"

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:
        return self.name

    def nvmlDeviceGetNvLinkState(self, handle: int, link: int) -> int:
        return int(link < self.links)

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle: int) -> int:
        return self.reasons

    def nvmlDeviceGetMaxClockInfo(self, handle: int, kind: int) -> int:
        return 1980

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:
        return [SimpleNamespace(pid=4000 + i) for i in range(self.processes)]

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        if self.lost and handle == 1:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return SimpleNamespace(gpu=self.busy[0] if len(self.busy) == 1 else self.busy.pop(0))

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(used=70 << 30)

    def nvmlDeviceGetClockInfo(self, handle: int, kind: int) -> int:
        return 1755

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        return 652_300

    def nvmlDeviceGetTemperature(self, handle: int, kind: int) -> int:
        return 61


def levels(recorded: Recorded | None) -> dict[str, Level]:
    found = check_gpus(recorded, load_profile("h100x8"))
    return {f"{entry.name}: {entry.detail}": entry.level for entry in found}


def test_eight_good_cards_are_fine() -> None:
    assert set(levels(Recorded()).values()) == {Level.FINE}


@pytest.mark.parametrize(
    ("recorded", "word", "level"),
    [
        (Recorded(count=4), "4, 8 are asked for", Level.BLOCKING),
        (Recorded(name="NVIDIA H100 PCIe"), "not the SXM kind", Level.DIFFERENT),
        (Recorded(name="NVIDIA H200"), "NVIDIA H200", Level.DIFFERENT),
        (Recorded(links=0), "no NVLink is up", Level.DIFFERENT),
        (Recorded(reasons=0x44), "power cap, hardware thermal slowdown", Level.DIFFERENT),
        (Recorded(processes=2), "4000, 4001", Level.DIFFERENT),
        (None, "NVML does not answer", Level.BLOCKING),
    ],
)
def test_each_difference_is_named(recorded: Recorded | None, word: str, level: Level) -> None:
    assert level in [found for text, found in levels(recorded).items() if word in text]


def test_samples_come_back_and_work_is_noted(tmp_path: Path) -> None:
    seen: list[Event] = []
    recorded = Recorded(count=2, busy=[0, 0, 97, 98, 96, 95, 0, 0, 0])
    sampler = Sampler(recorded, tmp_path, time.monotonic, seen.append)
    sampler.start()
    time.sleep(2.4)
    sampler.stop()
    samples = list(read_samples(tmp_path))
    assert len(samples) >= 6
    assert {sample.gpu for sample in samples} == {0, 1}
    assert samples[0].watts == 652.3
    assert samples[0].gauges()["memory_gib"] == 70.0
    assert [event.seen for event in seen][:1] == [Seen.GPU_BUSY]


def test_a_lost_card_is_counted_and_the_others_go_on(tmp_path: Path) -> None:
    sampler = Sampler(Recorded(count=2, lost=True), tmp_path, time.monotonic, lambda event: None)
    sampler.start()
    time.sleep(1.2)
    sampler.stop()
    assert sampler.failed >= 1
    assert {sample.gpu for sample in read_samples(tmp_path)} == {0}
