"""Scale what a script reads from its command line, by the same table as its environment."""

from __future__ import annotations

import argparse
import functools
from typing import Any

from .. import scale
from .patching import put


def install() -> None:
    """Scale the namespace that `parse_args` returns."""
    real = argparse.ArgumentParser.parse_known_args

    @functools.wraps(real)
    def parse_known_args(self: Any, *args: Any, **kwargs: Any) -> Any:
        namespace, rest = real(self, *args, **kwargs)
        for name, value in list(vars(namespace).items()):
            if value is not None and scale.known(name):
                setattr(namespace, name, scale.SCALE(name, value))
        return namespace, rest

    put(argparse.ArgumentParser, "parse_known_args", parse_known_args)
