"""Memory that runs out is told from a payload or a source that cannot be read."""

from __future__ import annotations

import base64
import bz2
import gc
import lzma
import multiprocessing
import resource
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import brotli
import pytest
import zstandard

from audits.unpack import unpack
from audits.unpack.memory import TREE_CAP, demand, parse_text
from audits.unpack.newer_syntax import downgrade
from harness.sweep.containment import limit_memory
from tests.audits.builders import make_submission

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

MEGABYTE = 1024 * 1024
TEXT = b"print('legal')\n" * 200
PACK: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "lzma": lzma.compress,
    "brotli": brotli.compress,
    "zstandard": zstandard.compress,
}


def packed(codec: str, data: bytes) -> str:
    text = base64.b85encode(data).decode()
    return f"import {codec}, base64\nexec({codec}.decompress(base64.b85decode({text!r})))\n"


def _answer(script: str, spare_megabytes: int | None, answer: Connection) -> None:
    submission = make_submission({"train_gpt.py": script})
    unpack(make_submission({"train_gpt.py": packed("zlib", zlib.compress(b"import a\n"))}))
    if spare_megabytes is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + spare_megabytes * MEGABYTE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    gc.disable()
    try:
        unpacked = unpack(submission)
    except MemoryError:
        answer.send("out of memory")
    else:
        answer.send(unpacked.problems[0].code if unpacked.problems else len(unpacked.layers))


def answer_of(script: str, spare_megabytes: int | None) -> object:
    """Unpack in a process of its own, with so much memory left."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(script, spare_megabytes, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(60) else "no answer"
    finally:
        process.join(10)


@pytest.mark.parametrize("codec", sorted(PACK))
def test_a_payload_that_cannot_be_decoded_for_want_of_memory_is_not_called_broken(codec: str) -> None:
    broken = b"\xff\xff" + PACK[codec](TEXT)[2:]
    assert answer_of(packed(codec, broken), None) == "undecoded-payload"
    assert answer_of(packed(codec, broken), 100) == "out of memory"


def test_a_decoder_that_runs_out_of_memory_says_so() -> None:
    noisy = lzma.compress(TEXT, preset=9)
    assert answer_of(packed("lzma", noisy), None) == 2
    assert answer_of(packed("lzma", noisy), 24) == "out of memory"


def test_a_bomb_is_too_large_however_little_memory_is_left() -> None:
    bomb = packed("zlib", zlib.compress(bytes(64 * MEGABYTE), 9))
    assert answer_of(bomb, None) == "size-cap"
    assert answer_of(bomb, 60) == "size-cap"


@pytest.mark.parametrize("source", ["-" * 20_000 + "1", "x" + "**x" * 20_000, "not " * 20_000 + "a"])
def test_nesting_beyond_the_parser_is_the_fault_of_the_source(source: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        parse_text(source)


def _rewrite_twice(spare_megabytes: int, answer: Connection) -> None:
    source = 'd = {"k": 1}\nr = f"{d["k"]}"\n'
    limit_memory(spare_megabytes)
    try:
        answer.send([downgrade(source) is not None for _ in range(3)])
    except MemoryError:
        answer.send("out of memory")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads newer f-strings itself")
@pytest.mark.parametrize(("spare", "expected"), [(400, [True] * 3), (100, "out of memory")])
def test_the_stack_of_a_thread_need_not_be_there_twice(spare: int, expected: object) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_rewrite_twice, args=(spare, theirs))
    process.start()
    theirs.close()
    assert (ours.recv() if ours.poll(60) else "no answer") == expected
    process.join(10)


def test_memory_that_is_not_there_is_missed() -> None:
    demand(TREE_CAP)
    with pytest.raises(MemoryError):
        demand(1 << 60)
