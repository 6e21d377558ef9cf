"""What must hold for every input, however broken: an answer, no crash, no hang."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from audits.errors import UserError
from audits.intake import load
from audits.outcome import Status
from audits.policy import load_policy
from audits.runner import audit
from audits.verdict import decide

if TYPE_CHECKING:
    from tests.fuzz.seeds import Files

SLOWEST = 10.0
"""Seconds that no audit may take."""


def check(files: Files, root: Path, say: str) -> None:
    """Audit a folder made of `files` and hold the result to its promises."""
    folder = root / "records" / "track_10min_16mb" / "2026-04-01_Fuzz"
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    started = time.perf_counter()
    try:
        submissions = load(str(folder)).submissions
    except UserError:
        return  # an answer too: one line with a hint
    for submission in submissions:
        result = audit(submission)
        assert result.crash is None, f"{say}: the facts crashed\n{result.crash}"
        crashed = [outcome for outcome in result.outcomes if outcome.status is Status.CRASHED]
        assert not crashed, f"{say}: {crashed[0].rule} crashed\n{crashed[0].reason}"
        assert decide(result.outcomes, load_policy("practice")).overall
    took = time.perf_counter() - started
    assert took < SLOWEST, f"{say}: took {took:.1f} s"
