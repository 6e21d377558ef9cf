"""The training loop: step until the iterations or the clock run out."""

from __future__ import annotations

from typing import NamedTuple

import torch

from reference_impl.artifact.qat import set_rounding
from reference_impl.optim.schedule import Budget, muon_momentum, rate_multiplier
from reference_impl.train.distributed import any_rank, mean_over_ranks, wait_for_all
from reference_impl.train.session import Session
from reference_impl.train.validate import validate


class LoopEnd(NamedTuple):
    """Where the loop stopped."""

    steps: int
    """Steps that were taken."""
    train_ms: float
    """Milliseconds of the training clock."""


def loop_budget(session: Session) -> Budget:
    """Return what the loop may spend: the cap less what calibration on training data needs."""
    train, quant = session.config.train, session.config.quant
    if train.max_wallclock_seconds <= 0:
        return Budget(train.iterations, 0.0)
    reserve = quant.gptq_reserve_seconds if quant.gptq and quant.gptq_source == "train" else 0.0
    cap_ms = 1000.0 * (train.max_wallclock_seconds - reserve)
    if reserve:
        session.log.say(f"gptq:reserving {reserve:.1f}s, effective={cap_ms:.0f}ms")
    return Budget(train.iterations, cap_ms)


def run_loop(session: Session) -> LoopEnd:
    """Train, and return where it ended. The clock stands still afterwards."""
    budget = loop_budget(session)
    every = session.config.train.val_every
    clock = session.clock
    step, capped = 0, False
    clock.start()
    while True:
        last = capped or step >= budget.iterations
        if last or (every > 0 and step % every == 0):
            with clock.paused():
                report_validation(session, step)
        if last:
            break
        take_step(session, budget, step)
        step += 1
        # The first step at or past the cap is the last, on all ranks at once.
        capped = budget.cap_ms > 0 and any_rank(clock.elapsed_ms() >= budget.cap_ms, session.peers.device)
    clock.stop()
    if capped and step < budget.iterations:
        total = session.config.train.iterations
        session.log.say(
            f"stopping_early: wallclock_cap train_time:{clock.elapsed_ms():.0f}ms step:{step}/{total}"
        )
    return LoopEnd(step, clock.elapsed_ms())


def take_step(session: Session, budget: Budget, step: int) -> None:
    """Take one optimiser step and report it."""
    config, optimisers = session.config, session.optimisers
    elapsed_ms = session.clock.elapsed_ms()
    multiplier = rate_multiplier(config.optim, budget, step, elapsed_ms)
    if config.quant.qat_below > 0:
        set_rounding(session.model, config.quant, multiplier <= config.quant.qat_below)
    loss = session.forward_backward(session.curriculum.plan(step, budget.progress(step, elapsed_ms)))
    optimisers.set_rate(multiplier)
    optimisers.set_momentum(muon_momentum(config.optim, step))
    if config.optim.grad_clip_norm > 0:
        torch.nn.utils.clip_grad_norm_(session.model.parameters(), config.optim.grad_clip_norm)
    optimisers.step()
    session.clear_gradients()
    session.average.update(step + 1, multiplier)
    done = step + 1
    if config.train.log_every > 0 and (done <= 10 or done % config.train.log_every == 0):
        mean = float(mean_over_ranks(loss))
        session.log.train_step(done, config.train.iterations, mean, session.clock.elapsed_ms())


def report_validation(session: Session, step: int) -> None:
    """Validate on the leading rank while the others wait."""
    if session.peers.leads:
        score = validate(session.model, session.config, session.dataset)
        session.log.validation(
            step, session.config.train.iterations, score.val_loss, score.val_bpb, session.clock.elapsed_ms()
        )
    wait_for_all()
