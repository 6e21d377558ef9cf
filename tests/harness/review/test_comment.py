"""The comment of a review: links to the judged commit only, nothing of theirs alive, cut with grace."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from audits.outcome import Axis, Status
from audits.submission import Origin, OriginKind
from harness.report.links import repository_of
from harness.report.markdown import LIMIT, MARKER
from harness.report.view import file_of
from harness.review.output import comment_of
from tests.audits.builders import evidence, make_outcome
from tests.harness.reviews import clean, illegal, make_review

if TYPE_CHECKING:
    from harness.report.review import Review
    from harness.report.view_model import ReviewFile

SHA = "0123456789abcdef0123456789abcdef01234567"
ORIGIN = Origin(OriginKind.GIT, "r.git", pr=7, head_sha=SHA)
HOSTILE = "@everyone <img src=x> [a](http://evil.example) ``` | fixes #1 <!-- referee:review -->"
HOSTILE_LINES = "x = 1  # @everyone\n```\n</details><script>alert(1)</script>\n[a](http://evil.example)\n"


def as_file(*reviews: Review) -> ReviewFile:
    return file_of(reviews, pr=7, head_sha=SHA, policy=("practice", "2026-04-28"), rulebook="0.1+abc")


def test_lines_are_linked_at_the_head() -> None:
    comment = comment_of(as_file(make_review([illegal(), clean()], origin=ORIGIN)), "o/n")
    path = "records/track_10min_16mb/2026-04-01_Example/train_gpt.py"
    assert f"[`train_gpt.py:12-14`](https://github.com/o/n/blob/{SHA}/{path}#L12-L14)" in comment


def test_an_unpacked_line_is_linked_to_its_wrapper() -> None:
    comment = comment_of(as_file(make_review([illegal(layer=1)], packed=True, origin=ORIGIN)), "o/n")
    assert f"/blob/{SHA}/records/track_10min_16mb/2026-04-01_Example/train_gpt.py#L2)" in comment


def test_without_excerpts_no_line_of_theirs_is_quoted() -> None:
    file = as_file(make_review([illegal(), clean()], origin=ORIGIN))
    assert "value_12 = 12" in comment_of(file, "o/n")
    assert "value_12 = 12" not in comment_of(file, "o/n", excerpts=False)


def test_sections_stand_in_reading_order() -> None:
    comment = comment_of(as_file(make_review([illegal(), clean()], origin=ORIGIN)), "o/n")
    wanted = [
        MARKER,
        "## ❌ Referee: ILLEGAL",
        "**Judged:**",
        "### ❌ Legality",
        "### Limits",
        "### Claims",
        "### What the author can do\n\n1. ",
        "How to appeal",
        "Rulebook",
        "For programs",
    ]
    places = [comment.index(part) for part in wanted]
    assert places == sorted(places)


def test_the_block_for_programs_is_json() -> None:
    comment = comment_of(as_file(make_review([illegal(), clean()], origin=ORIGIN)), "o/n")
    block = re.search(r"<summary>For programs</summary>\n\n```json\n(.*?)\n```", comment, re.DOTALL)
    assert block is not None
    document = json.loads(block[1])
    assert (document["pr"], document["head_sha"]) == (7, SHA)
    assert document["folders"][0]["verdict"] == "ILLEGAL"


def hostile_comment() -> str:
    outcome = make_outcome(
        "r",
        Axis.LEGALITY,
        Status.FLAGGED,
        HOSTILE,
        evidence("train_gpt.py", 1, HOSTILE, end=4),
        confidence=0.9,
    )
    stated = json.dumps({"name": HOSTILE, "hardware": HOSTILE, "val_bpb": 1.1})
    files = {"train_gpt.py": HOSTILE_LINES, "submission.json": stated, f"{HOSTILE[:20]}.log": HOSTILE}
    made = make_review([outcome], files=files, folder=f"2026-04-01_{HOSTILE[:60]}", origin=ORIGIN)
    return comment_of(as_file(made), "o/n")


def test_nothing_of_theirs_is_alive() -> None:
    comment = hostile_comment()
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    tokens = parser.parse(comment)
    inline = [child for token in tokens for child in (token.children or [])]
    links = {str(child.attrGet("href")) for child in inline if child.type == "link_open"}
    assert links
    assert all(link.startswith(f"https://github.com/o/n/blob/{SHA}/records/") for link in links)
    assert not [child for child in inline if child.type == "image"]
    html = {child.content for child in inline if child.type == "html_inline"}
    assert html <= {"<sub>", "</sub>"}
    blocks = "".join(token.content for token in tokens if token.type == "html_block")
    allowed = re.compile(r"<!-- referee:review -->|</?details>|</?summary>|<sub>|</sub>")
    assert "<" not in allowed.sub("", blocks)
    assert comment.count(MARKER) == 1 or "`" in comment.split(MARKER, 1)[1].split(MARKER)[0]
    prose = "".join(child.content for child in inline if child.type == "text")
    assert "@everyone" not in prose
    assert "#1 " not in prose


def test_a_long_comment_keeps_verdict_advice_and_appeal() -> None:
    many = [
        make_outcome(
            f"rule-{number}",
            Axis.LEGALITY,
            Status.FLAGGED,
            "x" * 900 + "😀" * 100,
            *(evidence("train_gpt.py", 1, "y" * 1500, end=40) for _ in range(4)),
        )
        for number in range(60)
    ]
    comment = comment_of(as_file(make_review(many, origin=ORIGIN)), "o/n")
    assert len(comment.encode("utf-16-le")) // 2 <= LIMIT
    for kept in ("## ❌ Referee", "What the author can do", "How to appeal", "Rulebook", "Shortened:"):
        assert kept in comment
    assert comment.count("```") % 2 == 0
    assert comment.count("<details>") == comment.count("</details>")


@pytest.mark.parametrize(
    ("remote", "slug"),
    [
        ("https://github.com/o/n.git", "o/n"),
        ("git@github.com:o/n.git", "o/n"),
        ("ssh://git@github.com/o/n", "o/n"),
        ("https://example.org/o/n.git", None),
        ("https://github.com/o/n](http://evil.example)", None),
    ],
)
def test_only_a_github_remote_is_linked_to(remote: str, slug: str | None) -> None:
    assert repository_of(remote) == slug
