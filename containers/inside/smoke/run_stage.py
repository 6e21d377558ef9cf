"""Run the script as `__main__` to its end, at tiny scale, and say what it did on the way."""

from __future__ import annotations

import sys
from typing import Any

from .. import attempts
from ..scale import SCALE
from ..shim.cuda import peak_bytes
from ..shim.patching import used_parts
from . import evaluations
from .counting import Counts
from .session import Session


class ExitStatusError(Exception):
    """The script left by `sys.exit` with a status that says it failed."""


def stage(session: Session) -> dict[str, Any]:
    """Run and return the figures."""
    session.begin()
    counts = Counts()
    counts.install()
    returned = True
    try:
        session.run("__main__")
    except SystemExit as error:
        if error.code not in (None, 0):
            raise ExitStatusError(f"the script called exit with {error.code!r}").with_traceback(
                error.__traceback__
            ) from None
        evaluations.report_printed()
        returned = bool(evaluations.SEEN)
        if not returned:
            raise
    evaluations.report_printed()
    sys.stdout.flush()
    attempts.tampered()
    return {
        "figures": {
            **counts.figures(),
            "evaluations": len(evaluations.SEEN),
            "peak_memory_bytes": peak_bytes(),
            "scaled": {name: list(change) for name, change in SCALE.changes.items()},
            "shims": list(used_parts()),
        },
        "evaluations": evaluations.SEEN[-20:],
    }
