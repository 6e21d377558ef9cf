"""One position scored for each entry of the vocabulary: what is replaced, and what it adds up to."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import partial

import pytest

np = pytest.importorskip("numpy", reason="needs the cpu extra")
torch = pytest.importorskip("torch", reason="needs the cpu extra")

from containers.inside.probe import compare, finding, forks  # noqa: E402
from containers.inside.probe.finding import Call  # noqa: E402
from containers.inside.probe.replays import replay_of  # noqa: E402
from containers.inside.probe.sizes import sized  # noqa: E402
from containers.inside.probe.trace import Event, Kind, Trace  # noqa: E402
from containers.inside.source import sizes  # noqa: E402
from tests.containers.inside import probe_sim as sim  # noqa: E402


def replays(table) -> Trace:
    return Trace(
        tuple(Event(Kind.SUM, "replay", 0, float(token), values=row) for token, row in enumerate(table))
    )


def made(scores, items: int = 9, at: int = 4):
    table = np.full((len(scores), items), 2.0)
    table[:, at] = scores
    table[1:, at + 1 :] += 0.1  # what comes later may depend on the token
    return table


def test_a_distribution_sums_to_one() -> None:
    chances = np.random.default_rng(1).dirichlet(np.ones(40))
    found = replay_of(replays(made(-np.log(chances))), 100, 40, "default")
    assert found is not None
    assert found.total == pytest.approx(1.0)
    assert (found.tried, found.vocabulary, found.position) == (40, 40, 100)


def test_what_is_no_distribution_does_not() -> None:
    found = replay_of(replays(made(np.linspace(0.1, 0.2, 40))), 100, 40, "scaled")
    assert found is not None
    assert found.total > 30


def test_replays_that_change_scores_here_and_there_give_nothing() -> None:
    table = np.random.default_rng(1).random((40, 9))
    table[np.arange(40), np.arange(40) % 9] += 1
    table[:20, :4] = 1.0
    assert replay_of(replays(table), 100, 40, "default") is None


def test_replays_of_different_lengths_give_nothing() -> None:
    trace = replays([np.ones(3), np.ones(4), np.ones(3)])
    assert replay_of(trace, 0, 3, "default") is None
    assert replay_of(replays([np.ones(3)] * 4), 0, 4, "default") is None


def test_who_has_more_entries_than_were_tried_is_no_liar_for_what_is_missing() -> None:
    chances = np.random.default_rng(1).dirichlet(np.ones(80))
    some, most = 40, 80
    part, whole, less, more = (
        ended_by(chances[:tried] * by) for tried, by in ((some, 1.0), (most, 1.0), (most, 0.9), (some, 9.0))
    )
    calls = [end.call for end in (part, whole, less, more)]
    assert calls == [Call.BLIND, Call.CLEAN, Call.LEAK, Call.LEAK]
    assert "40 of 80 entries" in part.reason
    assert "all 80 tokens" in less.reason


def ended_by(chances: np.ndarray) -> finding.TestEnd:
    """Return how the normalisation test of a mixture ends, if rows have 80 entries and these chances."""
    trace = replace(replays(made(-np.log(chances))), facts={"replays": {"entries": 80}})
    replay = replay_of(trace, 100, 40, "default")
    assert replay is not None
    runs = sim.probe(partial(sim.sliding, mixer=True), replays=(replay,))
    (headline,) = (end for end in compare.phases(runs) if end.headline)
    (found,) = (end for end in headline.tests if end.test is finding.Test.NORMALISATION)
    return found


@pytest.mark.parametrize("entries", [None, "9", 2.5, True])
def test_a_width_that_is_no_number_is_none(entries: object) -> None:
    trace = replace(replays(made(np.full(40, 3.0))), facts={"replays": {"entries": entries}})
    found = replay_of(trace, 100, 40, "default")
    assert found is not None
    assert found.width == 0


class Holder:
    """Something of a script that keeps the stream."""


def test_the_stream_is_found_wherever_it_is_held() -> None:
    stream = np.random.default_rng(3).integers(0, 5000, 700)
    keeper = Holder()
    keeper.tokens = torch.from_numpy(stream.copy())
    shifted = stream[1:].astype(np.int32)
    other = [np.arange(700), torch.zeros(700, dtype=torch.int64)]
    found = list(forks.places_of(stream, 500))
    for array, index in found:
        array[index] = 7777
    assert int(keeper.tokens[500]) == 7777
    assert shifted[499] == 7777
    assert (other[0] == np.arange(700)).all()
    assert not other[1].any()
    assert len(found) >= 2


def test_sizes_pass_through_wherever_they_are_named() -> None:
    source = (
        "class H:\n    ngram_buckets = int('4096')\n    dim = 4\n"
        "def make(size=9, *, table_size=1 << 22):\n    return size, table_size\n"
        "result = H.ngram_buckets, H.dim, make(), make(table_size=8)\n"
    )
    names = {sizes.SIZE: lambda name, value: f"{name}={value}"}
    exec(compile(sizes.instrument(ast.parse(source)), "x.py", "exec"), names)
    assert names["result"] == (
        "ngram_buckets=4096", 4, (9, "table_size=4194304"), (9, "table_size=8"),
    )  # fmt: skip


def test_sizes_in_a_file_of_settings_are_set_too() -> None:
    tree = {"model": {"vocab_size": 512, "dim": 4}, "tables": [{"Ngram_Buckets": 4096}], "vocab_size": [512]}
    found = sized(tree, lambda name, value: f"{name}={value}")
    assert found == {
        "model": {"vocab_size": "vocab_size=512", "dim": 4},
        "tables": [{"Ngram_Buckets": "ngram_buckets=4096"}],
        "vocab_size": "vocab_size=[512]",
    }
    assert tree["model"] == {"vocab_size": 512, "dim": 4}
