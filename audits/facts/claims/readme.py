"""Reads the numbers of a README: headline score, sizes, the table of seeds, predecessors, hardware."""

from __future__ import annotations

import re

from audits.facts.claim import Claim
from audits.facts.claims.absolute import Table, states_score
from audits.facts.claims.readme_table import read_seed_rows
from audits.facts.claims.records import Predecessor, ReadmeClaims
from audits.location import Location
from audits.submission import SourceFile, Submission

LINE_CAP = 4096
LINES = 5_000
TEXT_CAP = 300_000
"""Bytes read of a README, several times the longest one on the board."""
CLAIMS = 400
_BPB = re.compile(r"(?<![A-Za-z])bpb(?![a-z])", re.IGNORECASE)
_SCORE = re.compile(r"(?<![\d.,#+-])([0-3]\.\d{3,12})(?![\d.])")
_BYTES = re.compile(
    r"(?<![\d.,])(\d{1,3}(?:,\d{3}){1,3}|\d{5,12})(?![\d.,]\d)\s?(?:bytes|B\b)", re.IGNORECASE
)
_MEGABYTES = re.compile(r"(?<![\d.,])(\d{1,3}(?:\.\d{1,6})?)\s?(MB|MiB)\b")
_PR = re.compile(r"(?:PR\s*#?|pull/|#)(\d{2,5})\b", re.IGNORECASE)
_COMPARED = re.compile(
    r"\b(?:vs\.?|versus|base(?:line)?|beats?|over|sota|previous|prior|improv\w{1,8}|leaderboard|delta|predecessor)\b",
    re.IGNORECASE,
)
_STD = re.compile(r"(?:\bstd(?:dev)?\b|σ|±)\D{0,4}?(0?\.\d{2,9})", re.IGNORECASE)
_MEAN = re.compile(r"\bmean\b|\baverage\b|\bavg\b", re.IGNORECASE)
_UNLIMITED = re.compile(r"unlimited[- _]compute", re.IGNORECASE)
_NON_RECORD = re.compile(r"\bnon[-_ ]record\b", re.IGNORECASE)
_HARDWARE = re.compile(
    r"(?<![\w.])(\d{1,3}\s?[x×]\s?)?((?:NVIDIA\s)?(?:RTX\s?\d{4}|RTX\sA\d{4}|[HAB]\d{2,3}|GH200|L40S?|T4|V100|MI\d{3}X?)"
    r"|Apple\sM\d|M\d\s(?:Max|Pro|Ultra|Mac\w*)|TPU\s?v\d\w*)(?![\w])"
)
_PIP = re.compile(r"\bpip3?\s+install\s+(.{1,400})")
_PACKAGE = re.compile(r"^[A-Za-z][A-Za-z0-9._-]{0,60}")


def read_readme(submission: Submission, score: Claim[float] | None = None) -> ReadmeClaims:
    """Return the claims of the folder's README, or an empty record; `score` is submission.json's."""
    file = _find(submission)
    if file is None:
        return ReadmeClaims("README.md", present=False)
    text = file.data[:TEXT_CAP].decode("utf-8-sig", errors="replace")
    lines = [line[:LINE_CAP] for line in text.split("\n")[:LINES]]
    bpb = _scores(file.path, lines)
    headline = _stated(file.path, lines)
    if score is None and headline is not None and not headline.text.startswith("|"):
        score = headline
    rows, mean, std = read_seed_rows(file.path, lines, score.value if score else None)
    return ReadmeClaims(
        path=file.path,
        present=True,
        lines=len(lines),
        bpb=bpb,
        headline=headline,
        byte_counts=_byte_counts(file.path, lines),
        megabytes=_floats(file.path, lines, _MEGABYTES),
        seeds=rows,
        mean_bpb=mean or _mean(file.path, lines),
        std_bpb=std or next(iter(_floats(file.path, lines, _STD)), None),
        hardware=_hardware(file.path, lines),
        predecessors=_predecessors(lines),
        unlimited_compute=_first(file.path, lines, _UNLIMITED),
        non_record=_first(file.path, lines, _NON_RECORD),
        dependencies=_dependencies(lines),
    )


