"""What each step trains on: passes through the core, blocks that are supervised, and the weights of both.

Every rank and every rerun draws the same switched block for a step: the draw depends on seed and step alone.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from reference_impl.config import Config
from reference_impl.optim.schedule import parse_pass_schedule, passes_at, supervision_alpha


class StepPlan(NamedTuple):
    """One step's graph and its weights."""

    passes: int
    """Passes through the core."""
    supervised: tuple[int, ...]
    """Blocks whose state is scored too: a constant of the graph."""
    weights: tuple[float, ...]
    """Weight of each of them, then of the growth penalty."""


class Curriculum:
    """The plan of every step of one run."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.schedule = parse_pass_schedule(config.train.pass_schedule, config.model.passes)
        self.boundary = (config.model.num_encoder_layers - 1,) if config.train.boundary_weight else ()

    def plan(self, step: int, progress: float) -> StepPlan:
        """Return the plan of a step, given the spent fraction of the budget."""
        train = self.config.train
        alpha = supervision_alpha(train, step, progress) if train.supervised_layers else 0.0
        layers = self._draw(step) if alpha > 0 else ()
        weights = [alpha / max(len(layers), 1)] * len(layers) + [train.boundary_weight] * len(self.boundary)
        return StepPlan(
            passes_at(self.schedule, progress),
            (*layers, *self.boundary),
            (*weights, train.jacobian_weight if self.config.model.recurrent else 0.0),
        )

    def _draw(self, step: int) -> tuple[int, ...]:
        train = self.config.train
        if not train.supervision_switched:
            return train.supervised_layers
        return (random.Random(f"{train.seed}:{step}").choice(train.supervised_layers),)

    def variants(self) -> list[StepPlan]:
        """Return a plan for every graph that the run can need, to compile all before the clock starts."""
        train = self.config.train
        choices: list[tuple[int, ...]] = [()]
        if train.supervised_layers:
            layers = train.supervised_layers
            choices += [(layer,) for layer in layers] if train.supervision_switched else [layers]
        passes = sorted({count for _, count in self.schedule})
        plans = []
        for count in passes:
            for layers in choices:
                supervised = (*layers, *self.boundary)
                plans.append(StepPlan(count, supervised, (0.0,) * (len(supervised) + 1)))
        return plans
