"""Run what goes into the box on this machine, with scripts of ours only, in a process of its own.

The shim replaces half of torch, so nothing of it may be installed into the process of the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

INSIDE = Path(__file__).parents[3] / "containers" / "inside"


class Inside:
    """A folder with the package under the name that it has in the image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "path").mkdir()
        (folder / "path" / "referee_inside").symlink_to(INSIDE)
        self.report = folder / "report.jsonl"

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run Python with the package on its path."""
        (self.folder / "scratch").mkdir(exist_ok=True)
        settings = {
            **os.environ,
            "PYTHONPATH": str(self.folder / "path"),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "REFEREE_REPORT": str(self.report),
            "REFEREE_SCRATCH": str(self.folder / "scratch"),
            "REFEREE_DATA": str(self.folder / "data"),
            **env,
        }
        return subprocess.run(
            [sys.executable, *arguments],
            env=settings,
            cwd=self.folder / "scratch",
            capture_output=True,
            text=True,
            timeout=170,
        )

    def code(self, text: str, **env: str) -> dict:
        """Run code that prints one JSON object last, and return it."""
        done = self.run("-c", textwrap.dedent(text), **env)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.strip().splitlines()[-1])

    def lay_out(self, script: str, **job: object) -> dict[str, str]:
        """Write a submission of one file and the job of it; return the variables that name them."""
        (self.folder / "submission").mkdir(exist_ok=True)
        (self.folder / "submission" / "train_gpt.py").write_text(script)
        document = {"schema": "referee-job/1", "script": "train_gpt.py", **job}
        (self.folder / "job.json").write_text(json.dumps(document))
        return {
            "REFEREE_JOB": str(self.folder / "job.json"),
            "REFEREE_SUBMISSION": str(self.folder / "submission"),
        }

    def smoke(self, script: str, **job: object) -> list[dict]:
        """Run the stages on a script of one file and return the reports."""
        where = self.lay_out(textwrap.dedent(script), **{"nproc": 8, **job})
        self.done = self.run("-m", "referee_inside.smoke", **where)
        return self.reports()

    def reports(self, event: str | None = None) -> list[dict]:
        """Return the reports so far, of one event or of all."""
        lines = self.report.read_text().splitlines() if self.report.exists() else []
        found = [json.loads(line) for line in lines]
        return [line for line in found if event in (None, line["event"])]


@pytest.fixture
def inside(tmp_path):
    return Inside(tmp_path)


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory):
    """A folder with the tiny data of the smallest vocabulary that is asked for here."""
    pytest.importorskip("sentencepiece", reason="needs the cpu extra")
    from containers.inside.data import vocabulary

    home = tmp_path_factory.mktemp("data")
    vocabulary.build(home, 512)
    return home
