"""Rule: a hint exists only when the token it is used to predict is of a certain class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.native import GatedHint, Switch
    from audits.facts.settings import Scalar

COUNTS = "ngram-normalised"
"""A prediction looked up for every token alike, and blended into the whole distribution."""
_SCRIPT = """\
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

BOOST = float(os.environ.get("WORD_BOOST", "{boost}"))


class WordState:
    def __init__(self):
        self.words = []
        self.best = {{}}

    def hints(self, tokens, starts_word):
        top = np.zeros(len(tokens), dtype=np.int64)
        conf = np.zeros(len(tokens), dtype=np.float32)
        for i, raw in enumerate(tokens):
            token = int(raw)
            key = tuple(self.words)
            if {guard}:
                hint = self.best.get(key)
                if hint is not None:
                    top[i] = hint[0]
                    conf[i] = hint[1]
            if bool(starts_word[token]):
                self.best[key] = (token, 0.9)
                self.words = [*self.words[-2:], token]
        return top, conf


def evaluate(model, tokens, starts_word, boost):
    top, conf = WordState().hints(tokens[1:], starts_word)
    gain = np.where(conf > 0.5, conf * boost, 0.0)
    logits = model(torch.from_numpy(tokens[:-1]))
    logits[torch.arange(len(top)), torch.from_numpy(top)] += torch.from_numpy(gain)
    loss = F.cross_entropy(logits, torch.from_numpy(tokens[1:]))
    return loss.item() / math.log(2.0)


def main():
    tokens = np.fromfile("fineweb_val_000000.bin", dtype="<u2").astype(np.int64)
    model = torch.jit.load("model.pt")
    starts_word = np.load("starts.npy")
    print(f"val_bpb:{{evaluate(model, tokens, starts_word, BOOST):.4f}}")


main()
"""

_C = """\
#include <stdint.h>
typedef struct { uint64_t key; uint16_t top; uint16_t count; } Slot;
typedef struct { Slot *table; uint64_t hash; uint32_t length; } State;

int hints(void *ptr, const uint16_t *tokens, int64_t n, const uint8_t *starts, uint16_t *top) {
    State *st = (State *)ptr;
    for (int64_t i = 0; i < n; ++i) {
        const uint16_t tok = tokens[i];
        const uint8_t fresh = starts[GATE];
        if (!fresh && st->length > 0U) {
            top[i] = st->table[st->hash & 1023].top;
        } else {
            top[i] = 0U;
        }
        st->table[st->hash & 1023].top = tok;
        st->hash = starts[tok] ? tok : st->hash * 31 + tok;
        st->length += 1U;
    }
    return 0;
}
"""
_NATIVE = """\
import ctypes

import numpy as np


def process(lib, state, tokens, starts):
    top = np.zeros(tokens.size, dtype=np.uint16)
    lib.hints(state, tokens.ctypes.data, tokens.size, starts.ctypes.data, top.ctypes.data)
    return top


