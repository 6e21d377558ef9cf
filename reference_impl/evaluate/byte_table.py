"""How many bytes of text a token stands for, read off a sentencepiece model and nothing else.

The rule of the challenge, in our words. Control, unknown and unused pieces stand for no text. A byte piece
(`<0x41>`) is one byte. Any other piece is its UTF-8 text, where U+2581 at its start means a space; that space
is text only if something precedes it, hence not right after a piece that stands for no text (the first word
of a document).

Promises nothing about text that the normaliser of the tokenizer changed before it was cut into pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sentencepiece
import torch
from torch import Tensor

SPACE = "\u2581"


@dataclass(frozen=True, slots=True)
class ByteTable:
    """Bytes for every token id; the byte of a leading space depends on the token before."""

    text_bytes: Tensor
    """int64[V]: bytes of a piece without its leading space."""
    leading_space: Tensor
    """bool[V]: the piece starts with a space."""
    no_text: Tensor
    """bool[V]: the piece stands for no text, so a space after it is none."""

    def count(self, previous: Tensor, targets: Tensor) -> int:
        """Return the bytes that `targets` stand for behind `previous`: both int64[...] of one shape."""
        spaces = self.leading_space[targets] & ~self.no_text[previous]
        return int((self.text_bytes[targets] + spaces).sum())


def read_byte_table(tokenizer: Path | bytes, vocab_size: int) -> ByteTable:
    """Return the table of a sentencepiece model, given as a file or as its bytes.

    A model with more logits than the tokenizer has pieces gets ids that stand for no text. Raises ValueError
    where the tokenizer has pieces that the model cannot predict.
    """
    pieces = sentencepiece.SentencePieceProcessor()
    pieces.LoadFromSerializedProto(tokenizer if isinstance(tokenizer, bytes) else tokenizer.read_bytes())
    size = int(pieces.vocab_size())
    if size > vocab_size:
        raise ValueError(f"the tokenizer has {size} pieces, the model predicts {vocab_size}")
    text_bytes = torch.zeros(vocab_size, dtype=torch.int64)
    leading_space = torch.zeros(vocab_size, dtype=torch.bool)
    no_text = torch.ones(vocab_size, dtype=torch.bool)
    for token in range(size):
        if pieces.is_control(token) or pieces.is_unknown(token) or pieces.is_unused(token):
            continue
        no_text[token] = False
        if pieces.is_byte(token):
            text_bytes[token] = 1
            continue
        piece = pieces.id_to_piece(token)
        leading_space[token] = piece.startswith(SPACE)
        text_bytes[token] = len(piece.removeprefix(SPACE).encode("utf-8"))
    return ByteTable(text_bytes, leading_space, no_text)
