"""The environment that Referee itself runs in, as an image for bubblewrap.

A rented machine comes with a torch that was built for its GPUs, and the image's pinned one is for processors
alone. Promises a folder as `host` makes it, whose Python sees the packages of this interpreter, and nothing
copied: bubblewrap binds the folders that hold them read-only, each at its own path. Which versions those are
is the machine's affair; the preflight says it.
"""

from __future__ import annotations

import hashlib
import json
import site
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from containers.image.host import SEEN, ensure_folder, site_folder
from containers.image.inputs import read_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from containers.image.image import Image

OWN: Final = "host"
"""What `--image` calls it."""
_LAUNCHER: Final = "#!/opt/referee/bin/python\nfrom torch.distributed.run import main\n\nmain()\n"
"""torchrun of the packages' own environment would start that environment's Python, which lacks our hooks."""


def ensure_own_image(progress: Callable[[str], None] = lambda line: None) -> Image:
    """Return the folder for this interpreter, made when it is missing; raises BuildError."""
    folders = package_folders()
    digest = hashlib.sha256(json.dumps([sys.executable, folders]).encode()).hexdigest()[:12]

    def fill(folder: Path) -> None:
        _look_into(folder, folders)

    return ensure_folder(f"own-{digest}-{read_inputs().digest}", sys.executable, fill, progress)


def package_folders() -> list[str]:
    """Return the folders from which this interpreter takes installed packages, those of the user included."""
    named = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    return [str(Path(entry).resolve()) for entry in named if Path(entry).is_dir()]


def _look_into(folder: Path, folders: list[str]) -> None:
    """Let an environment look into folders of the host, and give it its own torchrun."""
    with (site_folder(folder / "venv") / "referee.pth").open("a", encoding="utf-8") as lines:
        lines.writelines(f"{entry}\n" for entry in folders)
    launcher = folder / "venv" / "bin" / "torchrun"
    launcher.write_text(_LAUNCHER, encoding="utf-8")
    launcher.chmod(0o755)
    (folder / SEEN).write_text(json.dumps(folders), encoding="utf-8")
