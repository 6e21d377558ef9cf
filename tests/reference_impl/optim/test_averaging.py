"""Averages against sums done by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from torch import nn  # noqa: E402

from reference_impl.config import OptimConfig  # noqa: E402
from reference_impl.optim.averaging import WeightAverage  # noqa: E402

pytestmark = pytest.mark.torch


def follow(config: OptimConfig, values: list[float], multiplier: float = 0.1) -> tuple[float, str]:
    """Return the weight after averaging over a run whose weight takes these values."""
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = WeightAverage(model, config)
    for step, value in enumerate(values, start=1):
        with torch.no_grad():
            model.weight.fill_(value)
        average.update(step, multiplier)
    kind = average.apply()
    return model.weight.item(), kind


def test_nothing_is_averaged_unasked() -> None:
    assert follow(OptimConfig(), [1.0, 5.0]) == (5.0, "none")


def test_ema_weighs_late_steps_more() -> None:
    value, kind = follow(OptimConfig(ema_decay=0.5), [0.0, 0.0, 0.0, 8.0])
    # The decay is bounded by (1 + step) / (10 + step): 5 / 14 at step 4.
    assert kind == "ema"
    assert value == pytest.approx(8.0 * (1 - 5 / 14))


def test_swa_is_the_mean_of_late_snapshots() -> None:
    config = OptimConfig(swa_every=2, swa_below=0.5)
    assert follow(config, [1.0, 2.0, 3.0, 6.0]) == (4.0, "swa")
    assert follow(config, [1.0, 2.0, 3.0, 6.0], multiplier=0.9) == (6.0, "none")


def test_with_both_the_snapshots_are_of_the_ema() -> None:
    config = OptimConfig(ema_decay=0.5, swa_every=1)
    ema, values = 0.0, []
    for step, value in enumerate([4.0, 8.0], start=1):
        decay = min(0.5, (1 + step) / (10 + step))
        ema = decay * ema + (1 - decay) * value
        values.append(ema)
    found, kind = follow(config, [4.0, 8.0])
    assert kind == "swa"
    assert found == pytest.approx(sum(values) / 2)
