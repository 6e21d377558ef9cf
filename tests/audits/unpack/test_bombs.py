"""Payloads made to exhaust memory or time end in a problem, quickly."""

from __future__ import annotations

import base64
import bz2
import lzma
import random
import time
import zlib

import brotli
import pytest
import zstandard

from audits.unpack import unpack
from tests.audits.builders import make_submission

HUGE = bytes(64 * 1024 * 1024)
SQUEEZED = {
    "zlib": zlib.compress(HUGE, 9),
    "bz2": bz2.compress(HUGE),
    "lzma": lzma.compress(HUGE),
    "brotli": brotli.compress(HUGE, quality=5),
    "zstandard": zstandard.compress(HUGE),
}


def audit_time(script: str):
    start = time.perf_counter()
    unpacked = unpack(make_submission({"train_gpt.py": script}))
    return unpacked, time.perf_counter() - start


@pytest.mark.parametrize("codec", sorted(SQUEEZED))
def test_decompression_bomb(codec):
    text = base64.b85encode(SQUEEZED[codec]).decode()
    unpacked, seconds = audit_time(
        f"import {codec},base64\nexec({codec}.decompress(base64.b85decode({text!r})))\n"
    )
    assert [problem.code for problem in unpacked.problems] in (["ratio-cap"], ["size-cap"])
    assert unpacked.problems[0].location.start_line == 2
    assert len(unpacked.layers) == 1
    assert seconds < 3


def test_payload_larger_than_a_layer_may_be():
    noise = random.Random(7).randbytes(60_000)
    text = base64.b64encode(lzma.compress(noise * 160)).decode()
    unpacked, _ = audit_time(f'import lzma,base64\nexec(lzma.decompress(base64.b64decode("{text}")))\n')
    assert [problem.code for problem in unpacked.problems] == ["size-cap"]


HOSTILE = {
    "string-repetition": 'x = "ab" * 10**9\nexec(x * 1000)\n',
    "replacement-growth": 'x = "a"\n' + 'x = x.replace("a", "a" * 1000)\n' * 20 + "exec(x)\n",
    "doubling": 'x = "a = 1\\n"\n' + "x = x + x\n" * 60 + "exec(x)\n",
    "endless-recursion": "def f(x):\n    return f(x + 'a')\nexec(f('b'))\n",
    "wide-recursion": "def f(x):\n    exec(x)\n    f(x); f(x); f(x)\n    return x\nexec(f('b'))\n",
    "nested-loops": "for a in range(4000):\n for b in range(4000):\n  for c in range(4000):\n   exec('d')\n",
    "big-split": 'exec("".join(("a," * 100).split(",") * 10**8))\n',
    "long-sum": "exec(" + "+".join(['"a"'] * 4000) + ")\n",
    "deep-brackets": "exec(" + "(" * 150 + '"a=1"' + ")" * 150 + ")\n",
    "deep-unary": "exec(" + "-" * 20_000 + "1)\n",
    "deep-attributes": "exec(a" + ".b" * 20_000 + ")\n",
    "wide-format": 'exec("%999999999s" % "a")\nexec(f"{1:999999999}")\nexec("{:999999999}".format(1))\n',
    "self-exec": "exec(open(__file__).read())\n",
    "quotes": "exec(" + "'\"" * 50_000,
    "nul": "exec('a')\0\n",
    "big-dict": "d = {i: 'x' for i in range(10**9)}\nexec(d[3])\n",
    "power": "exec('a' * 9 ** 9 ** 9)\n",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_arithmetic_stays_cheap(name):
    unpacked, seconds = audit_time(HOSTILE[name])
    assert unpacked.layers[0].source == HOSTILE[name]
    assert seconds < 3


def test_two_scripts_that_run_each_other():
    files = {"train_gpt.py": 'exec(open("b.py").read())\n', "b.py": 'exec(open("train_gpt.py").read())\n'}
    unpacked = unpack(make_submission(files))
    assert unpacked.main is not None


def test_one_line_of_five_megabytes():
    unpacked, seconds = audit_time("x = [" + "1," * 2_500_000 + "]\n")
    assert unpacked.main.index == 0
    assert seconds < 2
