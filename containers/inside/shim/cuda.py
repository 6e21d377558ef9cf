"""Answer `torch.cuda` as one H100 would, with the CPU doing the work.

Streams, events, memory, properties, graphs.

Streams run in order, so waiting for one is nothing. Memory figures are this process's own.
"""

from __future__ import annotations

import contextlib
import resource
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import torch

from .patching import constant, put, reported, used

PART = "cuda-api"
NAME = "NVIDIA H100 80GB HBM3"
TOTAL_BYTES = 85_028_765_696
PROPERTIES = types.SimpleNamespace(
    name=NAME,
    major=9,
    minor=0,
    total_memory=TOTAL_BYTES,
    multi_processor_count=132,
    max_threads_per_multi_processor=2048,
    max_threads_per_block=1024,
    shared_memory_per_block=49152,
    shared_memory_per_block_optin=232448,
    shared_memory_per_multiprocessor=233472,
    regs_per_multiprocessor=65536,
    warp_size=32,
    L2_cache_size=52_428_800,
    is_integrated=False,
    is_multi_gpu_board=False,
    gcnArchName="",
    uuid="GPU-00000000-0000-0000-0000-000000000000",
)


class Stream:
    """A stream that is always done."""

    def __init__(self, *_: Any, **__: Any) -> None:
        used(PART, "streams run in order")
        self.cuda_stream = 0
        self.stream_id = 0
        self.device = torch.device("cpu")

    def synchronize(self, *_: Any) -> None:
        """Wait for nothing."""

    wait_event = wait_stream = synchronize

    def query(self) -> bool:
        """Say that all is done."""
        return True

    def record_event(self, event: Any = None) -> Any:
        """Return an event that stands here."""
        event = event or Event()
        event.record()
        return event

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: Any) -> None:
        return None


class Event:
    """A moment on the process's clock."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self._at = 0.0

    def record(self, *_: Any) -> None:
        """Remember now."""
        self._at = time.perf_counter()

    def synchronize(self) -> None:
        """Wait for nothing."""

    def wait(self, *_: Any) -> None:
        """Wait for nothing."""

    def query(self) -> bool:
        """Say that it has passed."""
        return True

    def elapsed_time(self, other: Event) -> float:
        """Return the milliseconds from this event to the other."""
        return (other._at - self._at) * 1000.0


class CUDAGraph:
    """A graph that cannot be captured without a GPU; `torch.cuda.graph` runs its body once, eagerly."""

    def replay(self) -> None:
        """Refuse: the captured work cannot be repeated."""
        from .patching import gap

        raise gap("cuda-graph", "torch.cuda.CUDAGraph.replay")

    def capture_begin(self, *_: Any, **__: Any) -> None:
        """Begin nothing."""

    def capture_end(self) -> None:
        """End nothing."""

    def reset(self) -> None:
        """Forget nothing."""

    def pool(self) -> tuple[int, int]:
        """Return a handle."""
        return (0, 0)


class device:  # noqa: N801 - named as torch names it
    """A context that changes no device."""

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: Any) -> None:
        return None


@contextlib.contextmanager
def _context(*_: Any, **__: Any) -> Iterator[None]:
    yield


def peak_bytes(*_: Any, **__: Any) -> int:
    """Return the most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _statistics(*_: Any, **__: Any) -> dict[str, int]:
    return defaultdict(
        int, {"allocated_bytes.all.peak": peak_bytes(), "reserved_bytes.all.peak": peak_bytes()}
    )


_CONSTANTS: dict[str, Any] = {
    "is_available": True,
    "is_initialized": True,
    "is_bf16_supported": True,
    "is_tf32_supported": True,
    "device_count": 1,
    "current_device": 0,
    "get_device_name": NAME,
    "get_device_capability": (9, 0),
    "get_device_properties": PROPERTIES,
    "get_arch_list": ["sm_90"],
    "can_device_access_peer": True,
    "mem_get_info": (TOTAL_BYTES, TOTAL_BYTES),
    "memory_summary": "",
    "memory_snapshot": [],
    "utilization": 0,
    "is_current_stream_capturing": False,
    "get_sync_debug_mode": 0,
    "graph_pool_handle": (0, 0),
}
_NOTHING = (
    "init synchronize set_device empty_cache ipc_collect reset_peak_memory_stats reset_max_memory_allocated "
    "reset_max_memory_cached reset_accumulated_memory_stats set_stream set_per_process_memory_fraction "
    "_lazy_init set_sync_debug_mode _sleep manual_seed manual_seed_all seed seed_all"
).split()
_NVTX = "range_push range_pop range_start range_end mark".split()


def _answers() -> dict[str, Callable[..., Any]]:
    rng = torch.get_rng_state
    answers: dict[str, Callable[..., Any]] = {
        name: constant(PART, value) for name, value in _CONSTANTS.items()
    }
    answers |= {name: constant(PART, None) for name in _NOTHING}
    for name in ("memory_allocated", "max_memory_allocated", "memory_reserved", "max_memory_reserved"):
        answers[name] = reported(PART, peak_bytes)
    answers["memory_stats"] = _statistics
    answers["get_rng_state"] = lambda *_: rng()
    answers["get_rng_state_all"] = lambda *_: [rng()]
    answers["set_rng_state"] = answers["set_rng_state_all"] = constant(PART, None)
    answers["current_stream"] = answers["default_stream"] = lambda *_: Stream()
    answers["stream"] = answers["graph"] = answers["device_of"] = _context
    answers["make_graphed_callables"] = lambda callables, *_, **__: callables
    return answers


def install() -> None:
    """Put the answers in place, with the settings that only make sense on a GPU made harmless."""
    for name, answer in _answers().items():
        put(torch.cuda, name, answer)
    for kind in (Stream, Event, CUDAGraph, device):
        put(torch.cuda, kind.__name__, kind)
    put(torch.cuda, "ExternalStream", Stream)
    put(torch, "Stream", Stream)
    put(torch, "Event", Event)
    for name in _NVTX:
        put(torch.cuda.nvtx, name, constant(PART, None))
    put(torch.cuda.nvtx, "range", _context)
    put(
        torch.cuda,
        "cudart",
        lambda: types.SimpleNamespace(cudaProfilerStart=lambda: 0, cudaProfilerStop=lambda: 0),
    )
    put(torch.version, "cuda", "12.8")
    put(torch.backends.cudnn, "is_available", constant(PART, True))
    put(torch.backends.cudnn, "version", constant(PART, 91002))


__all__ = ["CUDAGraph", "Event", "Stream", "device", "install", "peak_bytes"]
