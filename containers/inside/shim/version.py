"""`torch.__version__` as the submission's run demands it: the image has one torch, whatever was trained with.

Promises a change only where the run's own command or source names a version that it insists on; every other
run sees the image's. Each is reported, since behaviour of the version that was named is not promised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from torch.torch_version import TorchVersion

from .patching import used

PART = "torch-version"
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?(?:\+cu\d{2,3})?\Z")
_NAME = re.compile(r"(?:\A|_)(?:TORCH|PYTORCH)(?:_|\Z)")
_INSISTS = re.compile(
    r"""torch\.__version__[^\n#]{0,40}?(?:startswith\(\s*|[=!]=\s*)["'](\d+\.\d+(?:\.\d+)?(?:\+cu\d{2,3})?)["']"""
)


def ask(environment: Iterable[tuple[str, str]]) -> None:
    """Take the version from a variable of the run's command, such as REQUIRE_TORCH_PREFIX=2.9.1."""
    for name, value in environment:
        if _NAME.search(name) and _VERSION.match(value):
            _become(value)


def learn(text: str) -> None:
    """Take the version from a source that compares it with a text."""
    if "torch.__version__" in text and (match := _INSISTS.search(text)):
        _become(match[1])


def _become(version: str) -> None:
    if not torch.__version__.startswith(version):
        used(PART, f"{torch.__version__} -> {version}")
        torch.__version__ = TorchVersion(version)
