"""Builders in every shape are followed to the same numbers; those that mean something else are told apart."""

from __future__ import annotations

import ast

import pytest

from audits.example_bytes import CANONICAL, EVALUATE, MARKER, changed, script
from audits.facts.byte_table import ByteDefect, ByteTableFacts, SpaceRule, TableSource, read_byte_table
from audits.facts.byte_table.operations import apply
from audits.facts.byte_table.values import Opaque, Table
from audits.facts.byte_table.vocabulary import SIZE
from audits.facts.code.modules import ParsedModule
from audits.facts.layer import Layer

COMPREHENSION = f"""\
def size_of(sp, token):
    if sp.is_control(token) or sp.is_unknown(token) or sp.is_unused(token):
        return 0
    return 1 if sp.is_byte(token) else len(sp.id_to_piece(token).removeprefix("{MARKER}").encode())


def build_luts(sp, vocab_size, device):
    every = range(sp.vocab_size())
    base = torch.tensor([size_of(sp, token) for token in every])
    lead = torch.tensor([sp.id_to_piece(token).startswith("{MARKER}") for token in every])
    special = [sp.is_control(token) or sp.is_unknown(token) or sp.is_unused(token) for token in every]
    return base, lead, torch.tensor(special)
"""
VECTORISED = f"""\
def build_luts(sp, vocab_size, device):
    pieces = [sp.id_to_piece(token) for token in range(sp.vocab_size())]
    every = range(sp.vocab_size())
    special = np.array([sp.is_control(t) or sp.is_unknown(t) or sp.is_unused(t) for t in every])
    byte = np.array([sp.is_byte(t) for t in every])
    lead = np.array([piece.startswith("{MARKER}") for piece in pieces])
    length = np.array([len(piece.encode("utf-8")) for piece in pieces])
    base = np.where(special, 0, np.where(byte, 1, length - 3 * lead))
    return torch.from_numpy(base), torch.from_numpy(lead), torch.from_numpy(special)
"""
OBJECT = """\
class Tables:
    def __init__(self, sp, size, device):
        self.base, self.lead, self.boundary = build_luts(sp, size, device)


def evaluate(model, tokens, tables):
    prev, target = tokens[:-1], tokens[1:]
    first = tables.lead[target]
    start = tables.boundary[prev]
    total = (tables.base[target] + (first & ~start)).sum()
    return model(prev, target) / math.log(2.0) / total


tables = Tables(spm.SentencePieceProcessor("t.model"), 1024, "cpu")
print("val_bpb", evaluate(torch.jit.load("m.pt"), torch.arange(9), tables))
"""
RECORD = """\
@dataclass(frozen=True)
class Tables:
    base: torch.Tensor
    lead: torch.Tensor
    boundary: torch.Tensor

    def count(self, prev, target):
        spaces = self.lead[target] & ~self.boundary[prev]
        return int((self.base[target] + spaces).sum())


def make_tables(sp, size, device):
    base, lead, boundary = build_luts(sp, size, device)
    return Tables(base, lead, boundary=boundary)


class Totals:
    def __init__(self, tables):
        self.tables = tables

    def add(self, nats, prev, target):
        return nats / math.log(2.0) / self.tables.count(prev, target)


tokens = torch.arange(9)
totals = Totals(make_tables(spm.SentencePieceProcessor("t.model"), 1024, "cpu"))
print("val_bpb", totals.add(torch.jit.load("m.pt")(tokens), tokens[:-1], tokens[1:]))
"""
PLAIN_LOOP = """\
def evaluate(model, tokens, base, lead, boundary):
    total = 0
    for i in range(1, len(tokens)):
        total += int(base[tokens[i]])
        if lead[tokens[i]] and not boundary[tokens[i - 1]]:
            total += 1
    return model(tokens) / math.log(2.0) / total
"""
HELPER = """\
def space(flags, stops, here, before):
    return torch.logical_and(flags[here], torch.logical_not(stops[before]))


def evaluate(model, tokens, base, lead, boundary):
    prev, target = tokens[:-1], tokens[1:]
    total = (base.gather(0, target) + space(lead, boundary, target, prev)).sum()
    return model(prev, target) / math.log(2.0) / total
"""


def read(code: str) -> ByteTableFacts:
    return read_byte_table((ParsedModule(Layer("train_gpt.py", 0, code), ast.parse(code), True),))


