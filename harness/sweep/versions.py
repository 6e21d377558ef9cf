"""Digests of our own code and data, by which stored results are told fresh from stale.

Nobody has to remember to raise a number: a changed file in the rooms that read gives new facts, a changed
file in the rooms that judge gives new outcomes from the old facts, a changed policy gives new verdicts from
the old outcomes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import audits
import harness

_AUDITS = Path(audits.__file__).parent
_HARNESS = Path(harness.__file__).parent
_READS = (
    _AUDITS / "intake",
    _AUDITS / "unpack",
    _AUDITS / "facts",
    _AUDITS / "challenges",
    _AUDITS / "submission.py",
    _AUDITS / "location.py",
    _AUDITS / "challenge.py",
    _AUDITS / "challenge_loader.py",
    _HARNESS / "sweep" / "clusters.py",
)
_JUDGES = (
    _AUDITS / "rules",
    _AUDITS / "outcome.py",
    _AUDITS / "rule.py",
    _AUDITS / "runner.py",
    _HARNESS / "report" / "comparison.py",
    _HARNESS / "sweep" / "summary.py",
)
_DECIDES = (_AUDITS / "policies", _AUDITS / "policy.py", _AUDITS / "verdict.py")
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Versions:
    """What results were made with."""

    extractor: str
    """Everything that reads: intake, unpacking, facts, challenges."""
    rulebook: str
    """Everything that judges facts."""
    policy: str
    """Everything that weighs outcomes."""


@cache
def current() -> Versions:
    """Return the versions of the code that is running."""
    return Versions(_digest(_READS), _digest(_JUDGES), _digest(_DECIDES))


def _digest(rooms: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for room in rooms:
        files = sorted(room.rglob("*")) if room.is_dir() else [room]
        for file in files:
            if file.suffix in (".py", ".toml"):
                name = file.relative_to(room.parent).as_posix()
                digest.update(f"{name}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:_DIGITS]
