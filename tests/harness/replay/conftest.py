"""What replays of real runs need: an engine, its image and the data of the examples."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest

from containers.engine.interface import RUN_LABEL
from tests.containers.needed import needed_engine
from tests.harness.replay.replays import Runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from containers.engine.docker import DockerEngine


@pytest.fixture(scope="session")
def engine() -> DockerEngine:
    return needed_engine("docker")  # type: ignore[return-value]


@pytest.fixture(scope="session")
def image(engine: DockerEngine) -> str:
    from containers.image import ensure_image

    return ensure_image(progress=lambda line: None).id


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from examples.prepare_data import prepare

    root = tmp_path_factory.mktemp("data")
    prepare(root)
    return root / "data"


@pytest.fixture
def runs(
    engine: DockerEngine, image: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runs]:
    """Replays after which no container of ours, no folder of a run and no file below it is left."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield Runs(engine, image, data, tmp_path)
    left = engine.client.containers.list(all=True, filters={"label": RUN_LABEL}, ignore_removed=True)
    assert [box.name for box in left if str(tmp_path) in str(box.attrs.get("Mounts"))] == []
    assert list(temporary.iterdir()) == []
