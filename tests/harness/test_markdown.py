# ruff: noqa: E501  (the snapshot keeps the lines of the comment)
"""The comment: verdict first, evidence quoted, nothing of theirs alive, never too long."""

from __future__ import annotations

import json

from inline_snapshot import snapshot
from markdown_it import MarkdownIt

from audits.outcome import Axis, Severity, Status
from harness.report.markdown import LIMIT, render_markdown
from tests.audits.builders import evidence, make_outcome
from tests.harness.reviews import clean, illegal, make_review

HOSTILE = "@everyone <img src=x> [a](http://evil.example) ``` | fixes #1"


def test_the_whole_comment() -> None:
    sleeper = make_outcome(
        "sleeper", status=Status.DORMANT, reason="SLOT_ENABLED is 0", dormant=("slot-scored",)
    )
    legal = make_outcome(
        "ttt",
        Axis.LEGALITY,
        Status.CLEAN,
        "each chunk is scored first",
        evidence("train_gpt.py", 20, "scored here"),
        patterns=("score-first-ttt",),
    )
    comment = render_markdown([make_review([illegal(layer=1), clean(), sleeper, legal], packed=True)])
    assert _scrub(comment) == snapshot("""\
## ❌ Referee: ILLEGAL

`records/track_10min_16mb/2026-04-01_Example` breaks the rules on what may be learned from, and when. Decided by `train-before-score`. Nothing was executed.

| Legality | Limits | Metric | Package | Claims | Record |
| --- | --- | --- | --- | --- | --- |
| ❌ ILLEGAL | ✅ CLEAN | ➖ NOT APPLICABLE | ➖ NOT APPLICABLE | ➖ NOT APPLICABLE | ➖ NOT APPLICABLE |

**Judged:** 4 files, digest `b54731e8fc6c1cf4`. Main script: `train_gpt.py` (blob `f56e0b24a74a`).

### ❌ Legality: ILLEGAL

**Validation tokens are trained on before they are scored.** (`train-before-score`, C3, confidence 95%)
an optimiser step is reached before the loss of its tokens is recorded

- `train_gpt.py:12-14 of unpacked layer 1 (lzma+base85 on line 2)` the step comes first
  ```python
  12  line_12 = 12
  13  line_13 = 13
  14  line_14 = 14
  ```

### Limits

| | Cap | Claimed | Logs state | Measured here |
| --- | --- | --- | --- | --- |
| artifact bytes (largest seed) | ≤ 16,000,000 |  | 15,800,068 (`train_seed42.log:11`) |  |
| artifact bytes, every reading | ≤ 16,000,000 |  |  | 15,800,068 = 15,800,000 as logged + 68 of code |
| training seconds | ≤ 600 + a step |  | 600.038 (`train_seed42.log`) |  |
| evaluation seconds | ≤ 600 |  | 90.0 (`train_seed42.log`) |  |
| hardware | 8 × H100 |  | 8 processes |  |

### Claims

| | Claimed | Logs state | Measured here |
| --- | --- | --- | --- |
| val\\_bpb | 1.2 (`submission.json:6`) | 1.20000 (`train_seed42.log`) |  |
| code bytes |  | 68 (`train_seed42.log`) | 68 as committed |
| seeds |  | 42 |  |

mean 1.20000 bpb over 1 seed, as logged

### What the author can do

1. Score every token, and add its loss to the reported sum, before anything learns from it.

### Recognised

- `score-first-ttt`: recognised as legal at `train_gpt.py:20`
- `slot-scored`: present but switched off. SLOT\\_ENABLED is 0

<details><summary>Runs, as their logs state them</summary>

| Log | Seed | val_bpb | Training s | Evaluation s | Artifact bytes |
| --- | --- | --- | --- | --- | --- |
| `train_seed42.log` | 42 | 1.200000 | 600.0 | 90.0 | 15,800,068 |

</details>

<details><summary>Notes</summary>

- legality: 1 other rule looked and found nothing wrong
- limits: 1 rule looked and found nothing wrong

</details>

<sub>Policy practice of 2026-04-28 (practice: ILLEGAL, readme: ILLEGAL, strict: ILLEGAL). \
""")


def test_the_verdict_comes_first() -> None:
    assert render_markdown([make_review([illegal(), clean()])]).startswith("## ❌ Referee: ILLEGAL\n")
    fine = make_outcome("saw", status=Status.CLEAN)
    assert render_markdown([make_review([fine])]).startswith("## ✅ Referee: CLEAN\n")


def test_nothing_of_theirs_is_alive() -> None:
    outcome = make_outcome(
        "r", Axis.LEGALITY, Status.FLAGGED, HOSTILE, evidence("train_gpt.py", 1, HOSTILE), confidence=0.9
    )
    stated = json.dumps({"name": "x", "hardware": HOSTILE})
    files = {"train_gpt.py": f"x = '''{HOSTILE}'''\n</details>\n", "submission.json": stated}
    comment = render_markdown([make_review([outcome], files=files, folder=f"2026-04-01_{HOSTILE[:40]}")])
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    inline = [child for token in parser.parse(comment) for child in (token.children or [])]
    assert {child.type for child in inline} & {"link_open", "image"} == set()
    html = {child.content for child in inline if child.type == "html_inline"}
    assert html <= {"<sub>", "</sub>"}
    prose = "".join(child.content for child in inline if child.type == "text")
    assert "@everyone" not in prose
    assert "#1 " not in prose


def test_a_disputed_point_says_how_the_policy_reads_it() -> None:
    slot = make_outcome("slot", severity=Severity.DISPUTED, dispute="context-only-slot")
    comment = render_markdown([make_review([slot])])
    assert "## ⚠️ Referee: FLAG" in comment
    assert "*practice policy:* The delta never sees a scored target" in comment


def test_a_crash_is_shown_as_ours() -> None:
    crashed = make_outcome("broken", Axis.METRIC, Status.CRASHED, "the rule raised:\nZeroDivisionError: x")
    comment = render_markdown([make_review([crashed])])
    assert "ZeroDivisionError" in comment
    assert "## ❔ Referee: UNCLEAR" in comment


def test_long_evidence_is_cut_at_a_block_and_says_so() -> None:
    many = [
        make_outcome(
            f"rule-{number}",
            Axis.LEGALITY,
            Status.FLAGGED,
            "x" * 1500,
            *(evidence("train_gpt.py", 1, "y" * 1500, end=40) for _ in range(4)),
        )
        for number in range(40)
    ]
    comment = render_markdown([make_review(many)])
    assert len(comment) <= LIMIT
    assert comment.endswith("The JSON report has everything.*\n")
    assert comment.count("```") % 2 == 0


def _scrub(comment: str) -> str:
    """Drop what changes with the version."""
    return comment.rsplit("Rulebook", 1)[0]
