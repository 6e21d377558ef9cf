"""What the watcher needs of a started run, whoever started it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from containers.engine.live import LiveExit


class Running(Protocol):
    """One started run: a process group or a container."""

    def chunks(self) -> Iterator[bytes]:
        """Yield output as it comes, stderr included, until it is closed. Called in a thread of its own."""

    def poll(self) -> LiveExit | None:
        """Return how it ended, None while it runs."""

    def terminate(self) -> None:
        """Ask every process of the run to end (SIGTERM)."""

    def kill(self) -> None:
        """End every process of the run, daemons included; returns once they are gone."""

    def left_behind(self) -> tuple[str, ...]:
        """Return the names of processes that outlived the first one."""
