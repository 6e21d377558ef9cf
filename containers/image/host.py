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
from containers.image.inputs import HERE, INSIDE, inside_files, read_inputs
from containers.image.wheels import WheelsError, fetch_wheels

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX: Final = "host:"
SEEN: Final = "seen.json"
"""Of an image that holds no packages itself: the folders of the host that it takes them from."""


def host_image(name: str) -> Path | None:
    """Return the folder of an image made by `ensure_host_image`, None when there is none of that name."""
    folder = cache_folder("hosts") / name.removeprefix(PREFIX)
    known = name.startswith(PREFIX) and "/" not in name and (folder / ".complete").exists()
    return folder if known else None


def seen_folders(folder: Path) -> tuple[str, ...]:
    """Return the folders of the host that such an image needs to see at their own paths."""
    try:
        return tuple(json.loads((folder / SEEN).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ()


def ensure_host_image(progress: Callable[[str], None] = lambda line: None, *, packages: bool = True) -> Image:
    """Return the folder for the present inputs, made when it is missing; raises BuildError."""
    started = time.monotonic()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    base = f"python{version}" if packages else f"python{version}-bare"
    name = PREFIX + read_inputs(base).digest
    built = False
    with build_lock("host"):
        if host_image(name) is None:
            _make(cache_folder("hosts") / name.removeprefix(PREFIX), version, progress, packages=packages)
            built = True
    return Image(name, name, base, built, time.monotonic() - started)


def _make(folder: Path, version: str, progress: Callable[[str], None], *, packages: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    make_environment(folder, version, progress)
    if packages:
        venv = folder / "venv"
        _install(venv, version, progress)
        # As the image's recipe does: the tiny data's tokenizers are trained once, not in every run.
        maker = [str(venv / "bin" / "python"), "-m", "referee_inside.data.vocabulary", str(folder / "data")]
        _run(maker, PYTHONPATH=str(folder / "inside"))
    os.sync()
    (folder / ".complete").touch()


def make_environment(folder: Path, version: str, progress: Callable[[str], None]) -> None:
    """Lay out `inside/`, our own code, and `venv/`, an environment that sees it and has no packages."""
    target = folder / "inside" / "referee_inside"
    for path in inside_files():
        copied = target / path.relative_to(INSIDE)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)
    progress(f"making an environment with Python {version}")
    venv = folder / "venv"
    base = Path(sys.base_prefix, "bin", f"python{version}")
    _run([str(base if base.exists() else sys.executable), "-m", "venv", "--without-pip", str(venv)])
    (site_folder(venv) / "referee.pth").write_text("/opt/inside\n")
    _run([sys.executable, "-m", "compileall", "-q", str(folder / "inside")])


def site_folder(venv: Path) -> Path:
    """Return where an environment keeps its packages."""
    variables = {"base": str(venv), "platbase": str(venv)}
    return Path(sysconfig.get_path("purelib", vars=variables, scheme="venv"))


def _install(venv: Path, version: str, progress: Callable[[str], None]) -> None:
    try:
        wheels = fetch_wheels(version, progress)
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
