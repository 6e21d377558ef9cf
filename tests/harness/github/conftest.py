"""The schema server: Prism in front of a fake GitHub, one Prism a session, one state a test."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from harness.github.client import Patience, connect
from tests.harness.github.description import MODULES, description, node_problem
from tests.harness.github.fake import FakeGitHub, serve
from tests.harness.github.front import serve_door

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.github.client import Client

Relay = tuple[FakeGitHub, str, str]
"""The fake, its address behind Prism, its own address."""
HASTE = Patience(tries=4, unit_seconds=0.01)


@pytest.fixture(scope="session")
def _relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """Start fake and Prism; the fake's state is put back before each test."""
    if node_problem():
        pytest.skip(node_problem())
    document = tmp_path_factory.mktemp("openapi") / "github.json"
    document.write_text(json.dumps(description()), encoding="utf-8")
    fake = FakeGitHub()
    server = serve(fake)
    direct = f"http://127.0.0.1:{server.server_address[1]}"
    port = _free_port()
    prism = MODULES / "@stoplight" / "prism-cli" / "dist" / "index.js"
    command = ["node", str(prism), "proxy", str(document), direct, "--errors", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/", process)
        door = serve_door(port, direct)
        yield fake, f"http://127.0.0.1:{door.server_address[1]}", direct
        door.shutdown()
    finally:
        process.terminate()
        process.wait(10)
        server.shutdown()


@pytest.fixture
def github(_relay: Relay) -> FakeGitHub:
    """Return the fake with nothing in it."""
    fake = _relay[0]
    fresh = FakeGitHub()
    for name in FakeGitHub.__dataclass_fields__:
        if name != "lock":
            setattr(fake, name, getattr(fresh, name))
    return fake


@pytest.fixture
def client(github: FakeGitHub, _relay: Relay, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Return a client whose every request is held against the schema."""
    monkeypatch.setenv("GITHUB_API_URL", _relay[1])
    return connect("o/n", token="t", patience=HASTE)


@pytest.fixture
def direct(github: FakeGitHub, _relay: Relay, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Return a client past Prism, for faults that no schema knows."""
    monkeypatch.setenv("GITHUB_API_URL", _relay[2])
    return connect("o/n", token="t", patience=HASTE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until Prism answers anything."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, "Prism ended before it answered"
        try:
            urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("Prism does not answer")
