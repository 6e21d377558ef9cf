"""Which modules a submission can import in the image, told without starting it.

Made from the pinned versions and the names of our stand-ins; a module that a package brings beside its own
name is listed by hand.
"""

from __future__ import annotations

import re
from functools import cache

from containers.image.inputs import HERE

_OTHER_NAMES = {
    "brotli": ("brotli",),
    "huggingface-hub": ("huggingface_hub",),
    "libcst": ("libcst",),
    "mlx-cpu": (),
    "pyjwt": ("jwt",),
    "pyyaml": ("yaml",),
    "python-minifier": ("python_minifier",),
    "setuptools": ("setuptools", "pkg_resources"),
    "torch": ("torch", "torchgen", "functorch"),
}
STAND_INS = frozenset(("flash_attn", "flash_attn_interface", "flash_attn_3", "hopper"))
"""Modules that the shim answers for."""
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


@cache
def import_names() -> frozenset[str]:
    """Return the top-level names that can be imported, beyond the standard library."""
    pinned = _PINNED.findall((HERE / "requirements.txt").read_text(encoding="utf-8"))
    names = {name for package in pinned for name in _names(package.lower())}
    return frozenset(names | STAND_INS)


def _names(package: str) -> tuple[str, ...]:
    return _OTHER_NAMES.get(package, (package.replace("-", "_").replace(".", "_"),))
