"""Paragraphs of a README, with what stands above each."""

from __future__ import annotations

import pytest

from audits.launch.paragraphs import MAX_DEPTH, Paragraph, paragraphs


def read(*lines: str) -> list[Paragraph]:
    return list(paragraphs("\n".join(lines)))


def test_a_paragraph_goes_on_over_lines_and_knows_their_numbers() -> None:
    (first, second) = read("One", "goes on.", "", "> Two.")
    assert (first.text, first.lines) == ("One goes on.", ((1, "One"), (2, "goes on.")))
    assert (second.text, second.lines[0][0]) == ("Two.", 4)


def test_headings_but_the_title_stand_above_until_the_section_ends() -> None:
    found = read("# Title", "a", "## Part", "### Inner", "b", "## Other", "c")
    assert [(entry.text, entry.above) for entry in found] == [
        ("a", ()),
        ("b", ("Part", "Inner")),
        ("c", ("Other",)),
    ]


def test_a_line_in_bold_heads_what_follows() -> None:
    (found,) = read("## Part", "", "**Tried:**", "", "text with **bold** words")
    assert found.above == ("Part", "Tried:")


def test_an_item_knows_its_introduction_and_the_items_it_belongs_to() -> None:
    found = read("Intro:", "", "- one", "  - inner", "    goes on", "1. two", "", "After.")
    assert [(entry.text, entry.above) for entry in found] == [
        ("Intro:", ()),
        ("- one", ("Intro:",)),
        ("- inner goes on", ("Intro:", "- one")),
        ("1. two", ("Intro:",)),
        ("After.", ()),
    ]
    groups = [entry.group for entry in found]
    assert len(set(groups[:4])) == 1
    assert groups[4] not in groups[:4]


@pytest.mark.parametrize(
    "hidden",
    [
        ("```", "x", "```"),
        ("~~~py", "```", "~~~"),
        ("| a | b |",),
        ("a | b",),
        (
            "<!-- x",
            "y -->",
        ),
        ("<td>x",),
    ],
)
def test_what_is_no_sentence_is_left_out_and_what_follows_keeps_its_number(hidden: tuple[str, ...]) -> None:
    (found,) = read(*hidden, "seen")
    assert found.lines == ((len(hidden) + 1, "seen"),)


def test_depth_is_capped() -> None:
    found = read(*(" " * depth + "- x" for depth in range(60)))
    assert max(len(entry.above) for entry in found) == MAX_DEPTH
