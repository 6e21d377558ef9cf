"""Put our answers in the place of torch's, and report each when it is first used."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..channel import CHANNEL

_used: set[str] = set()
_gaps: set[str] = set()
INSTALLED: dict[tuple[int, str], tuple[Any, Any]] = {}
"""Owner and attribute of each patch, to what was put there: tampering is told by comparing."""


class ShimGapError(RuntimeError):
    """The script needs something that the shim does not have. Ours, not theirs."""


def used(name: str, detail: str = "") -> None:
    """Report that a part of the shim has been used, once a process."""
    if name not in _used:
        _used.add(name)
        CHANNEL.send("shim", name=name, detail=detail)


def gap(name: str, detail: str = "") -> ShimGapError:
    """Report that something is missing from the shim and return the error to raise."""
    if name not in _gaps:
        _gaps.add(name)
        CHANNEL.send("gap", name=name, detail=detail)
    return ShimGapError(f"{name}: {detail}" if detail else name)


def put(owner: Any, name: str, value: Any) -> None:
    """Set an attribute of a module or class that is not ours."""
    setattr(owner, name, value)
    INSTALLED[(id(owner), name)] = (owner, getattr(owner, name))


def reported(name: str, function: Callable[..., Any], detail: str = "") -> Callable[..., Any]:
    """Return the function, reporting the part on its first call."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if name not in _used:
            used(name, detail)
        return function(*args, **kwargs)

    return call


def constant(part: str, value: Any) -> Callable[..., Any]:
    """Return a function that takes anything and returns the value."""

    def answer(*_: Any, **__: Any) -> Any:
        if part not in _used:
            used(part)
        return value

    return answer


def used_parts() -> tuple[str, ...]:
    """Return the parts used so far in this process."""
    return tuple(sorted(_used))


def gaps_met() -> tuple[str, ...]:
    """Return the gaps met so far in this process."""
    return tuple(sorted(_gaps))
