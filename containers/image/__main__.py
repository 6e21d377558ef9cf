"""`python -m containers.image`: build the image, or find it, and print its tag."""

from __future__ import annotations

import argparse
import os
import sys

from containers.image.build import BuildError, prepare_image
from containers.image.inputs import DEFAULT_BASE


def main(arguments: list[str] | None = None) -> int:
    """Build and show what happens."""
    parser = argparse.ArgumentParser(
        prog="python -m containers.image", description="Build the image or find it."
    )
    parser.add_argument("--base", help=f"base image (default: {DEFAULT_BASE})")
    parser.add_argument("--quiet", action="store_true", help="print the tag alone")
    parser.add_argument("--engine", choices=("docker", "podman", "bubblewrap"), default="docker")
    options = parser.parse_args(arguments)
    if options.base:
        os.environ["REFEREE_BASE_IMAGE"] = options.base
    try:
        image = prepare_image(options.engine, _silent if options.quiet else _show)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    seconds = f"{image.build_seconds:.1f} s" if image.built else "already there"
    print(image.tag if options.quiet else f"{image.tag} {image.id} ({seconds})")
    return 0


def _show(line: str) -> None:
    print(line, flush=True)


def _silent(line: str) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main())
