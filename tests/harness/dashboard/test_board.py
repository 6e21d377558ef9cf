"""Who stands on the board, at which rank, and who falls out."""

from __future__ import annotations

from audits.challenge_loader import load_challenge
from harness.dashboard.board import Board, boards
from harness.dashboard.field import Field, Row
from harness.sweep.records import Entry, Judged, Pull, State, StoredVerdict, Summary

RECORD, OTHER = "track_10min_16mb", "track_non_record_16mb"
AXES = ("legality", "limits", "metric", "package", "claims", "record")


def row(
    pr: int, claimed: float | None, overall: str = "CLEAN", track: str = RECORD, key: str = "", **axes: str
) -> Row:
    pull = Pull(pr, "a" * 40, "2026-04-01T00:00:00+00:00", State.AUDITED, "", ())
    entry = Entry(pr, 0, "path", track, "folder", "train_gpt.py", "", key or str(pr), State.AUDITED, "", "")
    calls = {**dict.fromkeys(AXES, "CLEAN"), **axes}
    verdict = StoredVerdict("practice", "2026-03-18", overall, calls, ("some-rule",))
    plain = dict.fromkeys(Summary.__dataclass_fields__)
    summary = Summary(**{**plain, "claimed_bpb": claimed})  # type: ignore[arg-type]
    return Row(pull, entry, Judged(entry, "a" * 40, "", {"practice": verdict}, (), (), {}, summary))


def board_of(*rows: Row) -> Board:
    field = Field(tuple(row.pull for row in rows), rows, {}, (), load_challenge("parameter_golf"))
    return boards(field)[0]


def ranks(board: Board) -> list[tuple[int, int, int | None, int | None]]:
    return [(entry.row.pull.pr, entry.before, entry.after, entry.settled) for entry in board.standings]


def test_breaches_fall_out_and_the_rest_moves_up() -> None:
    board = board_of(
        row(1, 1.2),
        row(2, 0.5, "ILLEGAL", legality="ILLEGAL"),
        row(3, 1.1, "FLAG", legality="FLAG"),
        row(4, 1.0, "VIOLATION", metric="VIOLATION"),
        row(5, 1.15, "NEEDS_AUTHOR_ACTION", package="VIOLATION"),
    )
    assert ranks(board) == [
        (2, 1, None, None),
        (4, 2, None, None),
        (3, 3, 1, None),
        (5, 4, 2, 1),
        (1, 5, 3, 2),
    ]
    assert [entry.row.pull.pr for entry in board.fallen] == [2, 4]
    assert board.fallen[0].reasons == ("some-rule",)
    assert [entry.open for entry in board.after] == [True, False, False]


def test_placeholders_take_no_rank_and_are_counted() -> None:
    board = board_of(row(1, 0.0), row(2, -1.0), row(3, None), row(4, 1.3))
    assert ranks(board) == [(4, 1, 1, 1)]
    assert board.unclaimed == 3


def test_the_same_folder_in_several_pull_requests_is_ranked_once() -> None:
    board = board_of(row(1, 1.2, key="same"), row(2, 1.2, key="same"), row(3, 1.3))
    assert ranks(board) == [(1, 1, 1, 1), (3, 2, 2, 2)]
    assert board.standings[0].repeats == (2,)


def test_tracks_without_a_leaderboard_stand_apart() -> None:
    rows = (row(1, 1.2), row(2, 1.0, track=OTHER))
    field = Field(tuple(row.pull for row in rows), rows, {}, (), load_challenge("parameter_golf"))
    record, other = boards(field)
    assert [entry.row.pull.pr for entry in record.standings] == [1]
    assert [entry.row.pull.pr for entry in other.standings] == [2]
