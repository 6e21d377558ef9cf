"""The environment that Referee itself runs in, as an image for bubblewrap.

A rented machine comes with a torch that was built for its GPUs, and the image's pinned one is for processors
alone. Promises a folder as `host` makes it, whose Python sees the packages of this interpreter, and nothing
copied: bubblewrap binds the folders that hold them read-only, each at its own path. Which versions those are
is the machine's affair; the preflight says it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import site
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from containers.image.cache import build_lock, cache_folder
from containers.image.host import PREFIX, SEEN, host_image, make_environment, site_folder
from containers.image.image import Image
from containers.image.inputs import read_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

OWN: Final = "host"
"""What `--image` calls it."""
_LAUNCHER: Final = "#!/opt/referee/bin/python\nfrom torch.distributed.run import main\n\nmain()\n"
"""torchrun of the packages' own environment would start that environment's Python, which lacks our hooks."""


def ensure_own_image(progress: Callable[[str], None] = lambda line: None) -> Image:
    """Return the folder for this interpreter, made when it is missing; raises BuildError."""
    started = time.monotonic()
    folders = package_folders()
    digest = hashlib.sha256(json.dumps([sys.executable, folders]).encode()).hexdigest()[:12]
    name = f"{PREFIX}own-{digest}-{read_inputs().digest}"
    built = False
    with build_lock("host"):
        if host_image(name) is None:
            _make(cache_folder("hosts") / name.removeprefix(PREFIX), folders, progress)
            built = True
    return Image(name, name, sys.executable, built, time.monotonic() - started)


def package_folders() -> list[str]:
    """Return the folders from which this interpreter takes installed packages, those of the user included."""
    named = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    return [str(Path(entry).resolve()) for entry in named if Path(entry).is_dir()]


def _make(folder: Path, folders: list[str], progress: Callable[[str], None]) -> None:
    """Lay out an environment that looks into the folders."""
    shutil.rmtree(folder, ignore_errors=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    make_environment(folder, version, progress)
    with (site_folder(folder / "venv") / "referee.pth").open("a", encoding="utf-8") as lines:
        lines.writelines(f"{entry}\n" for entry in folders)
    launcher = folder / "venv" / "bin" / "torchrun"
    launcher.write_text(_LAUNCHER, encoding="utf-8")
    launcher.chmod(0o755)
    (folder / SEEN).write_text(json.dumps(folders), encoding="utf-8")
    os.sync()
    (folder / ".complete").touch()
