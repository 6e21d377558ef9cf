"""`python -m reference_impl train|evaluate|pack|download`: a subcommand is a module with `main(argv)`.

A mistake of the user takes one line and leaves with 2; an artifact over its cap, or damaged, with 3.
"""

from __future__ import annotations

import importlib
import sys

from reference_impl.config import ConfigError
from reference_impl.data.shards import DataError

COMMANDS = {
    "train": "reference_impl.train.command",
    "evaluate": "reference_impl.evaluate.command",
    "pack": "reference_impl.artifact.command",
    "download": "reference_impl.data.command",
}


def run(argv: list[str]) -> int:
    """Run a subcommand and return its exit code."""
    if not argv or argv[0] not in COMMANDS:
        print(f"usage: python -m reference_impl {'|'.join(COMMANDS)} ...", file=sys.stderr)
        return 2
    try:
        return int(importlib.import_module(COMMANDS[argv[0]]).main(argv[1:]))
    except (ConfigError, DataError, FileNotFoundError) as error:
        print(f"reference: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"reference: {error} (install the extra `cpu`)", file=sys.stderr)
        return 2
    except ValueError as error:
        if type(error).__name__ != "ArtifactError":
            raise
        print(f"reference: {error}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
