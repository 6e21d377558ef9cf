"""How many validation tokens are left when the scoring begins."""

from __future__ import annotations

import pytest

from tests.audits.facts.code.scripts import CUT, SCORE, block, read, script

KEPT = {
    "a constant (#1358)": "tokens = tokens[:50001]\n",
    "a setting": 'tokens = tokens[: int(os.environ.get("ANY", "50000")) + 1]\n',
    "at most (#342)": "tokens = tokens[: (min(len(tokens), 50000) - 1) // L * L + 1]\n",
}
WHOLE = {
    "whole sequences": "tokens = tokens[: (tokens.numel() - 1) // L * L + 1]\n",
    "all but the last": "tokens = tokens[:-1]\n",
    "a limit that is off": 'if int(os.environ.get("ANY", "0")) > 0:\n    tokens = tokens[:50001]\n',
    "a few for something else": "first = tokens[:2048]\nprint(first)\n",
}


@pytest.mark.parametrize("steps", KEPT.values(), ids=KEPT)
def test_a_constant_number_is_kept(steps: str) -> None:
    cut = read(script(block(CUT, SCORE), steps=steps)).behaviour.cut
    assert cut is not None
    assert cut.tokens in (50_000, 50_001)


@pytest.mark.parametrize("steps", WHOLE.values(), ids=WHOLE)
def test_the_whole_split_is_scored(steps: str) -> None:
    found = read(script(block(CUT, SCORE), steps=steps)).behaviour
    assert found.scores
    assert found.cut is None


def test_one_score_of_the_whole_split_is_enough() -> None:
    """A run may look at a few tokens between steps and at all of them at the end."""
    steps = 'print(f"val_bpb:{evaluate(net, tokens[:4097], table):.4f}")\n'
    assert read(script(block(CUT, SCORE), steps=steps)).behaviour.cut is None
