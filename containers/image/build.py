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

from containers.image.base import BaseImageError, find_base, python_version
from containers.image.cache import build_lock
from containers.image.image import BuildError, Image
from containers.image.inputs import DEFAULT_BASE, HERE, INSIDE, inside_files, read_inputs
from containers.image.wheels import WheelsError, fetch_wheels

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

    from containers.image.inputs import Inputs

_BUILT = "org.referee.base"


def ensure_image(
    client: docker.DockerClient | None = None,
    base: str | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Image:
    """Return the image for the present inputs, building what is missing; raises BuildError."""
    started = time.monotonic()
    client = client or _connect()
    inputs = read_inputs(base or os.environ.get("REFEREE_BASE_IMAGE") or DEFAULT_BASE)
    found = _find(client, inputs.tag)
    if found is not None:
        return Image(found[0], inputs.tag, found[1], built=False, build_seconds=time.monotonic() - started)
    try:
        with build_lock():
            # Somebody else may have built it while we waited.
            if _find(client, inputs.tag) is None:
                _build(client, inputs, progress)
    except (BaseImageError, WheelsError) as error:
        raise BuildError(str(error)) from error
    found = _find(client, inputs.tag)
    if found is None:
        raise BuildError(f"{inputs.tag} was built but the engine does not list it")
    return Image(found[0], inputs.tag, found[1], built=True, build_seconds=time.monotonic() - started)


def _connect() -> docker.DockerClient:
    import docker

    return docker.from_env(timeout=600)


def _find(client: docker.DockerClient, tag: str) -> tuple[str, str] | None:
    """Return id and base of a tagged image, None when the engine has none."""
    from docker.errors import ImageNotFound

    try:
        attributes = client.api.inspect_image(tag)
    except ImageNotFound:
        return None
    labels = (attributes.get("Config") or {}).get("Labels") or {}
    return str(attributes["Id"]), str(labels.get(_BUILT, ""))


def _build(client: docker.DockerClient, inputs: Inputs, progress: Callable[[str], None]) -> None:
    if _find(client, inputs.packages_tag) is None:
        base = find_base(client, inputs.base, progress)
        wheels = fetch_wheels(python_version(client, base), progress)
        with tempfile.TemporaryDirectory(prefix="referee-build-", dir=wheels.parent) as folder:
            _lay_out_packages(Path(folder), wheels)
            arguments = {"BASE_IMAGE": base}
            _docker_build(client, folder, inputs.packages_tag, arguments, {_BUILT: base}, progress)
        # The stage with the wheels is kept by no tag; without this it would stay on the disk, 500 MB of it.
        client.images.prune(filters={"dangling": True, "label": "org.referee.stage=wheels"})
    with tempfile.TemporaryDirectory(prefix="referee-build-") as folder:
        _lay_out_inside(Path(folder))
        _docker_build(client, folder, inputs.tag, {"PACKAGES_IMAGE": inputs.packages_tag}, {}, progress)


def _lay_out_packages(folder: Path, wheels: Path) -> None:
    shutil.copy(HERE / "Dockerfile", folder)
    shutil.copy(HERE / "requirements.txt", folder)
    (folder / "wheels").mkdir()
    for wheel in wheels.glob("*.whl"):
        os.link(wheel, folder / "wheels" / wheel.name)


def _lay_out_inside(folder: Path) -> None:
    shutil.copy(HERE / "inside.Dockerfile", folder / "Dockerfile")
    for path in inside_files():
        target = folder / "referee_inside" / path.relative_to(INSIDE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _docker_build(
    client: docker.DockerClient,
    folder: str,
    tag: str,
    arguments: dict[str, str],
    labels: dict[str, str],
    progress: Callable[[str], None],
) -> None:
    """Build one Dockerfile and pass on what the engine says, line by line."""
    steps = client.api.build(
        path=folder, tag=tag, buildargs=arguments, labels=labels, rm=True, forcerm=True, decode=True
    )
    said = ""
    for step in steps:
        line = str(step.get("stream") or step.get("status") or "").strip()
        if line:
            progress(line)
            said = line
        if "error" in step:
            raise BuildError(f"building {tag} failed: {str(step['error']).strip()} (after: {said})")


__all__ = ["BuildError", "Image", "ensure_image"]
