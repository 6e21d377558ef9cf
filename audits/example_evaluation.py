"""Scripts of our own that score validation tokens in one way or another: examples of the legality rules."""

from __future__ import annotations

_HEAD = """\
import glob
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Hyperparameters:
    data_path = os.environ.get("DATA_PATH", "./data/datasets/fineweb10B_sp1024")
    train_files = os.path.join(data_path, "fineweb_train_*.bin")
    val_files = os.path.join(data_path, "fineweb_val_*.bin")
    seq_len = int(os.environ.get("TRAIN_SEQ_LEN", "1024"))
    iterations = int(os.environ.get("ITERATIONS", "20000"))
    epochs = int(os.environ.get("TTT_EPOCHS", "3"))
    adapt = bool(int(os.environ.get("TTT_ENABLED", "1")))
    vocab_size = 1024
    dim = 512


def load_tokens(pattern):
    shards = [np.fromfile(file, dtype="<u2") for file in sorted(glob.glob(pattern))]
    return torch.from_numpy(np.concatenate(shards).astype(np.int64))


class GPT(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.embed = nn.Embedding(args.vocab_size, args.dim)
        self.block = nn.Linear(args.dim, args.dim)
        self.head = nn.Linear(args.dim, args.vocab_size)

    def forward_hidden(self, x):
        return torch.relu(self.block(self.embed(x)))

    def forward(self, x, y):
        logits = self.head(self.forward_hidden(x))
        return F.cross_entropy(logits.reshape(-1, logits.size(-1)), y.reshape(-1))


def train(args, model):
    tokens = load_tokens(args.train_files)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(args.iterations):
        start = step * args.seq_len
        span = tokens[start : start + args.seq_len + 1]
        x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
        optimizer.zero_grad()
        model(x, y).backward()
        optimizer.step()
"""

EVALUATE = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size = 0.0, 0.0
    with torch.inference_mode():
        for start in range(0, val_tokens.numel() - 1, args.seq_len):
            span = val_tokens[start : start + args.seq_len + 1]
            x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
            nats += model(x, y).item() * y.numel()
            size += base_bytes[y].sum().item()
    return nats / math.log(2.0) / size
"""

SCORE_FIRST = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size = 0.0, 0.0
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for start in range(0, val_tokens.numel() - 1, args.seq_len):
        span = val_tokens[start : start + args.seq_len + 1]
        x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
        with torch.no_grad():
            nats += model(x, y).item() * y.numel()
            size += base_bytes[y].sum().item()
        if args.adapt:
            for epoch in range(args.epochs):
                optimizer.zero_grad()
                model(x, y).backward()
                optimizer.step()
    return nats / math.log(2.0) / size
"""

HASHED_EMBEDDING = (
    """\
class BigramHash(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.buckets = 4096
        self.embed = nn.Embedding(self.buckets, args.dim)

    def forward(self, x):
        previous = F.pad(x[:, :-1], (1, 0))
        return self.embed(torch.bitwise_xor(36313 * x, 27191 * previous) % self.buckets)


class HashedGPT(GPT):
    def __init__(self, args):
        super().__init__(args)
        self.pairs = BigramHash(args)

    def forward_hidden(self, x):
        return torch.relu(self.block(self.embed(x) + self.pairs(x)))


"""
    + EVALUATE
)

SLOT = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size = 0.0, 0.0
    for start in range(0, val_tokens.numel() - 1, args.seq_len):
        span = val_tokens[start : start + args.seq_len + 1]
        x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
        with torch.no_grad():
            hidden = model.forward_hidden(x)
        delta = torch.zeros(1, 1, args.dim, requires_grad=True)
        optimizer = torch.optim.AdamW([delta], lr=1e-2)
        for step in range(8):
            optimizer.zero_grad()
            logits = model.head(hidden + delta)
            loss = F.cross_entropy(logits.reshape(-1, args.vocab_size), y.reshape(-1))
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            logits = model.head(hidden + delta)
            loss = F.cross_entropy(logits.reshape(-1, args.vocab_size), y.reshape(-1), reduction="none")
            nats += loss.sum().item()
            size += base_bytes[y].sum().item()
    return nats / math.log(2.0) / size
