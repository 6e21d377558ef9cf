"""Which record folders are near-identical, so that one ruling or one review can serve them all.

Two scripts are near-identical when at least nine tenths of their distinct lines are the same, estimated with
MinHash. A few lines can make a legal entry illegal, so a cluster also has one verdict on legality and one set
of patterns. The first entry of a cluster names it, and later ones are compared with that one only: a long
chain of small edits does not end up in the cluster it started from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datasketch import MinHash

    from audits.facts import Facts
    from harness.sweep.records import Where

SIMILARITY = 0.9
_PERMUTATIONS = 128
_SEED = 1
_SCHEME: Literal["affine32"] = "affine32"
"""How datasketch permutes; sketches of different schemes cannot be compared."""
_MAX_LINES = 50_000


@dataclass(frozen=True, slots=True)
class Sketch:
    """What of one entry decides its cluster."""

    where: Where
    """Pull request and position of the folder in it."""
    kind: str
    """Verdict on legality and patterns: entries that differ here are never in one cluster."""
    hashes: bytes
    """MinHash of the distinct lines of the script."""


def sketch_of(facts: Facts) -> bytes | None:
    """Return the MinHash of the distinct lines of the unpacked main script, None when there is no script."""
    return _sketch(facts.code.main.source) if facts.code.main is not None else None


@lru_cache(maxsize=1)
def _sketch(source: str) -> bytes | None:
    lines = source.splitlines()[:_MAX_LINES]
    distinct = {line.strip().encode("utf-8", "surrogatepass") for line in lines} - {b""}
    if not distinct:
        return None
    from datasketch import MinHash

    sketch = MinHash(num_perm=_PERMUTATIONS, seed=_SEED, scheme=_SCHEME)
    sketch.update_batch(sorted(distinct))
    return bytes(sketch.hashvalues.astype("<u4").tobytes())


def name_clusters(sketches: Iterable[Sketch]) -> dict[Where, str]:
    """Return the cluster of each entry, given their sketches in order of place."""
    kinds: dict[str, _Leaders] = {}
    names: dict[Where, str] = {}
    for sketch in sketches:
        leaders = kinds.setdefault(sketch.kind, _Leaders())
        names[sketch.where] = leaders.place(sketch)
    return names


class _Leaders:
    """The first entries of the clusters of one kind."""

    def __init__(self) -> None:
        from datasketch import MinHashLSH

        self.known: dict[str, MinHash] = {}
        self.names: dict[bytes, str] = {}
        # The index proposes candidates; a low threshold makes it miss almost none, and the sketches decide.
        self.index = MinHashLSH(num_perm=_PERMUTATIONS, params=_bands())

    def place(self, sketch: Sketch) -> str:
        """Return the cluster of an entry, its own when it is like no leader."""
        if sketch.hashes in self.names:
            return self.names[sketch.hashes]
        restored = _restore(sketch.hashes)
        name = _nearest(restored, self.index.query(restored), self.known)
        if name is None:
            name = f"{sketch.where[0]}/{sketch.where[1]}"
            self.known[name] = restored
            self.index.insert(name, restored)
        self.names[sketch.hashes] = name
        return name


@cache
def _bands() -> tuple[int, int]:
    """Return bands and rows of an index; finding them takes longer than to fill hundreds of indexes."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=SIMILARITY - 0.15, num_perm=_PERMUTATIONS)
    return index.b, index.r


def _nearest(sketch: MinHash, candidates: Iterable[str], leaders: dict[str, MinHash]) -> str | None:
    """Return the earliest leader among the most similar ones, None when none is similar enough."""
    rated = [(sketch.jaccard(leaders[name]), name) for name in candidates]
    alike = [(-share, *_place(name), name) for share, name in rated if share >= SIMILARITY]
    return min(alike)[-1] if alike else None


def _place(name: str) -> Where:
    pr, position = name.split("/")
    return int(pr), int(position)


def _restore(data: bytes) -> MinHash:
    import numpy as np
    from datasketch import MinHash

    values = np.frombuffer(data, dtype="<u4")
    return MinHash(num_perm=_PERMUTATIONS, seed=_SEED, scheme=_SCHEME, hashvalues=values)