lib = ctypes.CDLL("./hints.so")
print(process(lib, lib.create(), np.arange(9, dtype=np.uint16), np.zeros(9, dtype=np.uint8)))
"""


class HintGatedByRealisedToken(Rule):
    """A prediction is boosted only where the token being predicted is of a certain class.

    Why: that a hint exists tells whether the token starts a word. The blend may be normalised over the vocabulary
    for a given hint, yet the hint itself was chosen knowing the answer, so the probabilities of all tokens no
    longer sum to one.
    Looks for: position loops, in Python, C, C++ or CUDA, in which a table says something about the token at the
    loop's own position and a value looked up under another key is stored at that position under that condition,
    before the token is learned. The setting that scales such a hint is followed: at zero it is dormant.
    Blind to: gates computed on whole arrays at once; kernels whose source is not in the folder.
    """

    id = "hint-gated-by-realised-token"
    axis = Axis.LEGALITY
    condition = Condition.C1
    pattern = "target-gated-hint"
    sources = (
        RuleSource(
            "#1017", "NoesisGenesis", "2026-03-28", "p_t is a function of the artifact and the strict prefix"
        ),
        RuleSource(
            "PR #1420", "its author", "2026-04-07", "the gates read tokens[p]; the fix reads tokens[p - 1]"
        ),
        RuleSource(
            "PR #2118", "leon2k2k2k", "2026-04-30", "within-word and word-start experts see the current token"
        ),
    )
    flagged = (
        Example(
            "word-start hint looked up only for word starts",
            _SCRIPT.format(boost="0.75", guard="bool(starts_word[token]) or not self.words"),
            taught_by="#1302",
        ),
        Example("the same in C", _NATIVE, (("hints.c", _C.replace("GATE", "tok")),), "#2118"),
    )
    clean = (
        Example(
            "the gate reads the token before",
            _SCRIPT.format(boost="0.75", guard="i > 0 and bool(starts_word[tokens[i - 1]])"),
            taught_by="#1514",
        ),
        Example(
            "the gated hint has no weight",
            _SCRIPT.format(boost="0.0", guard="bool(starts_word[token]) or not self.words"),
            taught_by="#2018",
        ),
        Example(
            "in C, the gate reads the token before",
            _NATIVE,
            (("hints.c", _C.replace("GATE", "i > 0 ? tokens[i - 1] : 0")),),
            "#1514",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Flag gated hints that are reached and carry weight."""
        seen = facts.native
        names = (COUNTS,) if seen.compiled_predictors else ()
        if not seen.gated:
            if seen.predictors:
                shown = tuple(
                    Evidence(where, "looked up without the token", Status.CLEAN) for where in seen.predictors
                )
                reason = "predictions are stored for every token alike"
                return self.outcome(Status.CLEAN, reason, shown[:4], patterns=names)
            return self.outcome(Status.NOT_APPLICABLE, "no position loop stores a looked-up prediction")
        live = [hint for hint in seen.gated if self._off(hint, facts) is None]
        if live:
            reason = (
                f"{live[0].function} stores its prediction only under a condition on the token being predicted "
                f"({len(live)} such hint{'s' if len(live) > 1 else ''} carr{'y' if len(live) > 1 else 'ies'} weight)"
            )
            confidence = 0.9 if any(hint.reached for hint in live) else 0.8
            return self.outcome(Status.FLAGGED, reason, _shown(live, Status.FLAGGED), confidence=confidence)
        why = "; ".join(dict.fromkeys(self._off(hint, facts) or "" for hint in seen.gated))
        ungated = any(hint.reached is not False for hint in seen.gated)
        shown = _shown(list(seen.gated), Status.DORMANT)
        return self.outcome(Status.DORMANT, why, shown, patterns=names if ungated else ())

    @staticmethod
    def _off(hint: GatedHint, facts: Facts) -> str | None:
        """Return why a hint has no effect in the claimed run, or None."""
        if hint.reached is False:
            return f"{hint.function} is not reached"
        for switch in hint.switches:
            value = switch.constant
            setting = facts.code.settings.get(switch.name) if value is None else None
            if setting is not None:
                value = setting.value
            elif value is None:
                value = _documented(switch.name, facts) or switch.default
            if _switched_off(switch, value):
                return f"{switch.name or 'its weight'} is {value}"
        return None


def _documented(name: str, facts: Facts) -> str | None:
    """Return how the documented commands set a variable that the main script does not read (#2130)."""
    return next(
        (text for command in facts.submission.run_commands for key, text in command.env if key == name), None
    )


def _switched_off(switch: Switch, value: Scalar) -> bool:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return False
    if number is None:
        return False
    return number > 1.0 if switch.threshold else number == 0.0


def _shown(hints: list[GatedHint], status: Status) -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    for hint in hints:
        switches = ", ".join(switch.name for switch in hint.switches if switch.name)
        scaled = f"; scaled by {switches}" if switches else ""
        says = f"{hint.output} gets a prediction here only for some tokens{scaled}"
        found.append(Evidence(hint.location, says, status, Severity.VIOLATION))
        found.append(Evidence(hint.guard, "the class of the token being predicted is read here", status))
    return tuple(found)
