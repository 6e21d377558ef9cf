"""What the fuzzing starts from: the embedded examples and the examples of every rule."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from audits.intake import load
from audits.rules import discover

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "examples" / "records" / "track_cpu_tiny"
LONGEST_LOG = 20_000

Files = dict[str, bytes]


@cache
def folders() -> tuple[tuple[str, Files], ...]:
    """Return record folders as files by path, smallest first."""
    found: list[tuple[str, Files]] = []
    for rule in discover():
        for example in (*rule.flagged, *rule.clean):
            files = {
                "train_gpt.py": example.code.encode(),
                **{name: text.encode() for name, text in example.files},
            }
            found.append((f"{rule.id}: {example.title}", files))
    for record in sorted(RECORDS.iterdir()):
        if record.is_dir():
            (submission,) = load(str(record)).submissions
            files = {file.path: file.data[:LONGEST_LOG] for file in submission.files if not file.absent}
            found.append((record.name, files))
    return tuple(sorted(found, key=lambda entry: sum(map(len, entry[1].values()))))
