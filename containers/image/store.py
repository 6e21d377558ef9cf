"""The image in the store of whatever engine is to run it.

Docker builds it. Podman has a store of its own, to which the image is copied once; a machine that never had
Docker needs an image that was built elsewhere, under the same tag.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from containers.image.build import BuildError, ensure_image
from containers.image.inputs import DEFAULT_BASE, read_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

COPY_SECONDS = 900


def image_for(engine: str, progress: Callable[[str], None] = lambda line: None) -> str:
    """Return the tag of the image in the store of `engine`, building what is missing; raises BuildError."""
    if engine == "podman":
        return _in_podman(progress)
    return _in_docker(progress)


def _in_docker(progress: Callable[[str], None]) -> str:
    try:
        return ensure_image(progress=progress).tag
    except BuildError:
        raise
    except Exception as error:  # whatever the SDK raises while it builds
        raise BuildError(f"the image could not be built: {error}") from error


def _in_podman(progress: Callable[[str], None]) -> str:
    tag = read_inputs(os.environ.get("REFEREE_BASE_IMAGE") or DEFAULT_BASE).tag
    if _podman("image", "exists", tag).returncode == 0:
        return tag
    try:
        _in_docker(progress)
    except BuildError as error:
        why = f"Podman does not hold {tag}, and Docker cannot build it here: {error}"
        raise BuildError(why) from error
    progress(f"copying {tag} from Docker to Podman")
    copied = _podman("pull", "--quiet", f"docker-daemon:{tag}")
    if copied.returncode != 0:
        raise BuildError(f"the image could not be copied to Podman: {copied.stderr.strip()[-300:]}")
    return tag


def _podman(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["podman", *words], capture_output=True, encoding="utf-8", timeout=COPY_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"podman {words[0]}: {error}") from error
