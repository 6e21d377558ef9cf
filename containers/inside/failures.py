"""Describe an exception by the submission's own line, and tell our gaps from the submission's faults."""

from __future__ import annotations

import linecache
import os
import re
import traceback
from typing import Any

from .shim.patching import ShimGapError, gap, gaps_met
from .source.loader import foreign

TAIL_LINES = 14
_NEEDS_GPU = (
    (
        re.compile(r"Torch not compiled with CUDA|No CUDA GPUs|Found no NVIDIA driver|CUDA driver"),
        "cuda",
    ),
    (re.compile(r"0 active drivers|triton.*(?:driver|cuda)|Cannot find .*backend", re.IGNORECASE), "triton"),
    (
        re.compile(
            r"from the '(?:Quantized)?CUDA' backend"
            r"|CUDA (?:tensor|kernel)s? (?:is|are)? ?(?:required|expected)"
        ),
        "cuda",
    ),
    (re.compile(r"not implemented for '(?:Half|BFloat16|Float8_\w+|UInt\d+)'"), "cpu-kernel"),
    (re.compile(r"nvcc|CUDA_HOME|cuda_runtime\.h|cuda\.h: No such"), "cuda-compiler"),
    (re.compile(r"\bptxas\b|PTX|cubin"), "cuda-compiler"),
)
_THEIRS = (ImportError, SyntaxError)
_OURS = os.path.dirname(os.path.abspath(__file__))


def described(error: BaseException) -> dict[str, Any]:
    """Return class, message, the submission's innermost line and the end of the traceback."""
    frames = _frames(error)
    own = [(frame, line) for frame, line in frames if not foreign(frame)]
    file, line = own[-1] if own else ("", 0)
    _note_gap(error, frames)
    return {
        "class": type(error).__name__,
        "message": _message(error),
        "file": os.path.basename(file),
        "line": line,
        "text": linecache.getline(file, line).strip()[:300] if file else "",
        "traceback_tail": "".join(traceback.format_exception(error, limit=-8))[-3000:].splitlines()[
            -TAIL_LINES:
        ],
        "gaps": list(gaps_met()),
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
    }


def _message(error: BaseException) -> str:
    try:
        return str(error)[:1500]
    except Exception as broken:
        return f"its text cannot be made: {type(broken).__name__}"


def _frames(error: BaseException) -> list[tuple[str, int]]:
    """Return file and line of every frame, outermost first, causes included where nothing else is theirs."""
    found = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        found.append((error.filename, error.lineno or 0))
    return found


def _note_gap(error: BaseException, frames: list[tuple[str, int]]) -> None:
    """Report a gap where the error says that a GPU was needed, or came out of our own code."""
    if isinstance(error, ShimGapError):
        return
    text = f"{type(error).__name__}: {_message(error)}"
    for pattern, name in _NEEDS_GPU:
        if pattern.search(text):
            gap(name, text[:300])
            return
    innermost = frames[-1][0] if frames else ""
    if innermost.startswith(_OURS) and isinstance(error, Exception) and not isinstance(error, _THEIRS):
        gap("shim-error", f"{os.path.basename(innermost)}: {text[:300]}")
