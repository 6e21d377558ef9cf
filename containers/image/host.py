"""The packages of the image in a folder of this host, for bubblewrap, which knows no images.

Promises a virtual environment with the same pinned packages, made with this host's Python, and a copy of our
own code, in a cache folder named by the digest of both. It holds nothing of the host's own environment.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from containers.image.cache import build_lock, cache_folder
from containers.image.image import BuildError, Image
from containers.image.inputs import HERE, copy_inside, read_inputs
from containers.image.wheels import WheelsError, fetch_wheels

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX: Final = "host:"
_VERSION: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
SEEN: Final = "seen.json"
"""Of an image that holds no packages itself: the folders of the host that it takes them from."""


def host_image(name: str) -> Path | None:
    """Return the folder of an image made by `ensure_host_image`, None when there is none of that name."""
    folder = cache_folder("hosts") / name.removeprefix(_PREFIX)
    known = name.startswith(_PREFIX) and "/" not in name and (folder / ".complete").exists()
    return folder if known else None


def seen_folders(folder: Path) -> tuple[str, ...]:
    """Return the folders of the host that such an image needs to see at their own paths."""
    try:
        return tuple(json.loads((folder / SEEN).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ()


def ensure_host_image(progress: Callable[[str], None] = lambda line: None, *, packages: bool = True) -> Image:
    """Return the folder for the present inputs, made when it is missing; raises BuildError."""
    base = f"python{_VERSION}" if packages else f"python{_VERSION}-bare"

    def fill(folder: Path) -> None:
        if packages:
            _install(folder / "venv", progress)
            _train_tokenizers(folder)

    return ensure_folder(read_inputs(base).digest, base, fill, progress)


def ensure_folder(
    digest: str, base: str, fill: Callable[[Path], None], progress: Callable[[str], None]
) -> Image:
    """Return the image of that digest: an environment as `_make_environment` lays it out, filled once.

    Raises BuildError.
    """
    started = time.monotonic()
    name, built = _PREFIX + digest, False
    with build_lock("host"):
        if host_image(name) is None:
            folder = cache_folder("hosts") / digest
            shutil.rmtree(folder, ignore_errors=True)
            _make_environment(folder, progress)
            fill(folder)
            os.sync()
            (folder / ".complete").touch()
            built = True
    return Image(name, name, base, built, time.monotonic() - started)


def _make_environment(folder: Path, progress: Callable[[str], None]) -> None:
    """Lay out `inside/`, our own code, and `venv/`, an environment that sees it and has no packages."""
    copy_inside(folder / "inside")
    progress(f"making an environment with Python {_VERSION}")
    venv = folder / "venv"
    base = Path(sys.base_prefix, "bin", f"python{_VERSION}")
    _run([str(base if base.exists() else sys.executable), "-m", "venv", "--without-pip", str(venv)])
    (site_folder(venv) / "referee.pth").write_text("/opt/inside\n")
    _run([sys.executable, "-m", "compileall", "-q", str(folder / "inside")])


def site_folder(venv: Path) -> Path:
    """Return where an environment keeps its packages."""
    variables = {"base": str(venv), "platbase": str(venv)}
    return Path(sysconfig.get_path("purelib", vars=variables, scheme="venv"))


def _train_tokenizers(folder: Path) -> None:
    """Train the tokenizers of the tiny data once, as the image's recipe does, and not in every run."""
    maker = [str(folder / "venv" / "bin" / "python"), "-m", "referee_inside.data.vocabulary"]
    _run([*maker, str(folder / "data")], PYTHONPATH=str(folder / "inside"))


def _install(venv: Path, progress: Callable[[str], None]) -> None:
    try:
        wheels = fetch_wheels(_VERSION, progress)
    except WheelsError as error:
        raise BuildError(str(error)) from error
    progress("installing the packages")
    command = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python"), "install", "--quiet"]
    command += ["--no-index", "--no-deps", "--find-links", str(wheels)]
    _run([*command, "--requirement", str(HERE / "requirements.txt")])


def _run(command: list[str], **variables: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise BuildError(f"{Path(command[0]).name} failed: {last[0]}")
