"""An engine for tests that need one.

Where REFEREE_NEED lists engines (".ci/run" does once it has started them), a missing one fails instead of
skipping.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from containers.engine import EngineError, find_engine

if TYPE_CHECKING:
    from containers.engine import Engine


def needed_engine(name: str) -> Engine:
    """Return a working engine, or say what the test needs."""
    try:
        return find_engine(name)
    except EngineError as error:
        message = f"needs {name}: {error.failure.message}"
        if name in os.environ.get("REFEREE_NEED", "").split():
            pytest.fail(message)
        pytest.skip(message)
