"""Small mirrors to sweep, with real pull requests in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import ADAPT, EVALUATE, script
from harness.sweep.sweeper import Request, sweep
from tests.audits.repository import Repository, record

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from harness.sweep.sweeper import Report

LEGAL = script(EVALUATE)
TRAINED_FIRST = script(
    ADAPT, EVALUATE, steps=("adapt(args, model, val_tokens)", "export(model)", "restore(model)")
)
DAY = 86_400
FIRST_DAY = 1_775_001_600
"""2026-04-01 in seconds since 1970."""


class Counting:
    """Progress that remembers the phases and how many steps each had."""

    def __init__(self) -> None:
        self.phases: dict[str, int] = {}
        self.steps = 0

    def phase(self, name: str, total: int) -> None:
        """Remember a phase."""
        self.phases[name] = total

    def step(self) -> None:
        """Count a step."""
        self.steps += 1


def make_mirror(path: Path) -> Repository:
    """Return a mirror with a legal entry, a copy of it, an illegal one, two folders, and nothing to audit."""
    mirror = Repository(path)
    legal = record("2026-04-01_Legal", **{"train_gpt.py": LEGAL})
    mirror.pull(1, legal, when=FIRST_DAY)
    mirror.pull(2, record("2026-04-02_Trained", **{"train_gpt.py": TRAINED_FIRST}), when=FIRST_DAY + DAY)
    mirror.pull(3, {**legal, "notes.md": "the same folder, and a file outside"}, when=FIRST_DAY + 2 * DAY)
    mirror.pull(4, {"docs/a.md": "nothing to audit"}, when=FIRST_DAY + 3 * DAY)
    two = {
        **record("2026-04-05_One", **{"train_gpt.py": LEGAL + "\n# one\n"}),
        **record("2026-04-05_Two", **{"train_gpt.py": TRAINED_FIRST + "\n# two\n"}),
    }
    mirror.pull(5, two, when=FIRST_DAY + 4 * DAY)
    return mirror


def run(mirror: Repository, out: Path, **options: Any) -> tuple[Report, Counting]:
    """Sweep with one worker, and return the report with what was worked on."""
    progress = Counting()
    report = sweep(Request(repo=mirror.path, out=out, jobs=1, **options), progress)
    return report, progress
