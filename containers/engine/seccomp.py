"""The system calls that a box may make: an allowlist, stricter than what engines apply by default.

The profile is data (`seccomp.json`, in the format of Docker and Podman). Calls no trainer makes and every
escape needs end the process with SIGSYS, which nothing in the box can hide from its parent; everything
unlisted fails with EPERM.
"""

from __future__ import annotations

from pathlib import Path

PROFILE = Path(__file__).resolve().parent / "seccomp.json"


def profile_text() -> str:
    """Return the profile as Docker's API takes it."""
    return PROFILE.read_text()
