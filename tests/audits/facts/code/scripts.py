"""Tiny scripts put together from parts, and what the code pass says of them.

A script loads validation tokens, makes a model, runs `evaluate` on them and prints bits per byte. A test
states only the body of `evaluate`, most of it in the words below: cut out chunk `i`, score it, train on it.
"""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

from audits.challenge_loader import load_challenge
from audits.facts.extract import extract
from audits.rules._exposures import breach
from audits.submission import RunCommand
from tests.audits.builders import make_submission

if TYPE_CHECKING:
    from audits.facts.code import CodeFacts
    from audits.facts.code.behaviour import Behaviour

HEAD = """\
import copy
import functools
import glob
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

L, V, D = 1024, 1024, 512


def load(pattern):
    return torch.from_numpy(np.concatenate([np.fromfile(f, dtype="<u2") for f in sorted(glob.glob(pattern))]))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(V, D)
        self.head = nn.Linear(D, V)

    def hidden(self, x):
        return torch.relu(self.embed(x))

    def forward(self, x, y):
        logits = self.head(self.hidden(x))
        return F.cross_entropy(logits.reshape(-1, V), y.reshape(-1))


"""
CUT = "x, y = tokens[i * L : i * L + L], tokens[i * L + 1 : i * L + L + 1]\n"
"""Inputs and targets of chunk `i`."""
SCORE = """\
with torch.no_grad():
    total += net(x, y).item() * y.numel()
    size += table[y].sum().item()
"""
TRAIN = """\
opt.zero_grad()
net(x, y).backward()
opt.step()
"""
LOGITS = """\
with torch.no_grad():
    logits = net.head(net.hidden(x))
    p = torch.softmax(logits, dim=-1).gather(-1, y.unsqueeze(-1)).squeeze(-1)
"""
"""The probability that the model gives each realised token of the chunk."""
EVALUATE = """\
def evaluate(net, tokens, table):
    total, size = 0.0, 0.0
    n = (tokens.numel() - 1) // L
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
{body}
    return total / math.log(2.0) / size


"""
MAIN = """\
def main():
    net = Net()
    tokens = load("data/fineweb_val_*.bin")
    train_tokens = load("data/fineweb_train_*.bin")
    table = torch.from_numpy(np.load("bytes_per_token.npy"))
{steps}
    print(f"final val_bpb:{{evaluate(net, tokens, table):.6f}}")


main()
"""


def block(*parts: str, head: str = "for i in range(n):") -> str:
    """Return the parts one after the other under a loop, or another statement that opens a block."""
    return f"{head}\n" + indent("".join(parts), "    ")


def script(body: str, *, steps: str = "", functions: str = "") -> str:
    """Return the whole script around the body of `evaluate`; `steps` come before it in `main`."""
    return "".join(
        (
            HEAD,
            functions and functions.strip() + "\n\n\n",
            EVALUATE.format(body=indent(body, "    ")),
            MAIN.format(steps=indent(steps, "    ")),
        )
    )


def read(
    code: str,
    *,
    env: dict[str, str] | None = None,
    argv: tuple[str, ...] = (),
    files: dict[str, str] | None = None,
) -> CodeFacts:
    """Return the facts about a script, run with the given environment and options."""
    commands: tuple[RunCommand, ...] = ()
    if env or argv:
        commands = (
            RunCommand(tuple((env or {}).items()), ("train_gpt.py", *argv), "train_gpt.py", "README.md", 3),
        )
    submission = make_submission({"train_gpt.py": code, **(files or {})}, run_commands=commands)
    return extract(submission, load_challenge("parameter_golf")).code


def behaviour_of(body: str, *, steps: str = "", functions: str = "") -> Behaviour:
    """Return what a script does that is run with its defaults."""
    found = read(script(body, steps=steps, functions=functions)).behaviour
    assert found.complete
    assert found.scores, "the score was not followed into bits per byte"
    return found


def breaches(behaviour: Behaviour) -> set[str]:
    """Return what reviewers call the exposures of a behaviour."""
    return {breach(item).value for item in behaviour.exposures}


def marks(behaviour: Behaviour) -> set[str]:
    """Return the kinds of marks of a behaviour."""
    return {mark.kind for mark in behaviour.marks}
