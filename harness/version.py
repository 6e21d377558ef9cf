"""The version of the installed distribution."""

from __future__ import annotations


def version() -> str:
    """Return the version, `0` when run from a checkout that was never installed."""
    from importlib import metadata

    try:
        return metadata.version("golf-referee")
    except metadata.PackageNotFoundError:
        return "0"
