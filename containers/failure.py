"""The environment's failures, told apart from how a submission ended.

Promises that a failure never blames a submission: no engine, no image, a full disk on the host, a lost
daemon. It reads what engines really say; a message that matches nothing is UNKNOWN and kept word for word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """Why a box did not do its work."""

    NO_ENGINE = "no_engine"
    """Nothing answers: not installed or not running."""
    NO_PERMISSION = "no_permission"
    NO_IMAGE = "no_image"
    NO_RUNTIME = "no_runtime"
    """The OCI runtime asked for is not installed."""
    NO_SPACE = "no_space"
    """The host's disk is full."""
    NOT_SUPPORTED = "not_supported"
    """Kernel or engine lacks a limit or a lock that the box needs."""
    NO_COMMAND = "no_command"
    """The image does not hold our own command."""
    ENGINE_LOST = "engine_lost"
    """The engine stopped answering, or the box went away under the run."""
    SUPERVISOR_LOST = "supervisor_lost"
    """The supervisor did not start or went silent; nothing it should have seen is known."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of the environment, with what a person can do about it."""

    kind: FailureKind
    message: str
    """What the engine said, one line."""
    hint: str = ""


_HINTS = {
    FailureKind.NO_ENGINE: "start Docker (or install docker.io or podman)",
    FailureKind.NO_PERMISSION: "add yourself to the docker group, or use rootless podman",
    FailureKind.NO_IMAGE: "build it: referee smoke --build",
    FailureKind.NO_RUNTIME: "install that runtime for the engine, or leave --runtime out",
    FailureKind.NO_SPACE: "free disk space where the engine keeps its data",
    FailureKind.NOT_SUPPORTED: "this host cannot lock the box as asked for",
    FailureKind.NO_COMMAND: "build the image again: referee smoke --build",
    FailureKind.ENGINE_LOST: "look at the engine's log and run again",
    FailureKind.SUPERVISOR_LOST: "run again; if it stays, please report it",
}

# First match wins, so the narrow ones stand first.
_SIGNS: tuple[tuple[FailureKind, str], ...] = (
    (FailureKind.NO_SPACE, r"no space left on device|disk quota exceeded"),
    (
        FailureKind.NO_RUNTIME,
        r"unknown or invalid runtime name|unknown runtime specified|no valid executable found for OCI runtime"
        r"|default OCI runtime .{1,80} not found|requested OCI runtime .{1,80} is not available",
    ),
    (
        FailureKind.NO_IMAGE,
        r"no such image|image not known|unable to find image|pull access denied"
        r"|short-name .{1,200} did not resolve",
    ),
    (
        FailureKind.NO_COMMAND,
        r"executable file .{0,80}not found in \$PATH|exec: .{1,300}: no such file or directory"
        r"|exec: .{1,300}: permission denied",
    ),
    (
        FailureKind.NO_PERMISSION,
        r"permission denied while trying to connect|PermissionError\(13"
        r"|dial unix .{1,200}: connect: permission denied",
    ),
    (
        FailureKind.NO_ENGINE,
        r"cannot connect to the docker daemon|is the docker daemon running"
        r"|FileNotFoundError\(2|connection refused|error while fetching server API version",
    ),
    (
        FailureKind.NOT_SUPPORTED,
        r"seccomp|cgroup|user namespaces? |kernel does not support|setgroups"
        r"|no permissions to create( a)? new namespace|error mounting|uid_map"
        r"|range of cpus|memory limit allowed|invalid tmpfs option|invalid mount config"
        r"|unknown mount option|rlimit",
    ),
    (
        FailureKind.ENGINE_LOST,
        r"no such container|is not running|connection reset|broken pipe|read timed out"
        r"|connection aborted|cannot exec in a stopped (state|container)|container state improper",
    ),
)
_COMPILED = tuple((kind, re.compile(sign, re.IGNORECASE)) for kind, sign in _SIGNS)
_MAX_MESSAGE = 400


def classify(message: str) -> Failure:
    """Return the failure behind an engine's error message."""
    line = " ".join(message.split())
    kind = next((kind for kind, sign in _COMPILED if sign.search(line)), FailureKind.UNKNOWN)
    return Failure(kind, line[:_MAX_MESSAGE], _HINTS.get(kind, ""))


def failed(kind: FailureKind, message: str) -> Failure:
    """Return a failure that we noticed ourselves."""
    return Failure(kind, " ".join(message.split())[:_MAX_MESSAGE], _HINTS.get(kind, ""))
