"""Scripts of our own that count bytes in one way or another, for the examples of the rules on byte tables."""

from __future__ import annotations

MARKER = "\\u2581"

_HEAD = """\
import math

import numpy as np
import sentencepiece as spm
import torch


"""

CANONICAL = f"""\
def build_luts(sp, vocab_size, device):
    size = max(int(sp.vocab_size()), vocab_size)
    base = np.zeros((size,), dtype=np.int16)
    lead = np.zeros((size,), dtype=np.bool_)
    boundary = np.ones((size,), dtype=np.bool_)
    for token in range(int(sp.vocab_size())):
        if sp.is_control(token) or sp.is_unknown(token) or sp.is_unused(token):
            continue
        boundary[token] = False
        if sp.is_byte(token):
            base[token] = 1
            continue
        piece = sp.id_to_piece(token)
        if piece.startswith("{MARKER}"):
            lead[token] = True
            piece = piece[1:]
        base[token] = len(piece.encode("utf-8"))
    return (
        torch.tensor(base, device=device),
        torch.tensor(lead, device=device),
        torch.tensor(boundary, device=device),
    )
"""

EVALUATE = """\
def evaluate(model, tokens, base, lead, boundary):
    nats, count, total = 0.0, 0, 0.0
    with torch.inference_mode():
        for start in range(0, tokens.numel() - 1, 1024):
            window = tokens[start : start + 1025].long()
            prev, target = window[:-1], window[1:]
            nats += model(prev, target).item() * target.numel()
            count += target.numel()
            size = base[target].to(torch.int16)
            size += (lead[target] & ~boundary[prev]).to(torch.int16)
            total += size.to(torch.float64).sum().item()
    return nats / count / math.log(2.0) * count / total
"""

_MAIN = """\
def main():
    sp = spm.SentencePieceProcessor(model_file="tokenizer.model")
    tokens = torch.from_numpy(np.fromfile("fineweb_val_000000.bin", dtype="<u2").astype(np.int64))
    base, lead, boundary = build_luts(sp, 1024, "cpu")
    model = torch.jit.load("model.pt")
    print(f"final val_bpb:{evaluate(model, tokens, base, lead, boundary):.6f}")


main()
"""


def script(builder: str = CANONICAL, evaluate: str = EVALUATE, main: str = _MAIN) -> str:
    """Return a whole script made of a table builder, an evaluation and a main function."""
    return f"{_HEAD}{builder}\n\n{evaluate}\n\n{main}"


def changed(old: str, new: str, text: str = CANONICAL) -> str:
    """Return the canonical builder with one thing changed; it must be there."""
    if old not in text:
        raise ValueError(f"the example has no {old!r}")
    return text.replace(old, new)
