"""Windows of one loop that reach into those of the next pass."""

from __future__ import annotations

from textwrap import indent

import pytest

from audits.rules.adaptation_order_unproven import legal_patterns
from tests.audits.facts.code.scripts import SCORE, TRAIN, behaviour_of, breaches

WHILE = """\
w = 0
while w + L <= n:
    x, y = tokens[w : w + L], tokens[w + 1 : w + L + 1]
{body}
    w += {step}
"""
FOR = """\
for w in range(0, n, {step}):
    x, y = tokens[w : w + L], tokens[1 + w : w + 1 + L]
{body}
"""
LAST = """\
with torch.no_grad():
    loss = F.cross_entropy(net.head(net.hidden(x)), y, reduction="none")
    total += loss[-512:].sum().item()
    size += table[y].sum().item()
"""


def windows(loop: str, step: str, *parts: str) -> str:
    """Return a loop that does all parts to one window after the other."""
    return loop.format(step=step, body=indent("".join(parts), "    "))


@pytest.mark.parametrize("loop", [WHILE, FOR])
def test_windows_scored_whole(loop: str) -> None:
    """#1358: half of each window was in the one before, and that was learned from."""
    seen = behaviour_of(windows(loop, "512", SCORE, TRAIN))
    assert breaches(seen) == {"other:overlap-rescore"}
    assert legal_patterns(seen) == ()
    assert breaches(behaviour_of(windows(loop, "512", TRAIN, SCORE))) == {"train-on-val"}
    assert behaviour_of(windows(loop, "512", SCORE)).exposures == ()


@pytest.mark.parametrize("loop", [WHILE, FOR])
@pytest.mark.parametrize("step", ["L", "1024", "n // 3"])
def test_windows_that_touch_or_are_not_known_to_overlap(loop: str, step: str) -> None:
    seen = behaviour_of(windows(loop, step, SCORE, TRAIN))
    assert seen.exposures == ()
    assert seen.adaptations


@pytest.mark.parametrize("loop", [WHILE, FOR])
def test_windows_of_which_the_new_part_counts(loop: str) -> None:
    """The usual sliding window: only what no earlier window held is added up."""
    seen = behaviour_of(windows(loop, "512", LAST, TRAIN))
    assert seen.exposures == ()
    assert seen.adaptations
