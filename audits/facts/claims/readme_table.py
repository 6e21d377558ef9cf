"""Finds the markdown table of seeds in a README and reads its columns by their headings."""

from __future__ import annotations

import re
from statistics import fmean
from typing import NamedTuple

from audits.facts.claim import Claim
from audits.facts.claims.records import SeedClaim
from audits.location import Location

SAME_SHARE = 0.002
"""A mean this near to the headline is the headline, rounded."""
ROWS = 64
CELLS = 40
_NUMBER = re.compile(r"-?\d{1,3}(?:,\d{3})+|-?\d{1,15}(?:\.\d{1,15})?")
_SEED_CELL = re.compile(r"^\D{0,12}(\d{1,12})\b")
_RULE = re.compile(r"^[\s|:\-]+$")


class Columns(NamedTuple):
    """Which cell of a row holds what; -1 where there is none."""

    seed: int
    bpb: int
    loss: int
    size: int
    steps: int


def read_seed_rows(
    path: str, lines: list[str], headline: float | None = None
) -> tuple[tuple[SeedClaim, ...], Claim[float] | None, Claim[float] | None]:
    """Return the rows of the first table of seeds with its stated mean and standard deviation.

    Of several columns in bpb the one that averages to the headline holds the scores, whatever it is called.
    """
    columns: Columns | None = None
    rows: list[SeedClaim] = []
    mean: Claim[float] | None = None
    std: Claim[float] | None = None
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("|"):
            if rows:
                break
            columns = None
            continue
        cells = _cells(line)
        if columns is None:
            columns = _columns(cells)
            if headline is not None and columns.seed >= 0:
                columns = columns._replace(bpb=_averaging_to(headline, lines[number:], cells, columns))
            continue
        if _RULE.match(line) or columns.seed < 0 or columns.seed >= len(cells) or len(rows) >= ROWS:
            continue
        first = cells[columns.seed].lower()
        if "mean" in first or "avg" in first or "average" in first:
            mean = mean or _float(path, number, cells, columns.bpb)
        elif "std" in first or "dev" in first or "σ" in first:
            std = std or _float(path, number, cells, columns.bpb)
        else:
            row = _row(path, number, cells, columns)
            rows += [row] if row else []
    return tuple(rows), mean, std


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("*` ") for cell in line.strip().strip("|").split("|")[:CELLS]]


def _averaging_to(headline: float, lines: list[str], heading: list[str], columns: Columns) -> int:
    """Return the column in bpb whose rows average to the headline, else the one its heading told (#918)."""
    found: dict[int, list[float]] = {n: [] for n, cell in enumerate(heading) if "bpb" in cell.lower()}
    for line in lines[: ROWS + 1]:
        cells = _cells(line)
        if not line.lstrip().startswith("|"):
            break
        if columns.seed >= len(cells) or not _SEED_CELL.match(cells[columns.seed]):
            continue
        for n in found:
            match = _NUMBER.search(cells[n]) if n < len(cells) else None
            found[n] += [float(match.group().replace(",", ""))] if match else []
    near = {n: abs(fmean(values) - headline) for n, values in found.items() if values}
    best = min(near, key=lambda n: near[n], default=columns.bpb)
    return best if near and near[best] <= SAME_SHARE * headline else columns.bpb


def _columns(cells: list[str]) -> Columns:
    lower = [cell.lower() for cell in cells]
    return Columns(
        seed=_find(lower, r"^seeds?\b"),
        bpb=_score_column(lower),
        loss=_find(lower, r"val_loss|\bloss\b|\bnats\b"),
        size=_find(lower, r"artifact|bytes|size|total"),
        steps=_find(lower, r"^(?:training )?steps?$"),
    )


def _score_column(cells: list[str]) -> int:
    """Return the column of the scored number: the last one in bpb that is not a step on the way."""
    scored = [n for n, cell in enumerate(cells) if "bpb" in cell]
    final = [
        n
        for n in scored
        if not re.search(r"\bpre\b|pre-|gain|delta|Δ|\bvs\b|roundtrip|without|base|float", cells[n])
    ]
    adapted = [n for n in final if re.search(r"ttt|final|post|slot|submitted|\bscore", cells[n])]
    return (adapted or final or [-1])[-1]


def _find(cells: list[str], pattern: str) -> int:
    return next((n for n, cell in enumerate(cells) if re.search(pattern, cell)), -1)


def _row(path: str, number: int, cells: list[str], columns: Columns) -> SeedClaim | None:
    match = _SEED_CELL.match(cells[columns.seed])
    if not match:
        return None
    size = _float(path, number, cells, columns.size)
    steps = _float(path, number, cells, columns.steps)
    return SeedClaim(
        seed=int(match.group(1)),
        label=cells[columns.seed][:60],
        val_bpb=_float(path, number, cells, columns.bpb),
        val_loss=_float(path, number, cells, columns.loss),
        # Sizes in MB are too coarse to be compared byte by byte.
        bytes_total=_whole(size) if size and size.value >= 100_000 else None,
        steps=_whole(steps) if steps else None,
    )


def _whole(claim: Claim[float]) -> Claim[int]:
    return Claim(round(claim.value), claim.location, claim.text)


def _float(path: str, number: int, cells: list[str], column: int) -> Claim[float] | None:
    if not 0 <= column < len(cells):
        return None
    match = _NUMBER.search(cells[column])
    if not match:
        return None
    value = float(match.group().replace(",", ""))
    return Claim(value, Location(path, number, number), cells[column][:160])
