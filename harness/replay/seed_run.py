"""Run one seed in a box and measure it.

The files of the folder lie read-only under /submission and as links in the working folder, so that relative
paths work; data lies read-only under ./data; the working folder is the only place that can be written to.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import containers
from containers.engine.interface import EngineError
from containers.engine.live import LiveRun
from containers.request import GIB, Limits, Mount, SandboxRequest
from harness.replay.files import watch_files
from harness.replay.recording import Recording
from harness.replay.room import Room
from harness.replay.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from containers.engine.interface import Engine
    from containers.failure import Failure
    from containers.result import Observed
    from harness.replay.phases import Tracker
    from harness.replay.plan import Plan
    from harness.replay.profile import Profile
    from harness.replay.statements import Dialect
    from harness.replay.watch import Watched

RAW_BYTES: Final = 4 << 30
FULL_BYTES: Final = 1 << 20
DAY_SECONDS: Final = 86_400.0
HOOKS: Final = "/referee-hooks"
PREFIX: Final = "referee-replay-"
NOTE: Final = "scratch.path"
_START: Final = 'cp -rs /submission/. /scratch/ && exec "$@"'
_START_SHIMMED: Final = 'exec "$@"'


@dataclass(frozen=True, slots=True)
class Setting:
    """What one run is given besides its plan."""

    data: Path | None
    """Given to the run as ./data."""
    environment: tuple[tuple[str, str], ...] = ()
    """Laid over the plan's."""
    files: tuple[tuple[str, Path], ...] = ()
    """Files that lie in its working folder at the start: relative path and where they are copied from."""


@dataclass(frozen=True, slots=True)
class SeedRun:
    """One run as it happened."""

    seed: int
    watched: Watched | None
    """None when it never ran."""
    observed: Observed | None
    """What the supervisor saw."""
    report: tuple[dict[str, object], ...]
    """What the process itself reported: untrusted."""
    failure: Failure | None
    missing_isolation: tuple[str, ...]
    scratch: Path
    """What it wrote; the caller removes it."""
    note: Path
    """File beside the recording that names `scratch`, for whoever goes on after a harness that was killed."""
    disk_full: bool = False
    """The host's disk was without room while it ran."""


def run_seed(
    engine: Engine,
    image: str,
    plan: Plan,
    profile: Profile,
    files: tuple[tuple[str, bytes], ...],
    seed: int,
    folder: Path,
    dialect: Dialect,
    on_progress: Callable[[Tracker, float], None] | None = None,
    setting: Setting | None = None,
) -> SeedRun:
    """Run one seed, leave its recording in `folder`, and return what happened."""
    setting = setting or Setting(Path(plan.data) if plan.data else None)
    scratch, note = _scratch(setting), folder / NOTE
    note.write_text(str(scratch), encoding="utf-8")
    request = _request(image, plan, profile, files, seed, scratch, setting)
    try:
        launched = time.monotonic()
        run = LiveRun(engine, request)
    except EngineError as error:
        return SeedRun(seed, None, None, (), error.failure, (), scratch, note)
    recording = Recording(folder, dialect, RAW_BYTES)
    watcher = Watcher(run, recording, plan.caps, launched)
    room = Room(scratch, request.limits.scratch_bytes, watcher.now, watcher.stop_for)
    sampled = folder if profile.device == "cuda" else None
    return _follow(run, watcher, room, seed, note, on_progress, sampled)


def _follow(
    run: LiveRun,
    watcher: Watcher,
    room: Room,
    seed: int,
    note: Path,
    on_progress: Callable[[Tracker, float], None] | None,
    sampled: Path | None,
) -> SeedRun:
    """Watch a started run to its end; GPUs are sampled into `sampled` where it is given."""
    scratch = room.folder
    failure = watched = None
    try:
        with _observers(watcher, room, scratch, sampled):
            watched = watcher.watch(on_progress)
    except EngineError as error:
        failure = error.failure
    finally:
        run.kill()
    missing = run.box.missing_isolation
    full = room.least_free_bytes < FULL_BYTES
    return SeedRun(seed, watched, run.observed, tuple(run.report), failure, missing, scratch, note, full)


@contextlib.contextmanager
def _observers(watcher: Watcher, room: Room, scratch: Path, sampled: Path | None) -> Iterator[None]:
    """Let files, room on disk and GPUs be observed while a run is watched."""
    from harness.replay.preflight.gpus import load_nvml
    from harness.replay.telemetry import Sampler

    files = watch_files(scratch, watcher.now, watcher.note)
    nvml = load_nvml() if sampled is not None else None
    sampler = Sampler(nvml, sampled, watcher.now, watcher.note) if nvml and sampled else None
    if sampler is not None:
        sampler.start()
    room.start()
    try:
        yield
    finally:
        room.stop()
        if sampler is not None:
            sampler.stop()
        if files is not None:
            files.stop()
            files.join()


def _request(
    image: str,
    plan: Plan,
    profile: Profile,
    files: tuple[tuple[str, bytes], ...],
    seed: int,
    scratch: Path,
    setting: Setting,
) -> SandboxRequest:
    """Return what the box is asked for."""
    # torchrun's children print into a pipe: what they hold back would be stamped when it comes.
    ours = {"PYTHONPATH": HOOKS, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    hooks = str(Path(containers.__file__).parent / "hooks")
    return SandboxRequest(
        image=image,
        files=files,
        job=json.dumps(plan.job(seed), sort_keys=True).encode(),
        command=("/bin/sh", "-c", _START_SHIMMED if plan.shimmed else _START, "sh", *plan.command(seed)),
        environment=tuple({**plan.variables(seed), **dict(setting.environment), **ours}.items()),
        limits=Limits(
            wall_seconds=DAY_SECONDS,
            memory_bytes=int(profile.memory_gib * GIB),
            pids=profile.pids,
            cpus=profile.cpus or float(os.cpu_count() or 1),
            scratch_bytes=int(profile.scratch_gib * GIB),
            shm_bytes=int(profile.shm_gib * GIB),
        ),
        mounts=(
            Mount(str(scratch), "/scratch", writable=True),
            *([Mount(str(setting.data), "/scratch/data")] if setting.data else []),
            Mount(hooks, HOOKS),
        ),
        gpus=profile.device == "cuda",
    )


def _scratch(setting: Setting) -> Path:
    """Return a fresh folder that the run's user may write to."""
    scratch = Path(tempfile.mkdtemp(prefix=PREFIX))
    for name, source in setting.files:
        target = scratch / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o444)
    # The run's user is another than ours.
    scratch.chmod(0o1777)
    return scratch


def discard(run: SeedRun) -> None:
    """Remove what a run wrote."""
    shutil.rmtree(run.scratch, ignore_errors=True)
    run.note.unlink(missing_ok=True)


def discard_left(folder: Path) -> None:
    """Remove the scratch of runs recorded under `folder` whose harness was killed before it could."""
    for note in folder.rglob(NOTE):
        scratch = Path(note.read_text(encoding="utf-8"))
        # The note is in a folder that may have been handed around: nothing but a scratch of ours is removed.
        if scratch.name.startswith(PREFIX) and scratch.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(scratch, ignore_errors=True)
        note.unlink()
