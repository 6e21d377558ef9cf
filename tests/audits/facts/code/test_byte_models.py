"""Byte models over stored losses: through closures, other processes and native code."""

from __future__ import annotations

import pytest

from tests.audits.facts.code.scripts import CUT, behaviour_of, block, marks

IMPORTS = """\
import ctypes
from collections import defaultdict

import sentencepiece as spm
import torch.distributed as dist
"""
COLLECT = "losses, kept = [], []\n" + block(
    CUT,
    """\
with torch.no_grad():
    logits = net.head(net.hidden(x))
    nll = F.cross_entropy(logits.reshape(-1, V), y.reshape(-1), reduction="none")
losses.append(nll.cpu())
kept.append(y.cpu())
total += nll.sum()
size += table[y].sum()
""",
)
JOIN = "losses, kept = torch.cat(losses), torch.cat(kept)\n"
GATHER = """\
parts = [torch.zeros(9) for _ in range(8)]
other = [torch.zeros(9) for _ in range(8)]
{calls}
losses, kept = torch.cat([part[:9] for part in parts]), torch.cat([part[:9] for part in other])
"""
PRINT = """\
print(f"plain bpb:{(total / math.log(2.0) / size).item():.4f}")
found = mixture(kept.numpy(), losses.numpy(), spm.SentencePieceProcessor(model_file="tok.model"))
print(f"mixed val_bpb:{found:.6f}")
"""
PYTHON = """\
def mixture(ids, nll, sp):
    pieces = [sp.id_to_piece(i).encode() for i in range(V)]
    sizes = np.array([len(piece) for piece in pieces])
    text = b"".join(pieces[int(i)] for i in ids)
    share = np.repeat(nll, sizes[ids]) / np.repeat(sizes[ids], sizes[ids])
    seen = defaultdict(lambda: defaultdict(int))

    def probability(past, byte):
        return seen[past].get(byte, 0) / (1 + sum(seen[past].values()))

    def count(past, byte):
        seen[past][byte] += 1

    counted, past = np.zeros(len(text)), b""
    for i, byte in enumerate(text):
        counted[i] = probability(past, byte)
        count(past, byte)
        past = (past + bytes([byte]))[-3:]

    def mixed(weight):
        return -np.log2(weight * np.exp(-share) + (1 - weight) * counted).sum() / len(text)

    return mixed(0.9)
"""
NATIVE = """\
def mixture(ids, nll, sp):
    pieces = b"".join(sp.id_to_piece(i).encode() for i in range(V))
    out = np.zeros(6)
    lib = ctypes.CDLL("./model.so")
    lib.run(ids.ctypes.data_as(P), nll.ctypes.data_as(P), pieces, out.ctypes.data_as(P))
    return out[0]


P = ctypes.POINTER(ctypes.c_double)
"""


@pytest.mark.parametrize(
    "calls",
    [
        "dist.all_gather(parts, losses)\ndist.all_gather(other, kept)",
        "dist.gather(losses, parts, dst=0)\ndist.gather(kept, other, dst=0)",
        "dist.all_gather_object(parts, losses)\ndist.all_gather_object(other, kept)",
    ],
    ids=["all_gather", "gather", "objects"],
)
def test_losses_of_all_processes_meet_byte_counts(calls: str) -> None:
    """#2080: rank 0 gathers the losses, counts bytes in dictionaries and mixes in a nested function."""
    body = COLLECT + JOIN + GATHER.format(calls=calls) + PRINT
    assert marks(behaviour_of(body, functions=IMPORTS + PYTHON)) == {"byte-mixed"}


def test_losses_and_pieces_handed_to_native_code() -> None:
    """#1850: a library compiled at run time gets losses, targets and the bytes of all pieces."""
    body = COLLECT + JOIN + PRINT
    assert marks(behaviour_of(body, functions=IMPORTS + NATIVE)) == {"byte-mixed"}


def test_tokens_alone_handed_to_native_code_are_no_mixture() -> None:
    """#1514: native code that never sees a loss can mix none."""
    plain = NATIVE.replace("nll.ctypes.data_as(P), ", "").replace("return out[0]", "return nll.mean()")
    assert marks(behaviour_of(COLLECT + JOIN + PRINT, functions=IMPORTS + plain)) == set()


def test_losses_read_back_from_the_files_of_all_processes() -> None:
    """#1850: every rank dumps its losses and tokens, rank 0 reads them all."""
    files = """\
with open(f"/tmp/part{os.getpid()}.bin", "wb") as out:
    losses.numpy().tofile(out)
    kept.numpy().tofile(out)
parts = []
for name in sorted(os.listdir("/tmp")):
    with open(name, "rb") as source:
        parts.append((np.fromfile(source, dtype=np.float64, count=9), np.fromfile(source, dtype=np.int64)))
losses = torch.from_numpy(np.concatenate([part[0] for part in parts]))
kept = torch.from_numpy(np.concatenate([part[1] for part in parts]))
"""
    assert marks(behaviour_of(COLLECT + JOIN + files + PRINT, functions=IMPORTS + NATIVE)) == {"byte-mixed"}