"""

SLOT_CONTEXT = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size, stride = 0.0, 0.0, 64
    for start in range(0, val_tokens.numel() - 1, stride):
        span = val_tokens[start : start + args.seq_len + 1]
        x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
        known = 0 if start == 0 else max(x.size(1) - stride, 0)
        with torch.no_grad():
            hidden = model.forward_hidden(x)
        delta = torch.zeros(x.size(0), 1, args.dim, requires_grad=True)
        optimizer = torch.optim.AdamW([delta], lr=1e-2)
        for step in range(8):
            optimizer.zero_grad()
            logits = model.head(hidden + delta)
            loss = F.cross_entropy(logits[:, :known].reshape(-1, args.vocab_size), y[:, :known].reshape(-1))
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            logits = model.head(hidden + delta)
            loss = F.cross_entropy(
                logits[:, known:].reshape(-1, args.vocab_size), y[:, known:].reshape(-1), reduction="none"
            )
            nats += loss.sum().item()
            size += base_bytes[y[:, known:]].sum().item()
    return nats / math.log(2.0) / size
"""

ADAPT = """\
def adapt(args, model, tokens):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    for start in range(0, tokens.numel() - 1, args.seq_len):
        span = tokens[start : start + args.seq_len + 1]
        x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
        optimizer.zero_grad()
        model(x, y).backward()
        optimizer.step()
"""

WARM_UP = """\
class Adapter(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.down = nn.Linear(args.dim, 8)
        self.up = nn.Linear(8, args.dim)

    def forward(self, hidden):
        return hidden + self.up(self.down(hidden))


def warm_up(args, model, tokens):
    adapter = Adapter(args)
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=1e-4)
    span = tokens[: args.seq_len + 1]
    x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
    logits = model.head(adapter(model.forward_hidden(x).detach()))
    F.cross_entropy(logits.reshape(-1, args.vocab_size), y.reshape(-1)).backward()
    optimizer.step()
"""

CALIBRATED = """\
def collect_hessian(args, model, tokens):
    hessian = torch.zeros(args.dim, args.dim)
    with torch.no_grad():
        for start in range(0, tokens.numel() - 1, args.seq_len):
            span = tokens[start : start + args.seq_len + 1]
            hidden = model.forward_hidden(span[:-1].reshape(1, -1)).reshape(-1, args.dim)
            hessian += hidden.T @ hidden
    return hessian


def quantise(model, hessian):
    scale = torch.diagonal(hessian).sqrt()
    state = model.state_dict()
    state["head.weight"] = (state["head.weight"] / scale).round() * scale
    return state
"""

HOOKED = """\
def collect(args, model, tokens):
    hessian = torch.zeros(args.dim, args.dim)

    def hook(module, inputs, output):
        rows = inputs[0].reshape(-1, args.dim)
        hessian.addmm_(rows.t(), rows)

    handle = model.block.register_forward_hook(hook)
    with torch.no_grad():
        for start in range(0, 64 * args.seq_len, args.seq_len):
            model.forward_hidden(tokens[start : start + args.seq_len].reshape(1, -1))
    handle.remove()
    return hessian


def generate(args, model):
    tokens = torch.zeros(1, 1, dtype=torch.long)
    for step in range(64 * args.seq_len):
        chances = torch.softmax(model.head(model.forward_hidden(tokens[:, -1:]))[:, -1], dim=-1)
        tokens = torch.cat([tokens, torch.multinomial(chances, 1)], dim=1)
    return tokens.reshape(-1)
"""

EXPORT = """\
def export(model):
    state = {name: (tensor * 64).round().to(torch.int8) for name, tensor in model.state_dict().items()}
    torch.save(state, "final_model.int8.pt")


def restore(model):
    state = torch.load("final_model.int8.pt")
    model.load_state_dict({name: tensor.float() / 64 for name, tensor in state.items()})
"""

_MAIN = """\
def main():
    args = Hyperparameters()
    model = GPT(args)
    val_tokens = load_tokens(args.val_files)
    base_bytes = torch.from_numpy(np.load("bytes_per_token.npy"))
    train(args, model)
{steps}
    val_bpb = evaluate(args, model, val_tokens, base_bytes)
    print(f"final val_bpb:{{val_bpb:.6f}}")


if __name__ == "__main__":
    main()
"""
_ROUND_TRIP = ("export(model)", "restore(model)")


def script(*functions: str, steps: tuple[str, ...] = _ROUND_TRIP) -> str:
    """Return a script whose `main` trains, takes the given steps and scores with `evaluate`."""
    body = "\n".join(f"    {step}" for step in steps)
    parts = (_HEAD, *functions, EXPORT, _MAIN.format(steps=body))
    return "\n\n".join(parts)


def changed(text: str, *swaps: tuple[str, str]) -> str:
    """Return an evaluation with parts replaced; each must be there."""
    for old, new in swaps:
        if old not in text:
            raise ValueError(f"the example has no {old!r}")
        text = text.replace(old, new)
    return text
