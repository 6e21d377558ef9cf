"""How long the fuzzing takes: `--fuzz-seconds N` in all, shared by its parts."""

from __future__ import annotations

import pytest

PARTS = 4
DEFAULT_SECONDS = 20.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-seconds", type=float, default=DEFAULT_SECONDS, help="seconds of fuzzing in all")


@pytest.fixture(scope="session")
def seconds_a_part(request: pytest.FixtureRequest) -> float:
    """Return the time that one part of the fuzzing may take."""
    return float(request.config.getoption("fuzz_seconds", DEFAULT_SECONDS)) / PARTS
