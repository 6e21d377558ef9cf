"""Find the base image: pulled where a registry answers, else made from Debian's packages with debootstrap.

Promises an image that the daemon holds. The substitute needs root on the host and `debootstrap`; without them
the error says what to install.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from containers.image.inputs import HERE
from containers.image.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from containers.image.store import Store

_SUITE = "bookworm"
_MIRROR = "http://deb.debian.org/debian"


class BaseImageError(Exception):
    """No base image: neither pulled nor made."""


def find_base(store: Store, name: str, progress: Callable[[str], None]) -> str:
    """Return an image that the store holds: the one asked for, or one made from Debian's packages."""
    if store.find(name) is not None:
        return name
    progress(f"pulling {name}")
    try:
        store.pull(name)
    except StoreError as error:
        progress(f"no registry gave {name} ({error}); making a base from Debian's packages")
        return _substitute(store, progress)
    return name


def _substitute(store: Store, progress: Callable[[str], None]) -> str:
    packages = (HERE / "bookworm.txt").read_text().split()
    key = hashlib.sha256(" ".join([_SUITE, *packages]).encode()).hexdigest()[:12]
    name = f"referee-base:{_SUITE}-{key}"
    if store.find(name) is None:
        _require_debootstrap()
        with tempfile.TemporaryDirectory(prefix="referee-base-") as folder:
            _bootstrap(Path(folder), packages, progress)
            _import(store, Path(folder), name)
    return name


def _require_debootstrap() -> None:
    if shutil.which("debootstrap") is None:
        raise BaseImageError("no registry answers and debootstrap is missing: apt-get install debootstrap")
    if os.geteuid() != 0:
        raise BaseImageError("no registry answers and debootstrap needs root: pull a base or run as root")


def _bootstrap(folder: Path, packages: list[str], progress: Callable[[str], None]) -> None:
    progress(f"debootstrap {_SUITE} with {len(packages)} packages")
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        _SUITE,
        str(folder),
        _MIRROR,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["it said nothing"]
        raise BaseImageError(f"debootstrap failed: {last[0]}")
    for archive in (folder / "var/cache/apt/archives").glob("*.deb"):
        archive.unlink()


def _import(store: Store, folder: Path, name: str) -> None:
    # Streamed as it is packed: the tar of the root is never on the disk.
    packer = subprocess.Popen(["tar", "-C", str(folder), "-c", "."], stdout=subprocess.PIPE)
    assert packer.stdout is not None
    store.take_root(packer.stdout, name)
    if packer.wait() != 0:
        raise BaseImageError("tar could not pack the new base")
