"""Valid Python of every shape, and texts of every kind where a README, a log or a claim is expected."""

from __future__ import annotations

import random
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.checking import check
from tests.fuzz.seeds import folders

pytestmark = pytest.mark.fuzz
BATCH = settings(
    max_examples=10,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
"""Small batches under ever new seeds: time, not number, ends the fuzzing."""


def run(strategy: Any, body: Any, seconds: float) -> int:
    """Draw examples until the time is over; returns how many were tried."""
    deadline = time.monotonic() + seconds
    first = random.SystemRandom().randrange(2**32)
    tried = 0

    def each(value: Any) -> None:
        nonlocal tried
        tried += 1
        with tempfile.TemporaryDirectory() as place:
            body(value, Path(place))

    batch = 0
    while batch == 0 or time.monotonic() < deadline:
        seed(first + batch)(BATCH(given(strategy)(each)))()
        batch += 1
    return tried


def test_generated_programs_are_answered(seconds_a_part: float) -> None:
    hypothesmith = pytest.importorskip("hypothesmith")
    host = next(files for name, files in folders() if "train_gpt.py" in files)["train_gpt.py"].decode()

    def body(text: str, place: Path) -> None:
        for script in (text, f"{host}\n{text}"):
            check(
                {"train_gpt.py": script.encode("utf-8", "surrogatepass")},
                place / str(len(script)),
                "generated",
            )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert run(hypothesmith.from_grammar(), body, seconds_a_part) > 0


def test_generated_texts_are_answered(seconds_a_part: float) -> None:
    json = st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=40),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    )
    keys = st.sampled_from(["val_bpb", "seeds", "seed_results", "bytes_total", "name", "track", "val_loss"])
    claims = st.dictionaries(keys, json, max_size=6)
    words = st.sampled_from(
        [
            "val_bpb:",
            "step:",
            "/",
            "val_loss:",
            "Total submission size",
            "bytes",
            "seed:",
            "```bash",
            "torchrun",
            "|",
            "=" * 90,
        ]
    )
    log = st.lists(words | st.text(max_size=30) | st.floats().map(str), max_size=60).map(" \n".join)

    def body(drawn: tuple[dict[str, Any], str, str], place: Path) -> None:
        import json as codec

        claim, text, readme = drawn
        files = {
            "train_gpt.py": b"print('val_bpb')\n",
            "submission.json": codec.dumps(claim).encode("utf-8", "surrogatepass"),
            "train.log": text.encode("utf-8", "surrogatepass"),
            "README.md": readme.encode("utf-8", "surrogatepass"),
        }
        check(files, place, "generated texts")

    assert run(st.tuples(claims, log, log), body, seconds_a_part) > 0
