"""Constants and environment defaults, with where the value of the claimed run comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from audits.location import Location

Scalar = int | float | str | bool | None


class ValueOrigin(StrEnum):
    """Who said so. Later ones override earlier ones, in this order."""

    DEFAULT = "default"
    SIDE_FILE = "side_file"
    COMMAND = "command"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Setting:
    """One knob of the script, with its value in the claimed run."""

    name: str
    """Environment variable, flag or attribute name, upper case for environment variables."""
    default: Scalar
    value: Scalar
    origin: ValueOrigin
    location: Location
    """Where the default is written."""
    origin_location: Location | None = None
    """Where the overriding value is written."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All knobs by name."""

    by_name: tuple[tuple[str, Setting], ...] = ()

    def get(self, name: str) -> Setting | None:
        """Return the setting called `name` (case-insensitive), or None."""
        wanted = name.lower()
        for key, setting in self.by_name:
            if key.lower() == wanted:
                return setting
        return None
