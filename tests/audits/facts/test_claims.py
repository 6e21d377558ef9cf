"""submission.json in its dialects, READMEs with tables, and files that try to break the reader."""

from __future__ import annotations

import json

import pytest

from audits.facts.claims import Claims, read_claims
from tests.audits.builders import make_submission


def read(json_text: str | bytes | None = None, readme: str = "") -> Claims:
    files: dict[str, str | bytes] = {"README.md": readme}
    if json_text is not None:
        files["submission.json"] = json_text
    return read_claims(make_submission(files))


def codes(claims: Claims) -> list[str]:
    return [problem.code for problem in claims.submission.problems]


def test_values_keep_their_lines() -> None:
    claims = read(
        '{\n  "name": "x",\n  "seed_results": {\n    "42": {"val_bpb": 1.1,\n "artifact_bytes": 5}\n  }\n}'
    )
    (seed,) = claims.submission.seeds
    assert seed.seed == 42
    assert seed.val_bpb is not None
    assert seed.val_bpb.location.start_line == 4
    assert seed.bytes_total is not None
    assert seed.bytes_total.location.start_line == 5


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"\xef\xbb\xbf{}", "bom"),
        (b'{"val_bpb": 1.1', "syntax"),
        (b"", "empty"),
        (b"[1]", "not-an-object"),
        (b'{"a": 1, "a": 2}', "duplicate-key"),
        (b'{"val_bpb": NaN}', "not-a-number"),
        (b'{"val_bpb": "1.1"}', "number-as-text"),
        (b"[" * 10_000 + b"]" * 10_000, "too-deep"),
        (b'{"a":' * 10_000, "too-deep"),
        (b'"' + b'\\"' * 400_000, "syntax"),
        (b"\xff\xff{}", "encoding"),
        (b'{"val_bpb": ' + b"9" * 5_000 + b"}", "syntax"),
    ],
)
def test_broken_files_are_named_not_raised(text: bytes, code: str) -> None:
    assert code in codes(read(text))


def test_a_missing_file_is_said_to_be_missing() -> None:
    assert codes(read(None)) == ["missing"]


def test_a_score_as_text_is_read_and_noted() -> None:
    claims = read('{"val_bpb": "1.1234"}')
    assert claims.submission.val_bpb is not None
    assert claims.submission.val_bpb.value == 1.1234


@pytest.mark.parametrize(
    "table",
    [
        {"mean_val_bpb": 1.1},
        {"val_bpb_mean": 1.1, "val_bpb": None},
        {"results": {"mean_val_bpb": 1.1, "seed_1": {"val_bpb": 1.1}}},
    ],
)
def test_the_mean_is_found_under_its_spellings(table: dict[str, object]) -> None:
    claims = read(json.dumps(table))
    assert claims.submission.val_bpb_mean is not None
    assert claims.submission.val_bpb_mean.value == 1.1


@pytest.mark.parametrize(
    "seeds",
    [
        {"seed_results": {"seed_300": {"val_bpb": 1.1}, "note": "best of two"}},
        {"seeds": {"300": {"val_bpb": 1.1}}},
        {"per_seed": [{"seed": 300, "bpb": 1.1}]},
    ],
)
def test_seed_results_are_found_under_their_spellings(seeds: dict[str, object]) -> None:
    assert [seed.seed for seed in read(json.dumps(seeds)).submission.seeds] == [300]


def test_milliseconds_become_seconds() -> None:
    claims = read('{"train_time_ms": 599956}')
    assert claims.submission.train_seconds is not None
    assert claims.submission.train_seconds.value == pytest.approx(599.956)