def _find(submission: Submission) -> SourceFile | None:
    readable = (file for file in submission.files if not file.absent and file.unread is None)
    named = [
        file for file in readable if file.name.lower() in ("readme.md", "readme", "readme.txt", "readme.rst")
    ]
    # The folder's own README stands for it; a nested one belongs to a helper.
    return min(named, key=lambda file: (file.path.count("/"), file.path), default=None)


def _claim_at(path: str, number: int, line: str) -> tuple[Location, str]:
    return Location(path, number, number), line.strip()[:160]


def _scores(path: str, lines: list[str]) -> tuple[Claim[float], ...]:
    found: list[Claim[float]] = []
    header = False
    for number, line in enumerate(lines, 1):
        near = _BPB.search(line) is not None
        header = near or (header and line.lstrip().startswith("|"))
        if not (near or header):
            continue
        for match in _SCORE.finditer(line):
            found.append(Claim(float(match.group(1)), *_claim_at(path, number, line)))
        if len(found) >= CLAIMS:
            break
    return tuple(found[:CLAIMS])


def _stated(path: str, lines: list[str]) -> Claim[float] | None:
    """Return the first number that is put forward as the entry's own score, if there is one."""
    table = Table()
    for number, line in enumerate(lines, 1):
        cells = table.cells(line)
        if not cells and not _BPB.search(line):
            continue
        for match in _SCORE.finditer(line):
            if states_score(line, *match.span(1), cells):
                return Claim(float(match.group(1)), *_claim_at(path, number, line))
    return None


def _byte_counts(path: str, lines: list[str]) -> tuple[Claim[int], ...]:
    found = [
        Claim(int(match.group(1).replace(",", "")), *_claim_at(path, number, line))
        for number, line in enumerate(lines, 1)
        for match in _BYTES.finditer(line)
    ]
    return tuple(found[:CLAIMS])


def _floats(path: str, lines: list[str], pattern: re.Pattern[str]) -> tuple[Claim[float], ...]:
    found = []
    for number, line in enumerate(lines, 1):
        for match in pattern.finditer(line):
            location, _ = _claim_at(path, number, line)
            found.append(Claim(float(match.group(1)), location, match.group()))
    return tuple(found[:CLAIMS])


def _mean(path: str, lines: list[str]) -> Claim[float] | None:
    for number, line in enumerate(lines, 1):
        if _MEAN.search(line) and _BPB.search(line) and len(_SCORE.findall(line)) == 1:
            match = _SCORE.search(line)
            if match:
                return Claim(float(match.group(1)), *_claim_at(path, number, line))
    return None


def _hardware(path: str, lines: list[str]) -> tuple[Claim[str], ...]:
    found: dict[str, Claim[str]] = {}
    for number, line in enumerate(lines, 1):
        for match in _HARDWARE.finditer(line):
            name = re.sub(r"\s+", " ", match.group(0)).strip()
            found.setdefault(name.lower(), Claim(name, *_claim_at(path, number, line)))
    return tuple(found.values())[:40]


def _predecessors(lines: list[str]) -> tuple[Predecessor, ...]:
    found = []
    for number, line in enumerate(lines, 1):
        if not _COMPARED.search(line):
            continue
        for match in _PR.finditer(line):
            after = _SCORE.search(line, match.end(), match.end() + 160)
            score = float(after.group(1)) if after else None
            found.append(Predecessor(int(match.group(1)), score, number, line.strip()[:160]))
    return tuple(found[:60])


def _first(path: str, lines: list[str], pattern: re.Pattern[str]) -> Claim[str] | None:
    for number, line in enumerate(lines, 1):
        match = pattern.search(line)
        if match:
            return Claim(match.group(), *_claim_at(path, number, line))
    return None


def _dependencies(lines: list[str]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for line in lines:
        match = _PIP.search(line)
        for word in (match.group(1).split() if match else ())[:60]:
            package = _PACKAGE.match(word.strip("`'\""))
            if package and not word.startswith("-"):
                names[package.group().lower()] = None
    return tuple(names)
