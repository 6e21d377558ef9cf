"""An honest trainer of our own, as small as one can be, to carry an attack."""

from __future__ import annotations

import textwrap

_TRAINER = """
import os
import zlib
import torch
import torch.nn.functional as F
from torch import nn


class Hyperparameters:
    vocab_size = int(os.environ.get("VOCAB_SIZE", 1024))
    model_dim = int(os.environ.get("MODEL_DIM", 32))
    num_layers = int(os.environ.get("NUM_LAYERS", 1))
    iterations = int(os.environ.get("ITERATIONS", 3))


class GPT(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.embedding = nn.Embedding(args.vocab_size, args.model_dim)
        self.head = nn.Linear(args.model_dim, args.vocab_size, bias=False)

    def forward(self, input_ids, target_ids):
        logits = self.head(self.embedding(input_ids))
        return F.cross_entropy(logits.flatten(0, 1).float(), target_ids.flatten())


def eval_val(model, args):
    with torch.inference_mode():
        tokens = torch.randint(0, args.vocab_size, (2, 65))
        loss = model(tokens[:, :-1], tokens[:, 1:]).item()
    return loss, loss / 2.4


def main():
    args = Hyperparameters()
    model = GPT(args)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in range(args.iterations):
        tokens = torch.randint(0, args.vocab_size, (2, 65))
        loss = model(tokens[:, :-1], tokens[:, 1:])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print(f"step:{step + 1}/{args.iterations} train_loss:{loss.item():.4f}")
    weights = b"".join(value.detach().numpy().tobytes() for value in model.state_dict().values())
    with open("final_model.int8.ptz", "wb") as file:
        file.write(zlib.compress(weights))
    val_loss, val_bpb = eval_val(model, args)
    print(f"final_int8_zlib_roundtrip val_loss:{val_loss:.4f} val_bpb:{val_bpb:.4f}")


if __name__ == "__main__":
    main()
"""


def trainer(attack: str = "pass") -> bytes:
    """Return the trainer with an attack as the first thing that it does, whenever it is loaded."""
    body = textwrap.indent(textwrap.dedent(attack).strip("\n"), "    ")
    return f"def strike():\n{body}\n\n\nstrike()\n{_TRAINER}".encode()
