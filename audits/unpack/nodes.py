"""The layers while they are still being found; frozen into `Layer` at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from audits.facts.layer import Layer
from audits.unpack.values import Data


@dataclass(slots=True, eq=False)
class Node:
    """One source text, with how it is reached."""

    path: str
    index: int
    source: str
    encodings: tuple[str, ...] = ()
    wrapper_line: int = 1
    language: str = "python"
    executed: bool = False
    module: str | None = None
    raw_bytes: int = 0
    depth: int = 0
    bundle: dict[str, Data] = field(default_factory=dict)
    """Files written by the script that this layer came out of, by path."""
    successor: Node | None = None
    """The layer that really does this one's work, when this one only unpacks or starts it."""

    def freeze(self) -> Layer:
        """Return the finished record."""
        return Layer(
            path=self.path,
            index=self.index,
            source=self.source,
            encodings=self.encodings,
            wrapper_line=self.wrapper_line,
            language=self.language,
            executed=self.executed,
            module=self.module,
            raw_bytes=self.raw_bytes,
        )


def last_of(node: Node) -> Node:
    """Return the layer at the end of a chain of wrappers."""
    seen = {id(node)}
    while node.successor is not None and id(node.successor) not in seen:
        node = node.successor
        seen.add(id(node))
    return node
