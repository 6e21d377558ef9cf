"""Which line carries the score, and which runs the claims rest on."""

from __future__ import annotations

import json

from audits.challenge_loader import load_challenge
from audits.facts.claims import Claims, read_claims
from audits.facts.headline import agree, claimed_runs, scored_line
from audits.facts.logs import LogFacts, parse_logs
from tests.audits.builders import make_submission

CHALLENGE = load_challenge("parameter_golf")
TWO = "sliding val_loss:1.86 val_bpb:1.10823100\nfailed_ttt val_loss:2.2 val_bpb:1.33603000\n"


def read(logs: dict[str, str], **claims: object) -> tuple[tuple[LogFacts, ...], Claims]:
    submission = make_submission({"submission.json": json.dumps(claims), **logs})
    return parse_logs(submission, CHALLENGE), read_claims(submission)


def test_the_claimed_line_wins_over_the_last_one() -> None:
    (run,), claims = read({"train.log": TWO}, val_bpb=1.1082)
    scored = scored_line(run, claims)
    assert scored is not None
    assert scored.claimed
    assert scored.line.label == "sliding"


def test_the_last_line_stands_in() -> None:
    (run,), claims = read({"train.log": TWO}, val_bpb=1.05)
    scored = scored_line(run, claims)
    assert scored is not None
    assert not scored.claimed
    assert scored.line.label == "failed_ttt"


def test_superseded_and_unrelated_logs_are_left_out() -> None:
    def log(bpb: str) -> str:
        return f"final val_loss:1.8 val_bpb:{bpb}\n"

    logs, claims = read(
        {"seed1.log": log("1.10010000"), "seed1_old.log": log("1.20000000"), "seed9.log": log("1.30000000")},
        seed_results={"1": {"val_bpb": 1.1001}},
    )
    assert [run.path for run in claimed_runs(logs, claims)] == ["seed1.log"]


def test_numbers_agree_to_the_digits_they_were_printed_with() -> None:
    assert agree(1.1157, "1.1157", 1.11566902, "1.11566902")
    assert not agree(1.1157, "1.1157", 1.1159, "1.1159")
