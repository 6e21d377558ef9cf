"""Per-position predictors, in native sources and in Python, and what their predictions depend on."""

from audits.facts.native.reader import read_native
from audits.facts.native.records import GatedHint, NativeFacts, NativeFunction, Switch

__all__ = ["GatedHint", "NativeFacts", "NativeFunction", "Switch", "read_native"]
