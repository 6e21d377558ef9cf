"""Build the image, or find it: two layers, each under a tag that is a digest of its inputs.

Promises that an image whose inputs did not change is never built again, and that a build says what it is
doing. The heavy image (packages) depends on pinned versions alone; our own code is a second, small image on
top of it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from containers.image.base import BaseImageError, find_base
from containers.image.cache import build_lock
from containers.image.host import ensure_host_image
from containers.image.image import BuildError, Image
from containers.image.inputs import DEFAULT_BASE, HERE, lay_out_inside, read_inputs
from containers.image.layered import ensure_layered_image
from containers.image.own import OWN, ensure_own_image
from containers.image.store import DockerStore, PodmanStore, StoreError
from containers.image.wheels import WheelsError, fetch_wheels

if TYPE_CHECKING:
    from collections.abc import Callable

    from containers.image.inputs import Inputs
    from containers.image.store import Store

_VERSION = ["python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]


def _silent(line: str) -> None:
    pass


def prepare_image(engine: str, progress: Callable[[str], None] = _silent) -> Image:
    """Return the image as the engine of that name takes it; raises BuildError."""
    if engine == "bubblewrap":
        return ensure_host_image(progress)
    return ensure_image(PodmanStore() if engine == "podman" else None, progress=progress)


def prepare_named(engine: str, name: str, progress: Callable[[str], None] = _silent) -> Image:
    """Return an image that a person named, made fit for that engine; raises BuildError.

    Docker and Podman lay our own code over it. bubblewrap knows one name: `host`, the packages of the Python
    that runs this.
    """
    if engine != "bubblewrap":
        return ensure_layered_image(PodmanStore() if engine == "podman" else _docker(), name, progress)
    if name != OWN:
        raise BuildError(f"bubblewrap knows no images: {name} is not {OWN!r}")
    return ensure_own_image(progress)


def ensure_image(
    store: Store | None = None, base: str | None = None, progress: Callable[[str], None] = _silent
) -> Image:
    """Return the image for the present inputs, building what is missing; raises BuildError.

    The store is Docker's by default. The base is the one given, else REFEREE_BASE_IMAGE, else DEFAULT_BASE.
    """
    started = time.monotonic()
    inputs = read_inputs(base or os.environ.get("REFEREE_BASE_IMAGE") or DEFAULT_BASE)
    built = False
    try:
        store = store or _docker()
        if store.find(inputs.tag) is None:
            with build_lock(store.name):
                # Somebody else may have built it while we waited.
                if store.find(inputs.tag) is None:
                    _build(store, inputs, progress)
                    built = True
        found = store.find(inputs.tag)
    except (BaseImageError, WheelsError, StoreError) as error:
        raise BuildError(str(error)) from error
    if found is None:
        raise BuildError(f"{inputs.tag} was built but the engine does not list it")
    used = store.find(inputs.packages_tag) or found
    return Image(found[0], inputs.tag, used[1], built, time.monotonic() - started)


def _docker() -> DockerStore:
    import docker
    from docker.errors import DockerException

    try:
        return DockerStore(docker.from_env(timeout=600))
    except DockerException as error:
        raise BuildError(f"Docker does not answer: {error}") from error


def _build(store: Store, inputs: Inputs, progress: Callable[[str], None]) -> None:
    if isinstance(store, PodmanStore) and store.copy(inputs.tag):
        progress(f"copied {inputs.tag} from Docker")
        return
    if store.find(inputs.packages_tag) is None:
        base = find_base(store, inputs.base, progress)
        wheels = fetch_wheels(store.run(base, _VERSION), progress)
        with tempfile.TemporaryDirectory(prefix="referee-build-", dir=wheels.parent) as folder:
            _lay_out_packages(Path(folder), wheels)
            store.build(folder, inputs.packages_tag, {"BASE_IMAGE": base}, progress)
        # The stage with the wheels is kept by no tag; without this it would stay on the disk, 500 MB of it.
        store.tidy()
    with tempfile.TemporaryDirectory(prefix="referee-build-") as folder:
        lay_out_inside(Path(folder), "inside.Dockerfile")
        store.build(folder, inputs.tag, {"PACKAGES_IMAGE": inputs.packages_tag}, progress)


def _lay_out_packages(folder: Path, wheels: Path) -> None:
    shutil.copy(HERE / "Dockerfile", folder)
    shutil.copy(HERE / "requirements.txt", folder)
    (folder / "wheels").mkdir()
    for wheel in wheels.glob("*.whl"):
        os.link(wheel, folder / "wheels" / wheel.name)


__all__ = ["BuildError", "Image", "ensure_image", "prepare_image", "prepare_named"]
