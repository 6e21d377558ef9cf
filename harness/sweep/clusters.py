"""Which record folders are near-identical, so that one ruling or one review can serve them all.

Two scripts are near-identical when at least nine tenths of their distinct lines are the same, estimated with
MinHash. The first entry of a cluster names it, and later ones are compared with that one only: a long chain
of small edits does not end up in the cluster it started from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datasketch import MinHash

    from audits.facts import Facts

SIMILARITY = 0.9
_PERMUTATIONS = 128
_SEED = 1
_SCHEME: Literal["affine32"] = "affine32"
"""How datasketch permutes; sketches of different schemes cannot be compared."""
_MAX_LINES = 50_000

Where = tuple[int, int]


def sketch_of(facts: Facts) -> bytes | None:
    """Return the MinHash of the distinct lines of the unpacked main script, None when there is no script."""
    if facts.code.main is None:
        return None
    lines = facts.code.main.source.splitlines()[:_MAX_LINES]
    distinct = {line.strip().encode("utf-8", "surrogatepass") for line in lines} - {b""}
    if not distinct:
        return None
    from datasketch import MinHash

    sketch = MinHash(num_perm=_PERMUTATIONS, seed=_SEED, scheme=_SCHEME)
    sketch.update_batch(sorted(distinct))
    return bytes(sketch.hashvalues.astype("<u4").tobytes())


def name_clusters(sketches: Iterable[tuple[Where, str, bytes]]) -> dict[Where, str]:
    """Return the cluster of each entry, given place, script blob and sketch in order of place."""
    from datasketch import MinHashLSH

    leaders: dict[str, MinHash] = {}
    # The index proposes candidates; a low threshold makes it miss almost none, and the sketches decide.
    index = MinHashLSH(threshold=SIMILARITY - 0.15, num_perm=_PERMUTATIONS)
    by_blob: dict[str, str] = {}
    names: dict[Where, str] = {}
    for where, blob, data in sketches:
        name = by_blob.get(blob)
        if name is None:
            sketch = _restore(data)
            name = _nearest(sketch, index.query(sketch), leaders)
            if name is None:
                name = f"{where[0]}/{where[1]}"
                leaders[name] = sketch
                index.insert(name, sketch)
            by_blob[blob] = name
        names[where] = name
    return names


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
