"""Record folders made of the reference: honest entries, and twins that break one rule each.

An entry is `honest.py` as `train_gpt.py` beside a copy of `reference_impl/`, with edits: text that must be
there, and what stands in its place. A twin names the rule that must speak of it and marks its
offence with `MARK`. Each is a complete entry that trains and prints a score; the twins exist in tests only.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = "train_gpt.py"
MARK = "# offence"


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement in one file of an entry."""

    old: str
    """Text that occurs there once."""
    new: str
    """What it becomes."""
    path: str = SCRIPT
    """File inside the entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record folder to be."""

    name: str
    """Its folder, less the date."""
    edits: tuple[Edit, ...]
    """What differs from `honest.py`."""
    patterns: tuple[str, ...]
    """What the audit must recognise."""
    rule: str = ""
    """Rule that must call it ILLEGAL or a VIOLATION; empty for an honest one."""
    sibling: str = ""
    """The honest entry that it is a twin of."""


def lay(entry: Entry, root: Path) -> Path:
    """Write the entry below `root` and return its folder."""
    folder = root / "examples" / "records" / "track_cpu_tiny" / f"2026-12-01_{entry.name}"
    folder.mkdir(parents=True)
    shutil.copyfile(Path(__file__).with_name("honest.py"), folder / SCRIPT)
    shutil.copytree(
        ROOT / "reference_impl", folder / "reference_impl", ignore=shutil.ignore_patterns("__pycache__")
    )
    for edit in entry.edits:
        apply(edit, folder / edit.path)
    claim = {"name": entry.name, "author": "The Referee maintainers", "github_id": "referee", "val_bpb": None}
    (folder / "submission.json").write_text(json.dumps(claim, indent=2) + "\n")
    (folder / "README.md").write_text(
        f"# {entry.name}\n\nMade of the reference by tests.\n\n```bash\nSEED=1337 python train_gpt.py\n```\n"
    )
    return folder


def apply(edit: Edit, path: Path) -> None:
    """Make an edit. Raises ValueError where the reference has changed under it."""
    text = path.read_text(encoding="utf-8")
    if text.count(edit.old) != 1:
        raise ValueError(f"{path.name} holds {text.count(edit.old)} times {edit.old!r}")
    path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


def offences(folder: Path) -> Iterable[tuple[str, int]]:
    """Yield path and line of every marked offence."""
    for path in sorted(folder.rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.endswith(MARK):
                yield path.relative_to(folder).as_posix(), number
