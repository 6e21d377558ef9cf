"""Changed streams keep what a script may count by."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy", reason="needs the cpu extra")

from containers.inside.data.shards import BOS  # noqa: E402
from containers.inside.probe import streams  # noqa: E402


@pytest.fixture(scope="module")
def home(vocabulary):
    return vocabulary / "512"


@pytest.mark.parametrize("name", ["B1", "B2", "B3"])
def test_bytes_spaces_and_documents_stay(home, name):
    (plain, _), (made, change) = streams.stream(home, "A"), streams.stream(home, name)
    sizes, spaces, control = streams.counted(streams.read_pieces(home))
    for table in (sizes, spaces, control):
        assert np.array_equal(table[plain], table[made])
    assert np.array_equal(plain == BOS, made == BOS)
    end = plain.size if change.end < 0 else change.end
    assert np.array_equal(plain[: change.first], made[: change.first])
    assert np.array_equal(plain[end:], made[end:])
    assert np.mean(plain[change.first : end] != made[change.first : end]) > 0.85


def test_the_plain_stream_is_the_stream(home):
    made, change = streams.stream(home, "A")
    as_it_is = streams.read_stream(home / "val.bin")
    assert (made != as_it_is).sum() <= 1
    assert change.first == -1


@pytest.mark.parametrize("name", ["A", "B1", "B2", "B3", "N"])
def test_every_stream_has_the_highest_entry_in_front_of_all_changes(home, name):
    made, change = streams.stream(home, name)
    (at,) = np.flatnonzero(made[:129] == made.max())[:1]
    assert made.max() == len(streams.read_pieces(home)) - 1
    assert change.first < 0 or at < change.first


def test_a_neighbour_is_one_whole_document(home):
    (plain, _), (_, change) = streams.stream(home, "A"), streams.stream(home, "B3")
    assert plain[change.first] == BOS
    assert plain[change.end] == BOS
    assert not (plain[change.first + 1 : change.end] == BOS).any()


def test_the_first_changes_are_unaligned_and_aligned(home):
    first, aligned = (streams.stream(home, name)[1].first for name in ("B1", "B2"))
    assert first % 2
    assert first % 64 not in (0, 1)
    assert (aligned - 1) % 128 == 0
    # A calibration takes four sequences of 128 tokens at this scale.
    assert aligned <= 256


def test_a_shard_is_written_once_and_read_back(home, tmp_path):
    path = streams.writer(tmp_path, "B1")(home)
    assert np.array_equal(streams.read_stream(path), streams.stream(home, "B1")[0])
    assert path == streams.writer(tmp_path, "B1")(home)
