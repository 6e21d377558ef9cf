"""Decide from the text alone whether a script may unpack, run or compile other source.

Nearly every real script says no here, and is then never parsed for unpacking.
"""

from __future__ import annotations

import re

_RUN_WORDS = ("runpy", "exec_module", "ModuleType", "marshal.loads")
_CALLS = ("exec", "eval")
_OPENING = re.compile(r"\s*\(")
_DECODES = ("b85decode", "a85decode", "b64decode", "z85decode", "decodebytes", "unhexlify", "fromhex", "a2b_")
_NATIVE_WORDS = ("#include", "load_inline", "RawKernel", "RawModule", "__global__")
LONG_WORD = 500
# Possessive throughout, so that text of any shape costs linear time.
_QUOTED = re.compile(
    r'''"""(?:[^"\\]++|\\.|"(?!""))*+"""'''
    r"""|'''(?:[^'\\]++|\\.|'(?!''))*+'''"""
    r'''|"(?:[^"\\\n]++|\\.)*+"'''
    r"""|'(?:[^'\\\n]++|\\.)*+'|#[^\n]*+""",
    re.DOTALL,
)


def runs_text(source: str) -> bool:
    """Return whether the script may execute text as Python."""
    if not _mentions_running(source):
        return False
    # Scripts that measure their own packed size spell a wrapper out inside a string; only code counts.
    return _mentions_running(_QUOTED.sub('""', source))


def _mentions_running(text: str) -> bool:
    return any(word in text for word in _RUN_WORDS) or any(_calls(text, word) for word in _CALLS)


def _calls(text: str, word: str) -> bool:
    """Return whether a bare `word(` occurs: no method of that name, no definition of one."""
    start = text.find(word)
    while start >= 0:
        before = text[start - 1] if start else "\n"
        end = start + len(word)
        bare = not (before.isalnum() or before in "_.") and text[max(start - 4, 0) : start] != "def "
        if bare and _OPENING.match(text, end):
            return True
        start = text.find(word, end)
    return False


def holds_payload(source: str) -> bool:
    """Return whether the script decodes a long literal of its own."""
    return any(word in source for word in _DECODES) and longest_word(source) >= LONG_WORD


def holds_native(source: str) -> bool:
    """Return whether the script may carry C or CUDA text in a string."""
    return any(word in source for word in _NATIVE_WORDS)


def longest_word(source: str) -> int:
    """Return the length of the longest stretch without white space."""
    return max(map(len, source.split()), default=0)