def test_the_seed_table_of_a_readme_is_read_by_its_headings() -> None:
    claims = read(
        None,
        "**val_bpb: 1.1163** (std 0.0013), 15.96 MB, against PR #549 (baseline, 1.1194)\n\n"
        "| Seed | steps | Pre-TTT bpb | **Post-TTT bpb** | TTT gain | Artifact |\n|---|---|---|---|---|---|\n"
        "| 1337 | 6,328 | 1.1353 | **1.1157** | -0.0196 | 15,909,018 |\n"
        "| **Mean** | 6,332 | 1.1359 | **1.1163 (std 0.0013)** | | |\n",
    )
    (row,) = claims.readme.seeds
    assert row.seed == 1337
    assert row.val_bpb is not None
    assert row.val_bpb.value == 1.1157
    assert row.bytes_total is not None
    assert row.bytes_total.value == 15_909_018
    assert row.steps is not None
    assert row.steps.value == 6_328
    assert claims.readme.headline is not None
    assert claims.readme.headline.value == 1.1163
    assert claims.readme.mean_bpb is not None
    assert claims.readme.mean_bpb.value == 1.1163
    assert [(entry.pr, entry.val_bpb) for entry in claims.readme.predecessors] == [(549, 1.1194)]


def test_the_seed_column_is_the_one_that_averages_to_the_headline() -> None:
    """#850, #918: `Post-quant BPB` stands beside the scored column, once before and once after it."""
    text = "**val_bpb: 0.1653** (mean)\n\n{head}\n|---|---|---|\n{rows}"
    for order in ((1, 2), (2, 1)):
        cells = {"Seed": ("42", "7"), order[0]: ("1.4656", "1.5079"), order[1]: ("**0.1646**", "**0.1660**")}
        names = {order[0]: "Post-quant BPB", order[1]: "N-gram BPB"}
        rows = "\n".join(f"| {cells['Seed'][n]} | {cells[1][n]} | {cells[2][n]} |" for n in (0, 1))
        found = read(None, text.format(head=f"| Seed | {names[1]} | {names[2]} |", rows=rows)).readme.seeds
        assert [row.val_bpb.value for row in found if row.val_bpb] == [0.1646, 0.166]


def test_a_table_alone_tells_no_headline_to_find_its_column_by() -> None:
    """#800: the first number of a table is no headline; submission.json states one."""
    rows = "| 42 | 1.1210 | 0.9631 |\n| 7 | 1.1190 | 0.9620 |"
    table = f"| Seed | Sliding BPB | Cached BPB |\n|---|---|---|\n{rows}"
    for stated in (None, '{"val_bpb": 0.9625}'):
        found = read(stated, table).readme.seeds
        assert [row.val_bpb.value for row in found if row.val_bpb] == [0.9631, 0.962]


@pytest.mark.parametrize(
    ("line", "score"),
    [
        ("# Ten layers and a cache (0.9123 BPB)", 0.9123),
        ("val_bpb: **0.0280**", 0.028),
        ("- val_bpb (3-seed mean) = 1.0812", 1.0812),
        ("eval at the stop: `val_loss:2.0606`, `val_bpb:1.2172`", 1.2172),
        ("# Optimised submission - 1.2697 bpb", 1.2697),
        ("| seed | val_bpb |\n|---|---|\n| 42 | 1.1163 |", 1.1163),
        ("| val_bpb | 1.1163 |\n|---|---|", None),
        ("| steps | 9,952 |\n| val_bpb | 1.1163 |", 1.1163),
        ("the gap grows from 0.0072 BPB to 0.0325 BPB", None),
        ("| SmearGate | ~0.005 BPB from blending |", None),
        ("Expected ~0.004-0.008 bpb improvement", None),
        ("fine-tune for 6 epochs (lr=0.0005) for a better bpb", None),
        ("EMA decay=0.999 (consistently better BPB than raw weights)", None),
        ("WD 0.085, brotli: improves bpb", None),
        ("Built on PR #549 (parallel optimiser, 1.1194 BPB)", None),
        ("Gap: **0.0315 BPB**", None),
        ("recovers 0.046 bpb on the weights", None),
        ("| entry | energy for 0.001 BPB |", None),
        ("(-0.0305 bpb against the row before)", None),
    ],
)
def test_the_headline_of_a_readme_is_the_entrys_own_score(line: str, score: float | None) -> None:
    """#20, #268, #314, #396, #604, #960, #1048, #1426, #1664: gains and settings are no scores."""
    found = read(None, line).readme.headline
    assert (found.value if found else None) == score
