"""A readable source text: a file as committed, or a layer unpacked from inside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layer:
    """One readable source text of the folder."""

    path: str
    """File it lies in, relative to the folder."""
    index: int
    """0 for the file as committed, n for the n-th layer unpacked from it."""
    source: str
    encodings: tuple[str, ...] = ()
    """Codecs peeled off to get here, outermost first: `("base85", "lzma")`; none for a plain file."""
    wrapper_line: int = 1
    """Line of the committed file that holds the payload (for annotations)."""
    language: str = "python"
    """`python`, `c`, `cuda`, `text`."""
    executed: bool = True
    """False for a payload that is decoded but not seen to be executed or imported."""
    module: str | None = None
    """Import name under which the scored path reaches it; None for the main script and the rest."""
    raw_bytes: int = 0
    """Size of the encoded form in bytes as committed."""
