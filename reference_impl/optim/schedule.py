"""What changes during training, as functions of the step and the clock.

Each looks at measured time when there is a wallclock cap, so that warmdown, depth and auxiliary losses
end with the budget on any machine; without a cap they look at steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_impl.config import ConfigError, OptimConfig, TrainConfig


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may spend."""

    iterations: int
    """Most steps."""
    cap_ms: float
    """Milliseconds of the training clock that the loop may use; 0 is no cap."""

    def progress(self, step: int, elapsed_ms: float) -> float:
        """Return the spent fraction of whichever runs out first, 0 to 1."""
        by_time = elapsed_ms / self.cap_ms if self.cap_ms > 0 else 0.0
        return min(max(by_time, step / max(self.iterations, 1)), 1.0)


def rate_multiplier(config: OptimConfig, budget: Budget, step: int, elapsed_ms: float) -> float:
    """Return the warmdown's factor of the learning rate, 1 down to 0.

    `warmdown_steps` are turned into time by the mean step so far, as the challenge's baseline does.
    """
    if config.warmdown_fraction > 0:
        left = 1.0 - budget.progress(step, elapsed_ms)
        return min(left / config.warmdown_fraction, 1.0)
    if config.warmdown_steps <= 0:
        return 1.0
    by_steps = (budget.iterations - step) / config.warmdown_steps
    if budget.cap_ms <= 0:
        return min(max(by_steps, 0.0), 1.0)
    warmdown_ms = config.warmdown_steps * elapsed_ms / max(step, 1)
    left_ms = max(budget.cap_ms - elapsed_ms, 0.0)
    return left_ms / max(warmdown_ms, 1e-9) if left_ms <= warmdown_ms else 1.0


def muon_momentum(config: OptimConfig, step: int) -> float:
    """Return Muon's momentum, which grows over the first steps while gradients still turn quickly."""
    if config.muon_momentum_steps <= 0:
        return config.muon_momentum
    done = min(step / config.muon_momentum_steps, 1.0)
    return (1 - done) * config.muon_momentum_start + done * config.muon_momentum


def parse_pass_schedule(text: str, most: int) -> tuple[tuple[float, int], ...]:
    """Return (fraction, passes) pairs of `0.3:2,0.5:3,1.0:5`; empty text is `most` passes throughout."""
    if not text.strip():
        return ((1.0, most),)
    try:
        pairs = tuple((float(a), int(b)) for a, b in (item.split(":") for item in text.split(",")))
    except ValueError as error:
        raise ConfigError(f"train.pass_schedule cannot be {text!r}; it looks like 0.5:1,1.0:3") from error
    ends = [end for end, _ in pairs]
    if ends != sorted(set(ends)) or ends[-1] < 1.0:
        raise ConfigError("train.pass_schedule must rise to 1.0")
    if not all(1 <= passes <= most for _, passes in pairs):
        raise ConfigError("train.pass_schedule names more passes than model.passes")
    return pairs


def passes_at(schedule: tuple[tuple[float, int], ...], progress: float) -> int:
    """Return the passes of the first phase that is not over."""
    for end, passes in schedule:
        if progress < end:
            return passes
    return schedule[-1][1]


def supervision_alpha(config: TrainConfig, step: int, progress: float) -> float:
    """Return the weight of deep supervision: up over the first steps, down to nothing before the averages."""
    rise = min(step / config.supervision_warmup_steps, 1.0) if config.supervision_warmup_steps > 0 else 1.0
    span = max(config.supervision_decay_end - config.supervision_decay_start, 1e-9)
    fall = min(max((config.supervision_decay_end - progress) / span, 0.0), 1.0)
    return config.supervision_alpha * rise * fall
