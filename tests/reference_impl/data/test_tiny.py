"""The embedded text: read from the running Python, whatever its folder of the standard library holds."""

from __future__ import annotations

import sysconfig
from typing import TYPE_CHECKING

import pytest

from reference_impl.data import tiny

if TYPE_CHECKING:
    from pathlib import Path


def test_what_cannot_be_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's sitecustomize.py is a link to /etc, which a box does not have."""
    (tmp_path / "good.py").write_text('"""A text that can be read."""\n')
    (tmp_path / "broken.py").write_text("def (\n")
    (tmp_path / "sitecustomize.py").symlink_to(tmp_path / "nowhere")
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    assert list(tiny.read_documents())[-1] == "A text that can be read."
