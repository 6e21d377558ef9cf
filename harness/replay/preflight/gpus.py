"""Check the GPUs by NVML: how many, which, how connected, how fast, and who else uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.replay.preflight.records import Found, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.replay.profile import Profile

HARMLESS: Final = 0x1
"""Of the reasons for lower clocks: the card is idle."""
SLOWED: Final = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}


def load_nvml() -> Any | None:
    """Return an initialised NVML module, None where there is none."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:
        # Without a driver the library raises its own errors, without a library OSError: both mean no GPU.
        return None
    return pynvml


def check_gpus(nvml: Any | None, profile: Profile) -> Iterator[Found]:
    """Yield what the GPUs are like against what the profile asks for."""
    if profile.device != "cuda":
        return
    if nvml is None:
        yield Found("GPU", Level.BLOCKING, "NVML does not answer: no driver, or no GPU")
        return
    count = int(nvml.nvmlDeviceGetCount())
    level = Level.FINE if count >= profile.processes else Level.BLOCKING
    yield Found("GPUs", level, f"{count}, {profile.processes} are asked for")
    yield Found("driver", Level.FINE, _text(nvml.nvmlSystemGetDriverVersion()))
    for index in range(count):
        yield from _card(nvml, index, profile)


def _card(nvml: Any, index: int, profile: Profile) -> Iterator[Found]:
    """Yield what one card is like."""
    handle, name = nvml.nvmlDeviceGetHandleByIndex(index), f"GPU {index}"
    model = _text(nvml.nvmlDeviceGetName(handle))
    fits = profile.gpu_name is None or profile.gpu_name in model
    yield Found(name, Level.FINE if fits else Level.DIFFERENT, model)
    if profile.gpu_name and "HBM3" not in model and "SXM" not in model:
        yield Found(name, Level.DIFFERENT, f"{model} is not the SXM kind")
    yield from _links(nvml, handle, name, profile)
    reasons = int(nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)) & ~HARMLESS
    slowed = [what for bit, what in SLOWED.items() if reasons & bit]
    if slowed:
        yield Found(name, Level.DIFFERENT, f"clocks are held down: {', '.join(slowed)}")
    clock = nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_SM)
    yield Found(name, Level.FINE, f"SM clock up to {clock} MHz")
    others = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
    if others:
        pids = ", ".join(str(process.pid) for process in others[:5])
        yield Found(name, Level.DIFFERENT, f"{len(others)} other processes use it: {pids}")


def _links(nvml: Any, handle: Any, name: str, profile: Profile) -> Iterator[Found]:
    """Yield whether the card has its NVLinks; one card alone needs none."""
    if profile.processes < 2:
        return
    active = 0
    for link in range(18):
        try:
            active += int(nvml.nvmlDeviceGetNvLinkState(handle, link) == nvml.NVML_FEATURE_ENABLED)
        except nvml.NVMLError:
            break
    level = Level.FINE if active else Level.DIFFERENT
    yield Found(name, level, f"{active} NVLinks are up" if active else "no NVLink is up")


def _text(value: str | bytes) -> str:
    """Return text from a library that gives bytes in some versions."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
