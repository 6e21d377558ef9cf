"""Where the mirror and the labels are, and what a test says when they are not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.audits.corpus.mirror import Label, read_labels


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, and let none be stopped by the limit of an ordinary test."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.corpus)
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def mirror() -> str:
    """Return the directory of the mirror."""
    path = os.environ.get("REFEREE_MIRROR")
    if not path:
        pytest.skip("needs a mirror of openai/parameter-golf with its pull requests: REFEREE_MIRROR=DIR")
    return path


@pytest.fixture(scope="session")
def labels() -> list[Label]:
    """Return the judged pull requests."""
    path = os.environ.get("REFEREE_LABELS")
    if not path:
        pytest.skip(
            "needs judged pull requests: REFEREE_LABELS=FILE.jsonl, a line each with"
            " {pr, folder, axes: {legality}, confidence}"
        )
    return read_labels(Path(path))
