"""Engines and the image. A box is never faked: without an engine these tests say what they need."""

from __future__ import annotations

import subprocess

import pytest

from containers.image import ensure_image
from containers.image.cache import build_lock
from containers.image.host import ensure_host_image
from tests.containers.needed import needed_engine
from tests.containers.small_image import small_image


@pytest.fixture(scope="session")
def docker_engine():
    return needed_engine("docker")


@pytest.fixture(scope="session")
def image(docker_engine):
    return ensure_image(progress=print).id


@pytest.fixture(scope="session")
def podman_image(docker_engine):
    """Return the image without its packages, which the contract does not need, copied from Docker's store."""
    # One worker builds and copies, the others wait for it.
    with build_lock("podman"):
        image = small_image(docker_engine.client)
        held = subprocess.run(["podman", "image", "exists", image], check=False)
        if held.returncode != 0:
            subprocess.run(["podman", "pull", "--quiet", f"docker-daemon:{image}"], check=True)
    return image


@pytest.fixture(scope="session")
def bubblewrap_image():
    """Return this host's Python with the supervisor and no packages."""
    return ensure_host_image(packages=False).id


@pytest.fixture(scope="session")
def engine_named():
    found = {}

    def find(name):
        if name not in found:
            found[name] = needed_engine(name)
        return found[name]

    return find
