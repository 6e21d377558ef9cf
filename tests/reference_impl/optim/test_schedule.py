"""Schedules at points that can be computed by hand."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the cpu extra")

from reference_impl.config import ConfigError, OptimConfig, TrainConfig
from reference_impl.optim.schedule import (
    Budget,
    muon_momentum,
    parse_pass_schedule,
    passes_at,
    rate_multiplier,
    supervision_alpha,
)


@pytest.mark.parametrize(
    ("step", "elapsed_ms", "expected"),
    [
        (100, 1000.0, 1.0),  # 10 ms a step: warmdown takes 500 ms, 9000 are left
        (950, 9500.0, 1.0),  # exactly 500 ms are left
        (975, 9750.0, 0.5),
        (1000, 10000.0, 0.0),
        (500, 9750.0, 0.25641),  # 19.5 ms a step: warmdown takes 975 ms
    ],
)
def test_warmdown_ends_with_the_clock(step: int, elapsed_ms: float, expected: float) -> None:
    config = OptimConfig(warmdown_steps=50)
    assert rate_multiplier(config, Budget(10**6, 10000.0), step, elapsed_ms) == pytest.approx(
        expected, abs=1e-5
    )


def test_warmdown_ends_with_the_steps_without_a_clock() -> None:
    budget = Budget(100, 0.0)
    config = OptimConfig(warmdown_steps=20)
    assert [rate_multiplier(config, budget, step, 5.0) for step in (0, 80, 90, 100)] == [1.0, 1.0, 0.5, 0.0]


def test_warmdown_by_fraction_follows_whichever_ends_first() -> None:
    config = OptimConfig(warmdown_fraction=0.5)
    assert rate_multiplier(config, Budget(100, 1000.0), 10, 750.0) == pytest.approx(0.5)
    assert rate_multiplier(config, Budget(100, 1000.0), 75, 100.0) == pytest.approx(0.5)


def test_momentum_warms_up() -> None:
    config = OptimConfig(muon_momentum=0.95, muon_momentum_start=0.85, muon_momentum_steps=100)
    assert [round(muon_momentum(config, step), 4) for step in (0, 50, 100, 900)] == [0.85, 0.9, 0.95, 0.95]


def test_depth_grows_by_phase() -> None:
    schedule = parse_pass_schedule("0.3:2,0.5:3,0.75:4,1.0:5", 5)
    assert [passes_at(schedule, p) for p in (0.0, 0.29, 0.3, 0.6, 0.99, 1.0)] == [2, 2, 3, 4, 5, 5]
    assert passes_at(parse_pass_schedule("", 3), 0.1) == 3


@pytest.mark.parametrize("text", ["0.5:1", "0.5:1,0.3:2,1.0:2", "1.0:9", "half:2,1.0:2", "1.0:0"])
def test_a_schedule_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_pass_schedule(text, 3)


def test_supervision_rises_holds_and_is_gone_before_the_average() -> None:
    config = TrainConfig(
        supervision_alpha=0.1,
        supervision_warmup_steps=10,
        supervision_decay_start=0.7,
        supervision_decay_end=0.9,
    )
    points = [(0, 0.0), (5, 0.01), (50, 0.5), (80, 0.8), (90, 0.9), (99, 0.99)]
    found = [round(supervision_alpha(config, step, progress), 6) for step, progress in points]
    assert found == [0.0, 0.05, 0.1, 0.05, 0.0, 0.0]
