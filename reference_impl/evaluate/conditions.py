"""The four conditions of #1017, and how a method says that it meets them.

A declaration is a promise in words; `tests/reference_impl` holds every method to the checks named here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conditions:
    """Why a method's number counts, condition by condition."""

    causal: str
    """C1: a prediction is a function of the artifact and the strict prefix. Tested: changing token t changes
    no score at or before t, and the distribution at t stays as it is."""
    normalised: str
    """C2: each score is read off one distribution over the whole vocabulary, fixed before the token is seen.
    Tested: the probabilities sum to one within 1e-5; the ledger checks a sample of every booking."""
    score_first: str
    """C3: a token is booked before anything learns from it. Tested: what was learned never changes a booked
    score."""
    single_pass: str
    """C4: each token is scored once, left to right. Enforced: the ledger refuses a second booking and a
    missing one."""


FIXED_PREDICTOR = "nothing is learned from validation tokens"
ONE_BOOKING = "windows overlap in context only; each position is scored by the first window that reaches it"
SOFTMAX = "softmax of the model's logits over all pieces"
