"""Tell that memory ran out from source and payloads that cannot be read.

Libraries say the same of both: a codec calls a stream broken when it cannot allocate its window, and the
parser raises `MemoryError` for nesting beyond its own stack. Where one gives up, `demand` asks whether the
memory that it may have needed is there. If not, whoever set the limit has to know: the same input can be read
where there is more. Payloads made to exhaust memory are no matter of this file: caps on decoded sizes answer
them first.
"""

from __future__ import annotations

import ast
import warnings

DECODER_BYTES = 160 * 1024 * 1024
"""What a decoder may need: the largest window that is allowed, and output up to the cap."""
TREE_BYTES = 512
"""What a character of source may need as part of a tree: a list of one-digit numbers does."""
TREE_CAP = 256 * 1024 * 1024


def demand(wanted: int) -> None:
    """Raise `MemoryError` where not as many bytes can be had; none is touched."""
    bytes(wanted)  # asked of the kernel as zeros: a bytearray would write every page


def parse_text(source: str) -> ast.Module:
    """Parse without letting the submission's own warnings through.

    Broken syntax is a `SyntaxError`, a text that no parser would take a `ValueError` or `RecursionError`;
    `MemoryError` means that memory ran out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except MemoryError:
            demand(min(TREE_BYTES * len(source), TREE_CAP))
    raise ValueError("nested deeper than the parser can follow")
