"""Where documents begin and end in a stream of tokens."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

BOS = 1
"""The token that the challenge's export writes before each document; nothing follows the last token of
one."""


class Document(NamedTuple):
    """Inputs `tokens[start:end]`; the last of them predicts the first token of the next document."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Inputs, and as many targets."""
        return self.end - self.start


def documents(tokens: Tensor, bos: int = BOS) -> list[Document]:
    """Return the documents of a stream, int64[N]; what comes before the first BOS counts as one."""
    inputs = tokens.numel() - 1
    marks = (tokens[:inputs] == bos).nonzero().flatten().tolist()
    starts = marks if marks and marks[0] == 0 else [0, *marks]
    return [Document(start, end) for start, end in zip(starts, [*starts[1:], inputs], strict=True)]
