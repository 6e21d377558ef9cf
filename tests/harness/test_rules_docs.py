"""RULES.md is the rules, and nothing else."""

from __future__ import annotations

from pathlib import Path

from markdown_it import MarkdownIt

from audits.rules import discover
from audits.rules_docs import paragraphs, render_rule, render_rulebook

RULES_MD = Path(__file__).parents[2] / "RULES.md"


def test_the_committed_rulebook_is_up_to_date() -> None:
    assert RULES_MD.read_text(encoding="utf-8") == render_rulebook(discover()), "run `make rules-docs`"


def test_every_rule_has_its_chapter_and_no_example_breaks_out() -> None:
    tokens = MarkdownIt().parse(render_rulebook(discover()))
    heads = [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"]
    for rule in discover():
        assert f"`{rule.id}`" in heads
    assert len(heads) == 1 + len(discover()) + len({rule.axis for rule in discover()})


def test_a_rule_is_explained_with_its_blind_spots() -> None:
    for rule in discover():
        explained = render_rule(rule)
        assert explained.startswith(rule.id + "\n")
        assert paragraphs(rule)["Blind to"].split()[0] in explained
