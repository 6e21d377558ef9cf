"""Download the pinned wheels on the host, for the Python of the base image.

Promises a folder that holds every pinned package as a wheel, kept in the cache and completed when a download
broke off. torch comes from PyTorch's CPU index where that answers. It never builds a package from source.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

from containers.image.cache import cache_folder
from containers.image.inputs import HERE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_NEWEST_GLIBC = 36
"""Debian bookworm's; mlx needs 35."""
_OLDEST_GLIBC = 5


class WheelsError(Exception):
    """The wheels could not be downloaded; the message is the last thing that pip said."""


def fetch_wheels(python: str, progress: Callable[[str], None]) -> Path:
    """Return the folder of wheels for a Python version such as "3.12", downloading what it lacks."""
    requirements = HERE / "requirements.txt"
    key = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = cache_folder(f"wheels/{python}-{key}")
    if (folder / ".complete").exists():
        return folder
    progress(f"downloading wheels for Python {python}")
    command = [*_download(python, folder), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise WheelsError(_last_error(done.stderr))
    (folder / ".complete").touch()
    return folder


def _download(python: str, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--retries", "1", "--extra-index-url", CPU_INDEX]
    # What an earlier attempt fetched is taken from the folder and not fetched again.
    command += ["--find-links", str(folder), "--dest", str(folder)]
    command += ["--python-version", python, "--implementation", "cp"]
    major, minor = python.split(".")[:2]
    command += ["--abi", f"cp{major}{minor}", "--abi", "abi3", "--abi", "none"]
    machine = platform.machine()
    for glibc in range(_NEWEST_GLIBC, _OLDEST_GLIBC - 1, -1):
        command += ["--platform", f"manylinux_2_{glibc}_{machine}"]
    return [*command, "--platform", f"linux_{machine}"]


def _last_error(stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR")]
    return (errors or stderr.splitlines() or ["pip said nothing"])[-1]
