"""Where an engine keeps images: what a build asks of it, and Docker's and Podman's ways to do it.

Promises the same few steps for both. Errors of an engine come out as StoreError with its own words.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import docker

BASE_LABEL = "org.referee.base"
_STALE = "org.referee.stage=wheels"
_PULL_SECONDS = 900
_MAX_WORDS = 300


class StoreError(Exception):
    """What the engine said went wrong."""


class Store(Protocol):
    """One engine's images."""

    name: str

    def find(self, tag: str) -> tuple[str, str] | None:
        """Return id and base label of an image, None when there is none."""

    def pull(self, name: str) -> None:
        """Fetch an image from its registry; raises StoreError."""

    def take_root(self, tar: IO[bytes], name: str) -> None:
        """Make an image of a packed root file system."""

    def run(self, image: str, command: list[str]) -> str:
        """Return what a short command prints in an image, without a network; its entry point is not asked."""

    def build(self, folder: str, tag: str, arguments: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Build the Dockerfile of a folder; BASE_LABEL is set where the arguments name a base."""

    def tidy(self) -> None:
        """Remove what builds left behind under no tag."""


class DockerStore:
    """Images of the Docker daemon."""

    name = "docker"

    def __init__(self, client: docker.DockerClient) -> None:
        """Keep the connection."""
        self.client = client

    def find(self, tag: str) -> tuple[str, str] | None:
        """Return id and base label of an image, None when there is none."""
        from docker.errors import ImageNotFound

        try:
            attributes = self.client.api.inspect_image(tag)
        except ImageNotFound:
            return None
        labels = (attributes.get("Config") or {}).get("Labels") or {}
        return str(attributes["Id"]), str(labels.get(BASE_LABEL, ""))

    def pull(self, name: str) -> None:
        """Fetch an image from its registry; raises StoreError."""
        from docker.errors import APIError

        try:
            self.client.images.pull(name)
        except APIError as error:
            raise StoreError(_one_line(str(error.explanation or error))) from error

    def take_root(self, tar: IO[bytes], name: str) -> None:
        """Make an image of a packed root file system."""
        repository, tag = name.split(":")
        self.client.api.import_image_from_stream(tar, repository=repository, tag=tag)

    def run(self, image: str, command: list[str]) -> str:
        """Return what a short command prints in an image, without a network."""
        first, *rest = command
        said = self.client.containers.run(image, rest, entrypoint=[first], remove=True, network_disabled=True)
        return bytes(said).decode().strip()

    def build(self, folder: str, tag: str, arguments: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Build the Dockerfile of a folder; BASE_LABEL is set where the arguments name a base."""
        steps = self.client.api.build(
            path=folder,
            tag=tag,
            buildargs=dict(arguments),
            labels=_labels(arguments),
            rm=True,
            forcerm=True,
            decode=True,
        )
        said = ""
        for step in steps:
            if "error" in step:
                raise StoreError(f"{str(step['error']).strip()} (after: {said})")
            line = str(step.get("stream") or step.get("status") or "").strip()
            if line:
                say(line)
                said = line

    def tidy(self) -> None:
        """Remove what builds left behind under no tag."""
        self.client.images.prune(filters={"dangling": True, "label": _STALE})


class PodmanStore:
    """Images of this user's Podman, by its command line."""

    name = "podman"

    def find(self, tag: str) -> tuple[str, str] | None:
        """Return id and base label of an image, None when there is none."""
        label = f'{{{{.Id}}}} {{{{index .Labels "{BASE_LABEL}"}}}}'
        done = _podman("image", "inspect", "--format", label, tag, check=False)
        identity, _, base = done.stdout.strip().partition(" ")
        return (identity, base) if done.returncode == 0 else None

    def copy(self, tag: str) -> bool:
        """Take over an image that Docker on this machine holds; it is quicker than to build it again."""
        if _podman("pull", "--quiet", f"docker-daemon:{tag}", check=False).returncode != 0:
            return False
        # Podman puts the name of Docker's registry before a bare one.
        return _podman("tag", f"docker.io/library/{tag}", tag, check=False).returncode == 0

    def pull(self, name: str) -> None:
        """Fetch an image from its registry; raises StoreError."""
        full = name if "/" in name else f"docker.io/library/{name}"
        _podman("pull", "--quiet", full)
        _podman("tag", full, name)

    def take_root(self, tar: IO[bytes], name: str) -> None:
        """Make an image of a packed root file system."""
        _podman("import", "--quiet", "-", name, stdin=tar)

    def run(self, image: str, command: list[str]) -> str:
        """Return what a short command prints in an image, without a network."""
        first, *rest = command
        entry = f"--entrypoint={first}"
        return _podman(*_runtime(), "run", "--rm", *_HARMLESS, entry, image, *rest).stdout.strip()

    def build(self, folder: str, tag: str, arguments: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Build the Dockerfile of a folder; BASE_LABEL is set where the arguments name a base."""
        command = ["podman", *_runtime(), "build", "--tag", tag, "--pull-never", "--ulimit=nofile=1024:4096"]
        command += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        command += [f"--label={name}={value}" for name, value in _labels(arguments).items()]
        out = subprocess.STDOUT
        building = subprocess.Popen([*command, folder], stdout=subprocess.PIPE, stderr=out, text=True)
        assert building.stdout is not None
        said = ""
        for line in building.stdout:
            said = line.strip() or said
            say(line.rstrip())
        if building.wait() != 0:
            raise StoreError(_one_line(said))

    def tidy(self) -> None:
        """Remove what builds left behind under no tag."""
        _podman("image", "prune", "--force", "--filter", f"label={_STALE}", check=False)


_HARMLESS = ("--network=none", "--ulimit=nofile=1024:4096", "--ulimit=nproc=1024:1024")


def _runtime() -> list[str]:
    runc = shutil.which("runc")
    return [f"--runtime={runc}"] if runc else []


def _podman(
    *arguments: str, check: bool = True, stdin: IO[bytes] | None = None
) -> subprocess.CompletedProcess[str]:
    command = ["podman", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=stdin, timeout=_PULL_SECONDS, check=False
    )
    if check and done.returncode != 0:
        raise StoreError(_one_line(done.stderr))
    return done


def _labels(arguments: Mapping[str, str]) -> dict[str, str]:
    return {BASE_LABEL: arguments["BASE_IMAGE"]} if "BASE_IMAGE" in arguments else {}


def _one_line(words: str) -> str:
    return " ".join(words.split())[:_MAX_WORDS]
