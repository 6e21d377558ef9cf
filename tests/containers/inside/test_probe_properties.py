"""Whatever the stream, the position, the batching and the order: honest stays clean, any leak is a LEAK."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

np = pytest.importorskip("numpy", reason="needs numpy (pip install -e '.[cpu]')")
pytest.importorskip("hypothesis", reason="needs hypothesis (pip install -e '.[dev]')")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from containers.inside.probe import compare, finding  # noqa: E402
from containers.inside.probe.finding import Call  # noqa: E402
from tests.containers.inside import probe_sim as sim  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

EVALUATORS = st.one_of(
    st.builds(lambda batch: partial(sim.baseline, batch=batch), st.integers(1, 9)),
    st.builds(
        lambda stride, batch, mixer, seed: partial(
            sim.sliding, stride=stride, batch=batch, mixer=mixer, seed=seed
        ),
        st.sampled_from([8, 16, 24, 32, 48, 64]),
        st.integers(1, 9),
        st.booleans(),
        st.integers(0, 5),
    ),
    st.builds(lambda chunk: partial(sim.score_first, chunk=chunk), st.sampled_from([64, 128, 256, 512])),
    st.builds(lambda chunk: partial(sim.adapters, chunk=chunk), st.integers(16, 40)),
    st.just(sim.floats),
)
QUIET = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def suffix_of(
    evaluate: Callable[[sim.Bench], None], start: int, seed: int, **more: object
) -> finding.TestEnd:
    runs = sim.probe(evaluate, start=start, stream=sim.make_stream(seed), **more)  # type: ignore[arg-type]
    (headline,) = (end for end in compare.phases(runs) if end.headline)
    return headline.tests[0]


@QUIET
@given(evaluate=EVALUATORS, start=st.integers(100, 1200), seed=st.integers(0, 10**6))
def test_honest_evaluators_never_leak(evaluate: Callable[[sim.Bench], None], start: int, seed: int) -> None:
    suffix = suffix_of(evaluate, start, seed)
    assert suffix.call is Call.CLEAN, suffix


@QUIET
@given(
    evaluate=EVALUATORS,
    start=st.integers(100, 1200),
    seed=st.integers(0, 10**6),
    where=st.floats(0, 1),
    size=st.floats(1e-12, 1),
)
def test_a_leak_at_any_item_before_the_change_is_found(
    evaluate: Callable[[sim.Bench], None], start: int, seed: int, where: float, size: float
) -> None:
    stream = sim.make_stream(seed)
    scored = [p for p in range(1, start) if stream[p] != sim.BOS]
    place = scored[int(where * (len(scored) - 1))]
    later = sim.changed(stream, start)[start:]

    def leak(tokens: np.ndarray) -> Callable[[int], float]:
        moved = size if np.array_equal(tokens[start:], later) else 0.0
        return lambda position: moved if position == place else 0.0

    suffix = suffix_of(evaluate, start, seed, leak=leak)
    assert suffix.call is Call.LEAK, suffix
    assert suffix.count >= 1
    assert suffix.position in (place, -1)
