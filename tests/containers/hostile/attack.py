"""What an attack is: code, the ending it deserves, and the one defence that stops it.

The code prints a line that starts with BROKE when, and only when, it got what it wanted. In the locked box no such
line may appear; with its defence removed one must, or the attack proves nothing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from containers.request import Limits
from containers.result import Ending
from tests.containers.boxes import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from containers.result import SandboxResult

SIGSYS = 31


def limits(**changes: Any) -> Limits:
    """Return the limits of the tests with some changed."""
    return dataclasses.replace(SMALL, **changes)


@dataclass(frozen=True)
class Weakening:
    """One defence taken away."""

    without: str
    """Which, in words."""
    config: dict[str, Any] = field(default_factory=dict)
    """Changes to the container's host configuration."""
    user: str | None = None
    """Another user for the command."""
    plain_supervisor: bool = False
    """Let the supervisor be looked at, as any process is by its own user."""
    limits: Limits | None = None
    needs: str = ""
    """What the host's kernel may lack for the attack to work at all."""


@dataclass(frozen=True)
class Attack:
    """One attack."""

    name: str
    code: str
    """Python; {canary} is a host folder with a secret in it, {port} a listener on the host's loopback."""
    ending: Ending = Ending.EXITED
    signal: int | None = None
    limits: Limits = SMALL
    seen: Callable[[SandboxResult], bool] = lambda result: True
    """What the supervisor or the engine must have noticed."""
    labels: tuple[str, ...] = ()
    """What a smoke run of a trainer that carries the attack may be called; empty where it is not tried."""
    weakened: Weakening | None = None
    """How the attack comes to work; None where showing it would not be safe."""


def broke(result: SandboxResult) -> list[bytes]:
    """Return the lines in which the attack claims success."""
    return [line for line in result.output.splitlines() if line.startswith(b"BROKE")]
