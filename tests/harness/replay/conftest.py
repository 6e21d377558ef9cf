"""What replays of real runs need: an engine and the data of the examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers.needed import needed_engine

if TYPE_CHECKING:
    from pathlib import Path

    from containers.engine.docker import DockerEngine


@pytest.fixture(scope="session")
def engine() -> DockerEngine:
    return needed_engine("docker")  # type: ignore[return-value]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from examples.prepare_data import prepare

    root = tmp_path_factory.mktemp("data")
    prepare(root)
    return root / "data"
