"""Which axis a public statement is about, told from its tags.

The tags are the words of those who spoke, so they are read word by word. Words that say how something was
built or reviewed concern no axis; a statement of such words alone is held against the worst of three axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FALLBACK = ("legality", "metric", "limits")

# In order: a tag belongs to the first axis that one of its words names (`non-record-artifact` speaks of the
# record, `train-over-600s` of a limit and not of training).
_WORDS = {
    "record": frozenset({"record", "seeds", "leaderboard"}),
    "claims": frozenset({"irreproducible", "evidence", "mismatch"}),
    "limits": frozenset({"600s", "cap", "size", "time", "seconds", "over", "artifact"}),
    "metric": frozenset({"tokenizer", "bytes", "caseops", "casefold", "partial", "bpb"}),
    "legality": frozenset(
        "ttt dttt slot ngram val validation mixer mixture ctw dirichlet unnormalized unnormalised rescore"
        " leak neural prefix hint entropy expert c1 c2 c3 c4 overlap noncausal calib".split()
    ),
    "package": frozenset({"import", "syntax"}),
}


def axis_of_tag(tag: str) -> str | None:
    """Return the axis that one tag is about, None when it names none."""
    words = frozenset(tag.lower().split("-"))
    return next((axis for axis, known in _WORDS.items() if words & known), None)


def axes_of(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the axes that a statement is about, empty when no tag names one."""
    found = (axis_of_tag(tag) for tag in tags)
    return tuple(dict.fromkeys(axis for axis in found if axis is not None))
