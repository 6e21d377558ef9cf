"""All checks of the preflight, in the order in which a person would want to know."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.replay.preflight.gpus import check_gpus
from harness.replay.preflight.records import Found, Level, Preflight
from harness.replay.preflight.shards import check_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.challenge import Challenge
    from harness.replay.plan import Plan
    from harness.replay.profile import Profile


def preflight(
    plan: Plan, profile: Profile, challenge: Challenge, nvml: Any | None, *, hash_all: bool = False
) -> Preflight:
    """Return what the machine and the data are like."""
    return Preflight(
        (
            *check_gpus(nvml, profile),
            *_machine(profile),
            *_disk(profile),
            *(check_data(Path(plan.data), challenge, hash_all=hash_all) if plan.data else ()),
        )
    )


def _machine(profile: Profile) -> Iterator[Found]:
    """Yield cores, memory and load."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0]
    level = Level.DIFFERENT if load > 0.5 * cores else Level.FINE
    yield Found("processors", level, f"{cores} cores, load {load:.1f} before the start")
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    enough = pages >= profile.memory_gib
    yield Found(
        "memory", Level.FINE if enough else Level.DIFFERENT, f"{pages:.0f} GiB, {profile.memory_gib:g} asked"
    )


def _disk(profile: Profile) -> Iterator[Found]:
    """Yield the free space where a run writes."""
    free = shutil.disk_usage(tempfile.gettempdir()).free / (1 << 30)
    level = Level.FINE if free >= profile.scratch_gib else Level.BLOCKING
    yield Found("free disk", level, f"{free:.0f} GiB, {profile.scratch_gib:g} asked")
