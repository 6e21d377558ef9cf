"""The terminal review: readable, complete, and deaf to escape sequences."""

from __future__ import annotations

from io import StringIO

from inline_snapshot import snapshot

from audits.outcome import Axis, Status
from harness.report.text import render_text
from tests.audits.builders import evidence, make_outcome
from tests.harness.reviews import clean, illegal, make_review


def text(*reviews: object, show_source: bool = False) -> str:
    out = StringIO()
    render_text(reviews, out, show_source=show_source)  # type: ignore[arg-type]
    return out.getvalue()


def test_the_whole_review() -> None:
    assert text(make_review([illegal(), clean()])).rsplit("Rulebook", 1)[0] == snapshot("""\
──────────────────────────────────────────────────────────────────────────────────────────────────────────────
 ILLEGAL  records/track_10min_16mb/2026-04-01_Example
main script train_gpt.py, track track_10min_16mb
decided by: train-before-score
legality ILLEGAL   limits CLEAN   metric n/a   package n/a   claims n/a   record n/a

Legality  ILLEGAL
  VIOLATION  train-before-score  C3  confidence 0.95
    an optimiser step is reached before the loss of its tokens is recorded
    train_gpt.py:12-14  the step comes first
        12 │ value_12 = 12
        13 │ value_13 = 13
        14 │ value_14 = 14

Limits    CLEAN  1 rule looked and found nothing wrong

Claimed, logged, counted
                            limit           claimed            logs state           counted here
val_bpb                                     1.2                1.20000
                                            submission.json:6  train_seed42.log
artifact bytes (largest     ≤ 16,000,000                       15,800,541
seed)                                                          train_seed42.log:11
artifact bytes, every       ≤ 16,000,000                                            15,800,541 = 15,800,000 as
reading                                                                             logged + 541 of code
code bytes                                                     541                  541 as committed
                                                               train_seed42.log
training seconds            ≤ 600 + a step                     600.038
                                                               train_seed42.log
evaluation seconds          ≤ 600                              90.0
                                                               train_seed42.log
seeds                                                          42
hardware                    8 × H100                           8 processes

Runs, as their logs state them
log               seed  val_bpb   train s  eval s  bytes
train_seed42.log  42    1.200000  600.0    90.0    15,800,541
mean 1.20000 bpb over 1 seed, as logged

to do      Score every token, and add its loss to the reported sum, before anything learns from it.

policy practice of 2026-04-28; under readme ILLEGAL, strict ILLEGAL. \
""")


def test_markup_and_escape_sequences_are_shown_not_obeyed() -> None:
    nasty = "[bold red]x[/] \x1b[2J\x07 \u202e"
    outcome = make_outcome("r", Axis.LEGALITY, Status.FLAGGED, nasty, evidence("train_gpt.py", 1, nasty))
    shown = text(make_review([outcome], files={"train_gpt.py": nasty + "\n"}, folder=f"f{nasty}"))
    assert "[bold red]x[/] \\x1b[2J\\x07 \\u202e" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_unpacked_source_is_printed_on_request() -> None:
    review = make_review([illegal(layer=1)], packed=True)
    assert "line_40 = 40" not in text(review)
    assert "    40 │ line_40 = 40" in text(review, show_source=True)


def test_several_reviews_end_in_a_summary() -> None:
    shown = text(make_review([illegal()]), make_review([clean()], folder="2026-04-02_Other"))
    assert "summary" in shown
    assert "2026-04-02_Other" in shown.rsplit("summary", 1)[1]


def test_a_line_of_five_megabytes_is_quoted_short() -> None:
    outcome = make_outcome("r", Axis.LEGALITY, Status.FLAGGED, "x", evidence("train_gpt.py", 1, "here"))
    shown = text(make_review([outcome], files={"train_gpt.py": "x = 1;" * 900_000}))
    assert len(shown) < 10_000


def test_rules_that_end_for_one_reason_are_told_once() -> None:
    outcomes = [
        make_outcome(f"rule-{number}", Axis.LEGALITY, Status.UNCLEAR, "no score could be followed")
        for number in range(9)
    ]
    shown = text(make_review(outcomes))
    assert shown.count("no score could be followed") == 1
    assert "UNCLEAR  rule-0, rule-1, rule-2, rule-3 and 5 more" in shown
