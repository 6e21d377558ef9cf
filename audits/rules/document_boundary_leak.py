"""Rule: a gate mixes the last token of a document into the first of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.boundaries import PreviousMix

_MODEL = """\
import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from flash_attn_interface import flash_attn_varlen_func

BOS = 1
SMEAR = bool(int(os.environ.get("SMEAR", "{on}")))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(1024, 64)
        self.gate = nn.Linear(12, 1, bias=False)
        self.head = nn.Linear(64, 1024, bias=False)

    def forward(self, ids, starts):
        x = self.table(ids)
        if SMEAR:
            gate = torch.sigmoid(self.gate(x[:, 1:, :12]))
{mix}
        x = flash_attn_varlen_func(x, x, x, cu_seqlens_q=starts, cu_seqlens_k=starts, causal=True)
        return self.head(x)


def evaluate(model, ids, starts):
    with torch.no_grad():
        logits = model(ids[:, :-1], starts)
        loss = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    print(f"val_bpb:{{loss.item() / math.log(2.0):.4f}}")


evaluate(Model(), torch.ones(1, 9, dtype=torch.long), torch.tensor([0, 4, 8]))
"""
_OPEN = "            x = torch.cat([x[:, :1], x[:, 1:] + gate * x[:, :-1]], dim=1)"
_MASKED = """\
            inside = (ids[:, 1:] != BOS).unsqueeze(-1).to(x.dtype)
            x = torch.cat([x[:, :1], x[:, 1:] + gate * x[:, :-1] * inside], dim=1)"""
_FILLED = """\
            before = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)
            before = before.masked_fill(fresh[..., None], 0)
            gate = torch.sigmoid(self.gate(x[:, :, :12]))
            x = (1 - gate) * x + gate * before"""


class DocumentBoundaryLeak(Rule):
    """A gate carries the previous token's state across the start of a document.

    Why: in packed rows the last token of one document reaches the first of the next, although attention keeps
    documents apart. It stays left to right, so causality as such is kept.
    Looks for: scripts whose attention is told where documents begin, and that add a gated copy of the previous
    position to a hidden state with no comparison of tokens in the gate and no mask on the copy.
    Blind to: other layers that mix neighbours (convolutions, recurrences).
    Ruling: a maintainer would not merge #1797 as it was (2026-04-26); #1667 has the same gate and is a row. Under
    `practice` this is a note.
    """

    id = "document-boundary-leak"
    axis = Axis.LEGALITY
    condition = Condition.C1
    pattern = "bos-leak"
    severity = Severity.DISPUTED
    sources = (
        RuleSource(
            "PR #1797", "cocohearts", "2026-04-26", "cross-document smear in packed rows is a validity defect"
        ),
        RuleSource(
            "PR #1851",
            "its author",
            "2026-04-28",
            "zeroes the gate where the current token starts a document",
        ),
    )
    flagged = (Example("the gate is not masked", _MODEL.format(on=1, mix=_OPEN), taught_by="#1797"),)
    clean = (
        Example(
            "the gate is zero at a document's start", _MODEL.format(on=1, mix=_MASKED), taught_by="#1851"
        ),
        Example(
            "the copy is filled under a mask that the caller makes",
            _MODEL.format(on=1, mix=_FILLED).replace("ids, starts):", "ids, starts, fresh=None):", 1),
            taught_by="#1354",
        ),
        Example("the gate is off", _MODEL.format(on=0, mix=_OPEN), taught_by="#1530"),
        Example(
            "documents are not kept apart anyway",
            _MODEL.format(on=1, mix=_OPEN)
            .replace("flash_attn_varlen_func", "attend")
            .replace("cu_seqlens_", "n_"),
            taught_by="#1019",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Flag unmasked mixes that the claimed run reaches."""
        seen = facts.boundaries
        if seen.packed is None:
            return self.outcome(Status.NOT_APPLICABLE, "attention is not told where documents begin")
        open_mixes = [mix for mix in seen.mixes if not mix.masked]
        live = [mix for mix in open_mixes if mix.reached is not False]
        if live:
            reason = "a gate adds the previous position's state, also at the first token of a packed document"
            return self.outcome(
                Status.FLAGGED, reason, _shown(live, Status.FLAGGED), confidence=0.8, dispute="bos-leak"
            )
        if open_mixes:
            return self.outcome(
                Status.DORMANT,
                "the unmasked gate is off in the claimed run",
                _shown(open_mixes, Status.DORMANT),
            )
        if seen.mixes:
            return self.outcome(
                Status.CLEAN,
                "the gate is masked where a document begins",
                _shown(list(seen.mixes), Status.CLEAN),
            )
        return self.outcome(Status.NOT_APPLICABLE, "no state is mixed with that of the position before")


def _shown(mixes: list[PreviousMix], status: Status) -> tuple[Evidence, ...]:
    says = "masked by a comparison of tokens" if status is Status.CLEAN else "no mask at a document's start"
    return tuple(Evidence(mix.location, says, status, Severity.DISPUTED) for mix in mixes)
