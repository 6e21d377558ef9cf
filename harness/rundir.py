"""Name every file of a run. The only place that knows where things lie under `runs/<id>/`.

Promises that everything rendered after measuring can be rebuilt from what lies here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

RENDERINGS = {"text": "review.txt", "markdown": "review.md", "json": "audit.json", "sarif": "review.sarif"}


@dataclass(frozen=True, slots=True)
class RunDir:
    """The directory of one run."""

    root: Path

    @property
    def manifest(self) -> Path:
        """Return `run.json`: versions, rulebook, policy, inputs with digests."""
        return self.root / "run.json"

    @property
    def submissions(self) -> Path:
        """Return `submission.json`: what was handed in, file by file with digests."""
        return self.root / "submission.json"

    @property
    def review(self) -> Path:
        """Return `review.json`: what a person is shown, as data; `referee publish` starts from it."""
        return self.root / "review.json"

    def rendering(self, format_: str) -> Path:
        """Return the file that holds one rendering; `json` is the audit itself."""
        return self.root / RENDERINGS[format_]

    def stage(self, name: str, position: int) -> Path:
        """Return the file of one stage (`smoke`, `probe`) for the submission at `position`, from 0."""
        return self.root / name / f"{position}.json"

    def create(self) -> None:
        """Make the directory; one that already holds a run is refused."""
        if self.manifest.exists():
            raise UserError(f"{self.root} already holds a run", "choose another --run-dir")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot create {self.root}: {error.strerror}", "choose another --run-dir"
            ) from error

    def write_json(self, path: Path, document: dict[str, Any]) -> None:
        """Write one JSON file of the run."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class SweepDir:
    """The directory of one sweep."""

    root: Path

    @property
    def store(self) -> Path:
        """Return the SQLite file that holds everything."""
        return self.root / "sweep.sqlite"

    def export(self, format_: str) -> Path:
        """Return the file of one export: `jsonl`, `csv` or `parquet`."""
        return self.root / f"sweep.{format_}"


@dataclass(frozen=True, slots=True)
class ReplayDir:
    """The directory of one replay. Comparing and reporting need nothing else."""

    root: Path

    @property
    def plan(self) -> Path:
        """Return `plan.json`: what is run, and why it is that."""
        return self.root / "plan.json"

    @property
    def preflight(self) -> Path:
        """Return `preflight.json`: the machine as it was found."""
        return self.root / "preflight.json"

    def seed(self, seed: int) -> Path:
        """Return the folder of one seed: raw log, arrivals, stated lines, events, samples."""
        return self.root / "seeds" / str(seed)

    def seed_measurement(self, seed: int) -> Path:
        """Return what one seed measured; written last, as the sign that the seed is done."""
        return self.seed(seed) / "measurement.json"

    @property
    def speed(self) -> Path:
        """Return `speed.json`: how fast the reference trained here, where that was asked for."""
        return self.root / "speed.json"

    @property
    def calibration(self) -> Path:
        """Return the folder of the reference's own run."""
        return self.root / "calibration"

    @property
    def comparison(self) -> Path:
        """Return `comparison.json`: claim against measurement."""
        return self.root / "comparison.json"

    def report(self, format_: str) -> Path:
        """Return the report in one format: `md`, `html` or `json`."""
        return self.root / f"report.{format_}"
