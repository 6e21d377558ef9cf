"""Look at the machine and the data before anything runs."""

from harness.replay.preflight.records import Found, Level, Preflight
from harness.replay.preflight.run import preflight

__all__ = ["Found", "Level", "Preflight", "preflight"]
