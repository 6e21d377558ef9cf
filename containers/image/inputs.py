"""What goes into the image, and the digests that name it.

Promises that the same inputs give the same tag on every machine, and that any change of a Dockerfile, a
pinned version, the base or a file of ours gives another. It does not promise that two builds are equal byte
for byte.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

DEFAULT_BASE = "python:3.12-slim"
HERE = Path(__file__).resolve().parent
INSIDE = HERE.parent / "inside"
_NOT_CONTENT = ("__pycache__",)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that decides what an image holds."""

    base: str
    """The base image as asked for, before any substitute."""
    packages_digest: str
    """Twelve hex digits over base, Dockerfile and pinned versions."""
    digest: str
    """Twelve hex digits over the packages and our own code in the box."""

    @property
    def packages_tag(self) -> str:
        """Tag of the heavy image that holds the packages."""
        return f"referee-packages:{self.packages_digest}"

    @property
    def tag(self) -> str:
        """Tag of the image that runs submissions."""
        return f"referee-smoke:{self.digest}"


def read_inputs(base: str = DEFAULT_BASE) -> Inputs:
    """Digest the files that the image is made of, without asking any engine."""
    packages = hashlib.sha256(base.encode())
    for name in ("Dockerfile", "requirements.txt", "bookworm.txt"):
        _add(packages, name, (HERE / name).read_bytes())
    whole = packages.copy()
    _add(whole, "inside.Dockerfile", (HERE / "inside.Dockerfile").read_bytes())
    for path in inside_files():
        _add(whole, path.relative_to(INSIDE).as_posix(), path.read_bytes())
    return Inputs(base, packages.hexdigest()[:12], whole.hexdigest()[:12])


def inside_files() -> list[Path]:
    """Return the files that are copied into the image, in one order."""
    files = (path for path in INSIDE.rglob("*") if path.is_file())
    return sorted(path for path in files if not any(part in _NOT_CONTENT for part in path.parts))


def lay_out_inside(folder: Path, recipe: str) -> None:
    """Make a folder the context of a build that adds our own code: a recipe of this package, our files."""
    shutil.copy(HERE / recipe, folder / "Dockerfile")
    copy_inside(folder)


def copy_inside(folder: Path) -> None:
    """Copy our own code in the box into a folder, as the package `referee_inside`."""
    for path in inside_files():
        target = folder / "referee_inside" / path.relative_to(INSIDE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _add(digest: hashlib._Hash, name: str, data: bytes) -> None:
    digest.update(f"\0{name}\0{len(data)}\0".encode())
    digest.update(data)
