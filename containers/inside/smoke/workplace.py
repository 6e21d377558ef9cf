"""A folder in the scratch from which a stage runs the script: the submission's files beside the tiny data."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from ..job import Job
from ..shim.patching import used

SUBMISSION = Path(os.environ.get("REFEREE_SUBMISSION", "/submission"))
MAX_COPIED = 4 * 1024 * 1024
"""Larger files are linked, not copied."""
_KEPT_OUT = (
    "PATH LD_PRELOAD LD_LIBRARY_PATH PYTHONPATH PYTHONHOME PYTHONSTARTUP OMP_NUM_THREADS MKL_NUM_THREADS "
    "HOME TMPDIR RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE TRITON_INTERPRET CUDA_HOME VIRTUAL_ENV"
).split()


_SKIPS_TRAINING = re.compile(r"(?:^|_)(?:EVAL|TTT|QUANTI[ZS]E|PREQUANT|EXPORT)_ONLY$|^SKIP_TRAIN")
"""Variables of a command that goes on from the files of an earlier run."""
RECORD = "records/track_10min_16mb/submission"
"""Where the folder lies in a repository: scripts count their way up to its root."""
REPOSITORY = ".repository"
"""Folder of the submission for files that belong at the root of the repository."""


def repository_of(root: Path) -> Path:
    """Return the root of the repository in which a record folder lies."""
    return root.parents[RECORD.count("/")]


def lay_out(stage: str) -> Path:
    """Copy the submission into a record folder of a repository of its own and return the folder."""
    repository = Path(os.environ["REFEREE_SCRATCH"]) / stage
    root = repository / RECORD
    root.mkdir(parents=True, exist_ok=True)
    (root / "data").mkdir(exist_ok=True)
    if not (repository / "data").is_symlink():
        (repository / "data").symlink_to(root / "data")
    for folder, _, names in os.walk(SUBMISSION):
        inner = Path(folder).relative_to(SUBMISSION)
        above = inner.parts[:1] == (REPOSITORY,)
        target = repository.joinpath(*inner.parts[1:]) if above else root / inner
        target.mkdir(parents=True, exist_ok=True)
        if above and names:
            used("repository-files", "laid out where the script counts its way up to")
        for name in names:
            source = Path(folder) / name
            try:
                if source.stat().st_size > MAX_COPIED:
                    (target / name).symlink_to(source)
                else:
                    shutil.copyfile(source, target / name)
            except OSError:
                continue
    return root


def enter(root: Path, job: Job) -> None:
    """Make the folder and the job's environment those of this process."""
    os.chdir(root)
    temporary = Path(os.environ["REFEREE_SCRATCH"]) / "tmp"
    temporary.mkdir(exist_ok=True)
    os.environ.update(HOME=str(root), TMPDIR=str(temporary), PWD=str(root))
    for name, value in job.env:
        if _SKIPS_TRAINING.search(name) and value not in ("", "0"):
            used("trains-first", f"{name}={value} left out: there is no earlier run here to go on from")
        elif name not in _KEPT_OUT and not name.startswith("REFEREE_") and "$" not in value and name:
            os.environ[name] = value
    if job.nproc > 1:
        os.environ.update(
            RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", LOCAL_WORLD_SIZE="1",
            MASTER_ADDR="127.0.0.1", MASTER_PORT="29500",
        )  # fmt: skip


def files_written(root: Path, known: frozenset[str]) -> list[tuple[str, int]]:
    """Return path and size of each file that was not there before."""
    found = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            text = str(path.relative_to(root))
            if text not in known and not path.is_symlink():
                found.append((text, path.stat().st_size))
    return sorted(found)


def files_of(root: Path) -> frozenset[str]:
    """Return the paths of all files, relative to the folder."""
    return frozenset(
        str((Path(folder) / name).relative_to(root)) for folder, _, names in os.walk(root) for name in names
    )
