"""Challenge files load, agree with themselves, and decide which track applies."""

from __future__ import annotations

import json
from statistics import fmean

import pytest

from audits.challenge_loader import challenge_names, detect_challenge, load_challenge
from audits.errors import UserError
from audits.facts.claims import read_claims
from audits.facts.extract import choose_track
from tests.audits.builders import make_submission


@pytest.mark.parametrize("name", challenge_names())
def test_every_challenge_file_is_consistent(name: str) -> None:
    challenge = load_challenge(name)
    fields = [field for field, _ in challenge.log_dialects]
    assert fields
    assert fields == [field for field, _ in challenge.log_triggers]
    assert all(trigger for _, trigger in challenge.log_triggers)
    for track in challenge.tracks:
        assert track.reference is None or challenge.track(track.reference) is not None
    for row in challenge.leaderboard:
        assert not row.seed_bpb or abs(fmean(row.seed_bpb) - row.val_bpb) < 1e-3, row.pr


def test_the_byte_constants_agree_with_the_canonical_count() -> None:
    challenge = load_challenge("parameter_golf")
    known = [entry for entry in challenge.byte_constants if "first export" not in entry.name]
    assert all(
        abs(entry.bytes_total / challenge.canonical_bytes - 1) < challenge.byte_tolerance for entry in known
    )


def test_an_unknown_challenge_is_the_callers_mistake() -> None:
    with pytest.raises(UserError):
        load_challenge("tetris")


@pytest.mark.parametrize(
    ("directory", "claim", "readme", "chosen"),
    [
        ("track_10min_16mb", "10min_16mb", "", "track_10min_16mb"),
        ("track_10min_16mb", "non_record_16mb", "", "track_10min_16mb"),
        ("track_non_record_16mb", "non-record-16mb", "", "track_non_record_16mb"),
        ("track_non_record_16mb", None, "unlimited compute track", "non_record_unlimited_compute_16mb"),
        (
            "track_non_record_16mb",
            "non-record-unlimited-compute-16mb",
            "",
            "non_record_unlimited_compute_16mb",
        ),
        (None, "track_10min_16mb", "", "track_10min_16mb"),
    ],
)
def test_the_track_is_the_directorys_refined_by_the_claim(
    directory: str | None, claim: str | None, readme: str, chosen: str
) -> None:
    files: dict[str, str | bytes] = {"README.md": readme, "submission.json": json.dumps({"track": claim})}
    submission = make_submission(files, track=directory)
    assert choose_track(submission, load_challenge("parameter_golf"), read_claims(submission)).name == chosen


def test_the_challenge_is_told_by_the_track_directory() -> None:
    assert detect_challenge(make_submission({}, track="track_cpu_tiny")).name == "cpu_tiny"
    assert detect_challenge(make_submission({}, track=None)).name == "parameter_golf"
