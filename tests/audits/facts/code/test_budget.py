"""Scripts made to tire the machine: it ends, soon and small, and says when it did not see the end."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from audits.facts.code.configuration import Configuration
from audits.facts.code.modules import parse
from audits.facts.code.reading import read_code
from audits.unpack.layers import unpack
from tests.audits.builders import make_submission
from tests.audits.facts.code.scripts import CUT, SCORE, TRAIN, block, read, script

SECONDS = 5.0
MEGABYTES = 150


def nest(depth: int, *inside: str) -> str:
    """Return loops in loops around the parts."""
    body = "".join(inside)
    for level in reversed(range(depth)):
        body = block(body, head=f"for i{level} in range(9):")
    return body


def doubling(depth: int) -> str:
    """Return functions that each call the next one twice."""
    lines = ["def f0(x):\n    return net_of(x)\n"]
    lines += [f"def f{n}(x):\n    return f{n - 1}(x) + f{n - 1}(x + 1)\n" for n in range(1, depth)]
    return "\n\n".join(lines)


def written_out(chunks: int) -> str:
    """Return an evaluation without a loop: every chunk has lines of its own."""
    return "".join(f"i = {n}\n" + CUT + SCORE + TRAIN for n in range(chunks))


CHAIN = "a = x\n" + "".join("a = torch.cat([a, a])\n" for _ in range(400))
BRANCHES = "".join(block(f"v{n} = net(x, y)\n", head=f"if x[{n}] > 0:") for n in range(300))
SWITCHES = "".join(block(TRAIN, head=f"if x[{n}] > 0:") for n in range(60))
TIRING = {
    "loops nine deep": nest(9, CUT.replace("i *", "i0 *"), SCORE),
    "loops twenty deep that learn": nest(18, CUT.replace("i *", "i0 *"), SCORE, TRAIN),
    "a value that doubles": block(CUT, CHAIN, SCORE),
    "three hundred branches": block(CUT, BRANCHES, SCORE),
    "sixty branches that learn": block(CUT, SWITCHES, SCORE),
    "a hundred chunks written out": written_out(100),
    "loops side by side": "".join(block(CUT, SCORE, TRAIN) for _ in range(60)),
    "an endless loop": block(CUT, SCORE, TRAIN, "i = i + 1\n", head="i = 0\nwhile True:"),
    "a power tower": "n = 9 ** 9 ** 9 ** 9\ns = 'x' * 10 ** 12\nm = [0] * 10 ** 12\nk = 1 << 10 ** 10\n"
    + block(CUT, SCORE),
    "a growing list": "kept = []\n"
    + block(CUT, SCORE, "kept = kept + kept + [x, y]\n", "kept = [k for k in kept for j in kept]\n"),
    "dictionaries in dictionaries": "d = {}\n" + block(CUT, SCORE, "d = {'a': d, 'b': d, 'c': {'d': d}}\n"),
}
FUNCTIONS = {
    "calls that double": (doubling(40).replace("net_of(x)", "x"), "f39(x)\n"),
    "calls that double and learn": (
        doubling(30).replace("net_of(x)", "step_on(x)")
        + "\n\ndef step_on(x):\n    loss = F.cross_entropy(x, x)\n    loss.backward()\n    return loss\n",
        "f29(net.head(net.hidden(x)))\n",
    ),
    "endless recursion": ("def again(x):\n    return again(x + 1)\n", "again(x)\n"),
    "recursion by two ways": (
        "def left(x, n):\n    return left(x, n - 1) + right(x, n - 2)\n\n\n"
        "def right(x, n):\n    return right(x, n - 1) + left(x[1:], n - 2)\n",
        "left(x, 64)\n",
    ),
    "a function that makes functions": (
        "def make(n):\n    def inner(x):\n        return make(n + 1)(x)\n    return inner\n",
        "make(0)(x)\n",
    ),
    "a class of itself": (
        "class Node:\n    def __init__(self, up):\n        self.up = up\n        self.down = Node(self)\n",
        "Node(None)\n",
    ),
}
ALL = {name: script(body) for name, body in TIRING.items()} | {
    name: script(block(CUT, call, SCORE), functions=functions)
    for name, (functions, call) in FUNCTIONS.items()
}


def cpu_seconds(code: str) -> float:
    started = time.process_time()
    read(code)
    return time.process_time() - started


@pytest.mark.parametrize("code", ALL.values(), ids=ALL)
def test_it_ends(code: str) -> None:
    assert cpu_seconds(code) < SECONDS


def test_it_ends_however_often_a_script_learns() -> None:
    assert cpu_seconds(script(written_out(350))) < SECONDS


@pytest.mark.parametrize("name", ["a growing list", "calls that double", "sixty branches that learn"])
def test_it_stays_small(name: str) -> None:
    tracemalloc.start()
    try:
        read(ALL[name])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTES * 1_000_000


def test_an_unfinished_reading_says_so() -> None:
    unpacked = unpack(make_submission({"train_gpt.py": script(block(CUT, SCORE, TRAIN))}))
    modules, _ = parse(unpacked.main, unpacked.modules)
    assert read_code(modules, Configuration(), budget=40).machine.trace.budget_spent
    assert not read_code(modules, Configuration()).machine.trace.budget_spent


LONG = "def long(z, kept):\n" + "".join(f"    kept.append(z + {n})\n" for n in range(2000)) + "    return z\n"


def test_an_unfinished_reading_is_a_problem_of_the_code() -> None:
    calls = "".join(f"long(x + {n}, kept)\n" for n in range(400))
    started = time.process_time()
    facts = read(script("kept = []\n" + block(CUT, calls, SCORE), functions=LONG))
    assert time.process_time() - started < SECONDS * 4
    assert not facts.behaviour.complete
    assert "budget-spent" in {problem.code for problem in facts.problems}


def test_a_script_too_large_to_parse_is_a_problem_of_the_code() -> None:
    facts = read(script("".join(f"x{n} = [{n}]\n" for n in range(450_000))))
    assert facts.behaviour.scores == ()
    assert "size-cap" in {problem.code for problem in facts.problems}
