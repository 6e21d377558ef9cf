"""What a run tried that a box forbids, and which of it is hostile.

Asking for the network is told and is not hostile: honest scripts download what they lack, and fail here. To
look into our own code, other processes, privileges or a host's secrets is.
"""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from containers.result import Ending
from containers.smoke_result import Attempt

if TYPE_CHECKING:
    from containers.result import SandboxResult
    from containers.smoke_report import Reported

TOLERATED = frozenset({"network", "kill", "tracing", "patches-replaced"})
"""Kinds that scripts show for honest reasons. Every other is hostile, unless its detail says otherwise."""
_HONEST = {
    # Libraries read figures of their own process and of the machine there.
    "procfs": re.compile(r"/proc/(self|thread-self)/|/proc/meminfo|/sys/"),
    # Tracebacks quote our files. They are no secret; the job and our modules at work are another matter.
    "reads-referee": re.compile(r"/opt/inside/.*\.py\Z"),
    # Default data folders of rented machines.
    "host-path": re.compile(r"/root/(?!\.)"),
}


def attempts_of(reported: Reported, box: SandboxResult) -> tuple[Attempt, ...]:
    """Return everything that was tried: as the process reports it, then what the supervisor saw."""
    told = [replace(entry, hostile=is_hostile(entry.kind, entry.detail)) for entry in reported.attempts]
    replaced = reported.figures.get("patches_replaced")
    if isinstance(replaced, list) and replaced:
        names = ", ".join(str(name)[:60] for name in replaced[:5])
        told.append(Attempt("patches-replaced", names, "process", False))
    # At a limit we end the box ourselves, and whoever was at work is still there.
    left = box.observed.left_behind if box.ending in (Ending.EXITED, Ending.SIGNALLED) else ()
    if left:
        names = ", ".join(left[:5])
        told.append(
            Attempt("outliving the run", f"{len(left)} processes left: {names}"[:300], "supervisor", True)
        )
    by = _killed_by_the_filter(reported, box)
    if by is not None:
        told.append(Attempt("forbidden system call", "the kernel ended the process", by, True))
    return tuple(told)


def _killed_by_the_filter(
    reported: Reported, box: SandboxResult
) -> Literal["engine", "parent", "supervisor"] | None:
    """Return who saw a process die of a call such as ptrace or mount, None when none did."""
    if box.signal == signal.SIGSYS:
        return "engine"
    ends = [mark.error for mark in reported.marks if mark.sender == reported.parent and mark.error]
    if any(error.kind == "Killed" and "SIGSYS" in error.message for error in ends):
        return "parent"
    return "supervisor" if box.observed.forbidden_calls else None


def is_hostile(kind: str, detail: str) -> bool:
    """Tell whether no honest script does this."""
    honest = _HONEST.get(kind)
    return kind not in TOLERATED and not (honest is not None and honest.match(detail))
