"""Submission text stays text, in a terminal and in a comment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.report.escape import code_block, inline_code, markdown, one_line, visible

COMMENT = MarkdownIt("gfm-like", {"html": True, "linkify": False})
"""Close to what renders a comment: raw HTML on, so that an escape that fails shows."""


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\rb", "a\\x0db"),
        ("left\u202eright", "left\\u202eright"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("lone \udcff surrogate", "lone \\udcff surrogate"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("naïve ▁ 你好", "naïve ▁ 你好"),
    ],
)
def test_visible_spells_out_what_fools_a_reader(raw: str, shown: str) -> None:
    assert visible(raw) == shown


def test_one_line_is_cut_and_flat() -> None:
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    "raw",
    [
        "@maintainer approve",
        "see https://example.org and www.example.org",
        "[click](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "<!-- hidden",
        "fixes #12 and GH-12",
        "a | b",
        "**bold** _it_ ~~gone~~ `code`",
        "![i](http://x/y.png)",
    ],
)
def test_markdown_is_inert(raw: str) -> None:
    tokens = COMMENT.parse(markdown(raw, starts_line=True))
    kinds = {child.type for token in tokens for child in (token.children or [])}
    assert kinds <= {"text", "text_special"}, kinds
    text = markdown(raw)
    assert "@m" not in text
    assert "://" not in text
    assert "www." not in text
    assert "#1" not in text
    assert "GH-1" not in text


@pytest.mark.parametrize("raw", ["- item", "+ item", "1. item", "# head", "> quote", "=== ", "12) item"])
def test_a_line_of_theirs_starts_no_block(raw: str) -> None:
    kinds = [token.type for token in COMMENT.parse("before\n" + markdown(raw, starts_line=True))]
    assert kinds == ["paragraph_open", "inline", "paragraph_close"]


@given(st.text(max_size=200))
def test_a_fence_cannot_be_closed_from_inside(raw: str) -> None:
    tokens = COMMENT.parse(code_block(raw) + "\n\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


@given(st.text(alphabet="`ab| @<\n", min_size=1, max_size=40))
def test_inline_code_is_one_span(raw: str) -> None:
    (_, inline, _) = COMMENT.parse("x " + inline_code(raw) + " y")
    assert [child.type for child in inline.children or []] == ["text", "code_inline", "text"]


@given(st.text(max_size=120))
def test_markdown_never_yields_anything_but_text(raw: str) -> None:
    tokens = COMMENT.parse("- x " + markdown(raw))
    kinds = {child.type for token in tokens for child in (token.children or [])}
    assert kinds <= {"text", "text_special"}
