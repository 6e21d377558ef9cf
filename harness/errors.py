"""Exit codes and the exceptions behind them.

    0   CLEAN                    every report is clean
    10  FLAG or UNCLEAR          a person has to look
    11  ILLEGAL or VIOLATION     a rule is broken
    12  NEEDS_AUTHOR_ACTION      package, claims or record need the author
    13  nothing to audit         the target holds no submission
    14  not run                  there is no box to run it in, or the box failed
    1   tool error               a bug of ours; the traceback is kept
    2   usage                    a mistake of the caller, on one line with a hint

    Exception
    ├── UserError                exit 2    (audits.errors)
    │   └── NothingToAuditError  exit 13   (audits.intake)
    └── anything else            exit 1

The submission's faults are findings, never exceptions. With several reports the worst verdict decides.
`--no-exit-codes` turns 10 to 14 into 0 and leaves 1 and 2 alone.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from audits.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audits.verdict import Overall


class ExitCode(IntEnum):
    """What the process says to whoever called it."""

    CLEAN = 0
    TOOL_ERROR = 1
    USAGE = 2
    FLAG = 10
    VIOLATION = 11
    NEEDS_AUTHOR_ACTION = 12
    NOTHING_TO_AUDIT = 13
    NOT_RUN = 14


_BY_VERDICT = {
    "ILLEGAL": ExitCode.VIOLATION,
    "VIOLATION": ExitCode.VIOLATION,
    "FLAG": ExitCode.FLAG,
    "UNCLEAR": ExitCode.FLAG,
    "NEEDS_AUTHOR_ACTION": ExitCode.NEEDS_AUTHOR_ACTION,
    "CLEAN": ExitCode.CLEAN,
}


def exit_code(verdicts: Iterable[Overall]) -> ExitCode:
    """Return the exit code of the worst verdict, or that there was nothing to judge."""
    from audits.verdict import Overall

    order = list(Overall)
    worst = min(verdicts, key=order.index, default=None)
    return ExitCode.NOTHING_TO_AUDIT if worst is None else _BY_VERDICT[worst.value]


__all__ = ["ExitCode", "UserError", "exit_code"]
