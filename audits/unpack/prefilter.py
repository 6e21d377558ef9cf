"""Decide from the text alone whether a script may unpack, run or compile other source.

Nearly every real script says no here, and is then never parsed for unpacking.
"""

from __future__ import annotations

import re

_RUNS_TEXT = re.compile(r"(?<![\w.])(?:exec|eval)\s*\(|runpy|exec_module|ModuleType|marshal\s*\.\s*loads")
_RUN_WORDS = ("exec", "eval(", "runpy", "ModuleType", "marshal")
_DECODES = ("b85decode", "a85decode", "b64decode", "decodebytes", "unhexlify", "fromhex", "a2b_", "z85decode")
_COMPILES = re.compile(r"#include|load_inline|RawKernel|RawModule|__global__")
LONG_WORD = 500


def runs_text(source: str) -> bool:
    """Return whether the script may execute text as Python."""
    return any(word in source for word in _RUN_WORDS) and _RUNS_TEXT.search(source) is not None


def holds_payload(source: str) -> bool:
    """Return whether the script decodes a long literal of its own."""
    return any(word in source for word in _DECODES) and longest_word(source) >= LONG_WORD


def holds_native(source: str) -> bool:
    """Return whether the script may carry C or CUDA text in a string."""
    return _COMPILES.search(source) is not None


def longest_word(source: str) -> int:
    """Return the length of the longest stretch without white space."""
    return max(map(len, source.split()), default=0)
