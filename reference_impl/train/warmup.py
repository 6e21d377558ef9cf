"""Steps before the clock: they compile every graph that the run will need, then all they changed is put back.

torch.compile compiles a graph when it is first met. A run that deepens or starts to round late would stop for
it in the middle of its ten minutes; so each variant is met here (#1231). Weights, optimiser and loader are as
before afterwards, to the bit.
"""

from __future__ import annotations

import copy
import time

from reference_impl.artifact.qat import set_rounding
from reference_impl.train.session import Session
from reference_impl.train.supervision import StepPlan


def warm_up(session: Session) -> None:
    """Run the warm-up steps and restore the session."""
    plans = warmup_plans(session)
    if not plans:
        return
    began = time.perf_counter()
    weights = {name: t.detach().clone() for name, t in session.model.state_dict().items()}
    states = [copy.deepcopy(o.state_dict()) for o in session.optimisers.each()]
    for number, (plan, rounding) in enumerate(plans, start=1):
        set_rounding(session.model, session.config.quant, rounding)
        session.forward_backward(plan)
        session.optimisers.step()
        session.clear_gradients()
        session.log.say(f"warmup_step:{number}/{len(plans)}")
    set_rounding(session.model, session.config.quant, False)
    session.model.load_state_dict(weights)
    for optimiser, state in zip(session.optimisers.each(), states, strict=True):
        optimiser.load_state_dict(state)
    session.rewind()
    seconds = time.perf_counter() - began
    if session.compiled:
        graphs = len(set(plans))
        session.log.say(
            f"compile:{graphs} graphs met in {len(plans)} warm-up steps, {seconds:.1f}s off the clock"
        )
    session.log.note("warmup", steps=len(plans), seconds=seconds)


def warmup_plans(session: Session) -> list[tuple[StepPlan, bool]]:
    """Return the plan of each warm-up step and whether weights are rounded: every variant at least once."""
    variants = [(plan, False) for plan in session.curriculum.variants()]
    if session.config.quant.qat_below > 0:
        variants += [(plan, True) for plan, _ in variants]
    wanted = session.config.train.warmup_steps
    if session.compiled:
        wanted = max(wanted, len(variants))
    if len(variants) < 2 or not session.compiled:
        return variants[:1] * wanted
    # The plain graph takes what is left over; the others are met once.
    return variants[:1] * (wanted - len(variants) + 1) + variants[1:]
