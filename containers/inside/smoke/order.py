"""The order of the stages: which run, with how much time, and what each hands to the report."""

from __future__ import annotations

import functools
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import zygote
from ..channel import Channel
from ..job import Job
from . import build_stage, import_stage, run_stage, workplace
from .session import ALL, FULL_SIZE, Session, code_bytes

SECONDS = {"import": 60.0, "build": 60.0, "run": 150.0}
"""Time of each stage where the job names none."""
PACKED = (
    ".ptz",
    ".xz",
    ".lzma",
    ".zst",
    ".zstd",
    ".br",
    ".zip",
    ".bin",
    ".npz",
    ".z",
    ".gz",
    ".lrz",
    ".pgz",
    ".bz2",
    ".rans",
)


class Order:
    """Runs one job."""

    def __init__(self, job: Job, channel: Channel) -> None:
        self.job = job
        self.channel = channel
        self.parameters = 0

    def run(self) -> bool:
        """Run the stages; a failed import ends the job, a failed build does not."""
        ok = True
        script = workplace.SUBMISSION / self.job.script
        self._figure("code_bytes", code_bytes(script) if script.exists() else 0)
        if "import" in self.job.stages:
            ok = self._import()
            if not ok:
                return False
        if "build" in self.job.stages or "forward" in self.job.stages:
            ok = self._build() and ok
        if "run" in self.job.stages:
            ok = self._run() and ok
        return ok

    def _import(self) -> bool:
        session = Session(self.job, workplace.lay_out("import"), ALL)
        ended = zygote.run(functools.partial(import_stage.stage, session), self._seconds("import"))
        self._report("import", ended)
        for name, value in ended.facts.get("figures", {}).items():
            self._figure(name, value)
        return ended.ok

    def _build(self) -> bool:
        ended = self._build_once("build", FULL_SIZE)
        if not ended.ok and _too_large(ended):
            self._figure("build_shrunk", (ended.error or {}).get("message", ""))
            ended = self._build_once("build-small", ALL)
        facts = ended.facts
        self._report("build", ended if not ended.ok else replace(ended, ok=bool(facts.get("built"))))
        if ended.ok and not facts.get("built"):
            return True
        forward = facts.get("forward") or {}
        if ended.ok:
            done = replace(ended, ok=not forward.get("problem"), error=forward.get("error"))
            self._report("forward", done)
        for name, value in facts.get("figures", {}).items():
            self._figure(name, value)
        self.parameters = int(facts.get("figures", {}).get("parameters") or 0)
        return ended.ok and not forward.get("problem")

    def _build_once(self, folder: str, groups: Any) -> zygote.Ended:
        session = Session(self.job, workplace.lay_out(folder), groups)
        return zygote.run(functools.partial(build_stage.stage, session), self._seconds("build"))

    def _run(self) -> bool:
        root, known, ended = self._run_once()
        if self.job.nproc > 1 and _may_need_ranks(ended):
            # The documented command starts several processes, and some code only works with a share of the
            # data (#916). What fails both ways fails as it did alone.
            shutil.rmtree(workplace.repository_of(root), ignore_errors=True)
            root, known, again = self._run_once(self.job.nproc)
            ended = again if again.ok else ended
        self._report("run", ended)
        self._files(root, known, int(ended.facts.get("figures", {}).get("parameters_tiny") or 0))
        last = (ended.facts.get("evaluations") or [{}])[-1]
        for name in ("val_loss", "val_bpb"):
            if last.get(name) is not None:
                self._figure(name, last[name])
        return ended.ok

    def _run_once(self, ranks: int = 1) -> tuple[Path, frozenset[str], zygote.Ended]:
        root = workplace.lay_out("run")
        known = workplace.files_of(root)
        session = Session(self.job, root, ALL, ranks)
        return root, known, zygote.run(functools.partial(run_stage.stage, session), self._seconds("run"))

    def _files(self, root: Path, known: frozenset[str], parameters_tiny: int) -> None:
        """Report what the run wrote, and what its artifact would weigh with as many bytes a parameter."""
        packed = 0
        for path, size in workplace.files_written(root, known)[:100]:
            if path.startswith("data/") or os.path.basename(path).startswith("fineweb_"):
                continue
            self.channel.send("file", path=path, bytes=size)
            if path.endswith(PACKED):
                packed = max(packed, size)
        if packed:
            self._figure("artifact_bytes", packed)
        if packed and self.parameters and parameters_tiny:
            self._figure("artifact_bytes_full", round(packed * self.parameters / parameters_tiny))

    def _seconds(self, stage: str) -> float:
        return self.job.seconds(stage, SECONDS[stage])

    def _figure(self, name: str, value: Any) -> None:
        self.channel.send("figure", name=name, value=value)

    def _report(self, stage: str, ended: zygote.Ended) -> None:
        status = "ok" if ended.ok else "failed" if ended.error else "skipped"
        self.channel.send(
            "stage",
            stage=stage,
            status=status,
            seconds=round(ended.seconds, 3),
            cpu_seconds=round(ended.cpu_seconds, 3),
            error=ended.error,
            figures=ended.facts.get("figures", {}),
            detail=ended.facts.get("detail", ""),
        )


def _may_need_ranks(ended: zygote.Ended) -> bool:
    """Return whether a run failed on a shape or an index, which depend on the number of processes."""
    return not ended.ok and (ended.error or {}).get("class") in ("ValueError", "IndexError")


def _too_large(ended: zygote.Ended) -> bool:
    """Return whether a build failed for want of memory or time, which a smaller one may not."""
    error = ended.error or {}
    return error.get("class") in ("StageTimeoutError", "MemoryError", "Killed", "OutOfMemoryError") or (
        "can't allocate memory" in str(error.get("message"))
    )