@pytest.mark.parametrize(
    "code",
    [
        script(),
        script(COMPREHENSION),
        script(VECTORISED),
        script(main=OBJECT),
        script(main=RECORD),
        script(evaluate=PLAIN_LOOP),
        script(evaluate=HELPER),
        script(changed('piece.encode("utf-8")', 'bytes(piece, "utf-8")')),
        script(changed(f'piece.startswith("{MARKER}")', f'piece[:1] == "{MARKER}"')),
        "size = len\nupto = range\n" + script(changed("range(", "upto(", changed("= len(", "= size("))),
        script(main="luts = build_luts(spm.SentencePieceProcessor(), 9, 0)\nprint(evaluate(0, 0, *luts))\n"),
    ],
    ids=[
        "loop", "comprehension", "vectorised", "object", "record", "token by token", "helper", "bytes()",
        "first letter", "renamed builtins", "spread",
    ],
)  # fmt: skip
def test_canonical_in_other_words(code: str) -> None:
    seen = read(code)
    assert not seen.problems
    used = [use for use in seen.uses if use.tables[0].source is TableSource.COMPUTED]
    assert used
    assert {use.space for use in used} == {SpaceRule.GUARDED}
    assert not any(use.defects for use in used), used


@pytest.mark.parametrize(
    ("code", "defect"),
    [
        (script(changed("sp.is_control(token) or ", "")), ByteDefect.SPECIAL_COUNTED),
        (script(changed(" or sp.is_unused(token)", "")), ByteDefect.UNUSED_COUNTED),
        (script(changed(MARKER, "_")), ByteDefect.SPACE_MARKER_AS_BYTES),
        (script(changed('len(piece.encode("utf-8"))', "len(piece)")), ByteDefect.CHARACTERS),
        (script(changed("base[token] = 1", "base[token] = 6")), ByteDefect.BYTE_PIECE_SIZE),
        (
            script(changed("            piece = piece[1:]", '            piece = " " + piece[1:]')),
            ByteDefect.SPACE_COUNTED_TWICE,
        ),
    ],
    ids=lambda value: value.value if isinstance(value, ByteDefect) else "",
)
def test_departures(code: str, defect: ByteDefect) -> None:
    assert defect in read(code).uses[0].defects


def test_numbers_are_those_of_the_builder() -> None:
    (table,) = read(script()).tables
    assert dict(table.counts) == {
        "<pad>": "0", "<s>": "0", "</s>": "0", "<unk>": "0", "<0x0A>": "1", "<0xE2>": "1", "\u2581the": "3",
        "ing": "3", "\u00e9": "2", "\u2581n\u00e9": "3", "?a": "2", "unused": "0",
    }  # fmt: skip


def test_flags_without_bytes_are_no_byte_table() -> None:
    flags = f"""\
def starts_word(sp):
    return np.array([sp.id_to_piece(t).startswith("{MARKER}") for t in range(sp.vocab_size())])


print(starts_word(spm.SentencePieceProcessor("t.model"))[np.arange(4)])
"""
    seen = read(f"import numpy as np\nimport sentencepiece as spm\n{flags}")
    assert not seen.tables
    assert not seen.uses


def test_a_wrong_table_that_nothing_calls_is_not_reached() -> None:
    unused = changed("def evaluate", "def old_evaluate", EVALUATE)
    code = script(
        CANONICAL + "\n\n" + changed("def build_luts", "def old_luts", changed("= 1", "= 6")), EVALUATE
    )
    code += f"\n\n{unused}\n\ndef old():\n    return old_evaluate(0, 0, *old_luts(0, 0, 0))\n"
    wrong = [use for use in read(code).uses if use.defects]
    assert wrong
    assert all(use.reached is False for use in wrong)


@pytest.mark.parametrize(
    "builder",
    [
        "def f(sp):\n    return [len(sp.id_to_piece(i) * 10**9) for i in range(10**9)]",
        "def f(sp):\n    x = [0]\n    while True:\n        x = x * 2\n        sp.id_to_piece(0)",
        "def f(sp):\n    return f(sp) + sp.id_to_piece(f(sp))",
        "def f(sp):\n    return bytes(10**12) + sp.id_to_piece(0).encode()",
        "def f(sp):\n    return sp.id_to_piece(0)" + "[1:]" * 300,
    ],
    ids=["long text", "endless loop", "recursion", "big bytes", "deep slices"],
)
def test_hostile_builders_are_bounded(builder: str) -> None:
    assert not read(f"{builder}\n\n\nprint(f(0))\n").uses


@pytest.mark.parametrize("cell", ["1e999", "-1e999", "1e999 - 1e999"])
def test_a_cell_that_is_no_number_has_no_size(cell: str) -> None:
    facts = read(script(changed("base[token] = 1", f"base[token] = {cell}")))
    assert facts.tables != read(script()).tables


def test_a_table_in_its_own_cell_is_unknown() -> None:
    table = Table([0] * SIZE, 1)
    table.cells[0] = table
    result = apply(lambda cell: cell, table)
    assert isinstance(result, Table)
    assert isinstance(result.cells[0], Opaque)
    assert result.cells[1] == 0
