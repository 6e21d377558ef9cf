"""An honest trainer of our own that scores the validation stream and reads its artifact back: to be tampered with."""

from __future__ import annotations

import textwrap

_SCRIPT = """
import glob
import io
import math
import os
import zlib
import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F
from torch import nn


class Hyperparameters:
    data_path = os.environ.get("DATA_PATH", "./data/datasets/fineweb10B_sp1024")
    tokenizer_path = os.environ.get("TOKENIZER_PATH", "./data/tokenizers/fineweb_1024_bpe.model")
    vocab_size = int(os.environ.get("VOCAB_SIZE", 1024))
    model_dim = int(os.environ.get("MODEL_DIM", 64))
    num_layers = int(os.environ.get("NUM_LAYERS", 1))
    iterations = int(os.environ.get("ITERATIONS", 3))
    train_seq_len = int(os.environ.get("TRAIN_SEQ_LEN", 256))


class GPT(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.embedding = nn.Embedding(args.vocab_size, args.model_dim)
        self.mixer = nn.GRU(args.model_dim, args.model_dim, batch_first=True)
        self.head = nn.Linear(args.model_dim, args.vocab_size, bias=False)

    def forward(self, input_ids, target_ids):
        hidden, _ = self.mixer(self.embedding(input_ids))
        return F.cross_entropy(self.head(hidden).flatten(0, 1).float(), target_ids.flatten())


def shard(pattern):
    path = sorted(glob.glob(pattern))[0]
    return torch.from_numpy(np.fromfile(path, "<u2", offset=1024).astype(np.int64))


def byte_table(args):
    pieces = sentencepiece.SentencePieceProcessor(model_file=args.tokenizer_path)
    sizes = torch.zeros(args.vocab_size, dtype=torch.int16)
    for token in range(args.vocab_size):
        if not (pieces.is_control(token) or pieces.is_unknown(token)):
            piece = pieces.id_to_piece(token)
            sizes[token] = 1 if pieces.is_byte(token) else len(piece.replace("\\u2581", " ").encode())
    return sizes


def eval_val(model, args, base_bytes):
    tokens = shard(os.path.join(args.data_path, "fineweb_val_*.bin"))
    length = args.train_seq_len
    whole = (tokens.numel() - 1) // length * length
    loss_sum = torch.zeros((), dtype=torch.float64)
    count = torch.zeros((), dtype=torch.float64)
    byte_count = torch.zeros((), dtype=torch.float64)
    with torch.inference_mode():
        for start in range(0, whole, 2 * length):
            piece = tokens[start : min(start + 2 * length, whole) + 1]
            x, y = piece[:-1].view(-1, length), piece[1:].view(-1, length)
            loss = model(x, y)
            loss_sum += loss.to(torch.float64) * y.numel()
            count += y.numel()
            byte_count += base_bytes[y.reshape(-1)].to(torch.float64).sum()
    val_loss = (loss_sum / count).item()
    return val_loss, val_loss / math.log(2) * (count / byte_count).item()


def main():
    args = Hyperparameters()
    torch.manual_seed(1)
    model = GPT(args)
    base_bytes = byte_table(args)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    train = shard(os.path.join(args.data_path, "fineweb_train_*.bin"))
    for step in range(args.iterations):
        piece = train[step * 512 : step * 512 + 513]
        loss = model(piece[:-1].view(2, -1), piece[1:].view(2, -1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    packed = io.BytesIO()
    torch.save({name: value.half() for name, value in model.state_dict().items()}, packed)
    with open("final_model.int8.ptz", "wb") as file:
        file.write(zlib.compress(packed.getvalue()))
    with open("final_model.int8.ptz", "rb") as file:
        model.load_state_dict(torch.load(io.BytesIO(zlib.decompress(file.read()))))
    val_loss, val_bpb = eval_val(model, args, base_bytes)
    print(f"final_int8_zlib_roundtrip val_loss:{val_loss:.8f} val_bpb:{val_bpb:.8f}")


if __name__ == "__main__":
    main()
"""
LEARN = """
for _ in range(4):
    tokens = shard(os.path.join(args.data_path, "fineweb_val_*.bin"))[:1025]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    model(tokens[:-1].view(4, -1), tokens[1:].view(4, -1)).backward()
    optimizer.step()
    optimizer.zero_grad()
"""
"""Training on validation before it is scored: what the tampering below is there to hide."""


def scored(*, before_scoring: str = "", after_scoring: str = "", at_the_top: str = "") -> bytes:
    """Return the trainer with statements of main() before or after its evaluation, or at the top."""
    call = "    val_loss, val_bpb = eval_val(model, args, base_bytes)\n    print("
    assert _SCRIPT.count(call) == 1
    first, last = call.splitlines(keepends=True)
    made = _SCRIPT.replace(call, _indented(before_scoring) + first + _indented(after_scoring) + last)
    return (textwrap.dedent(at_the_top) + made).encode()


def _indented(code: str) -> str:
    return textwrap.indent(textwrap.dedent(code).strip("\n") + "\n", "    ") if code.strip() else ""
