"""Rule: losses are set to zero where a stored copy holds the token."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from audits.example_evaluation import changed, script
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._flow import EVIDENCE_CAP, not_followed
from audits.rules._script_text import arguments, executed, split_arguments
from audits.rules._switches import switched_off, unset_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts import Facts
    from audits.facts.code import CodeFacts
    from audits.facts.layer import Layer
    from audits.outcome import Outcome

_MATCH = re.compile(
    r"\s*(\w+)\s*=\s*\(?\s*(\w+)(?:\[[^\]\n]{0,80}\])?\s*==\s*(\w+)(?:\[[^\]\n]{0,80}\])?\s*\)?\s*$"
)
_LOSS = re.compile(r"\b(?:cross_entropy|nll_loss)\(")
_ASSIGNED = re.compile(r"\s*(\w+)\s*=(?!=)")
_CUT = re.compile(r"\s*(\w+)\s*=\s*(\w+)[\[.]")
_WORD = re.compile(r"[A-Za-z_]\w*")
_WIDTH = 400

_PREFIX = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size = 0.0, 0.0
    stored = torch.from_numpy(np.load("prefix.npy").astype(np.int64))
    with torch.inference_mode():
        for start in range(0, val_tokens.numel() - 1, args.seq_len):
            span = val_tokens[start : start + args.seq_len + 1]
            x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
            logits = model.head(model.forward_hidden(x)).reshape(-1, args.vocab_size)
            nll = F.cross_entropy(logits, y.reshape(-1), reduction="none")
            known = stored[start : start + args.seq_len]
            target = y.reshape(-1)[: known.numel()]
            covered = known == target
            nll[: known.numel()] *= (~covered).float()
            nats += nll.sum().item()
            size += base_bytes[y].sum().item()
    return nats / math.log(2.0) / size
"""
_LOADER = """\
def load_stored(args):
    if not args.prefix_file:
        return torch.zeros(0, dtype=torch.int64)
    return torch.from_numpy(np.load(args.prefix_file).astype(np.int64))


"""


class PaidPrefix(Rule):
    """The loss of a token is dropped where a stored copy of the validation text holds it.

    Why: paying for validation tokens with bytes of the artifact measures a compressor of one known text, not a
    language model.
    Looks for: a comparison of stored tokens with the targets, and per-token losses that are set to zero where both
    agree.
    Blind to: validation text hidden in weights or literals, and stored tokens that the model is conditioned on.
    Ruling: the README bans it since 2026-03-20; #168, #262 and #275 were closed.
    """

    id = "paid-prefix"
    axis = Axis.LEGALITY
    condition = Condition.DATA
    pattern = "paid-prefix"
    sources = (
        RuleSource(
            "README", "openai", "2026-03-20", "no validation data, such as a paid prefix, in the artifact"
        ),
    )
    flagged = (Example("stored tokens cancel the loss where they match", script(_PREFIX), (), "#262"),)
    clean = (
        Example(
            "the stored tokens are never loaded",
            script(
                changed(
                    _PREFIX,
                    (
                        'stored = torch.from_numpy(np.load("prefix.npy").astype(np.int64))',
                        "stored = load_stored(args)",
                    ),
                ).replace("def evaluate", _LOADER + "def evaluate", 1)
            ).replace("    epochs =", '    prefix_file = os.environ.get("PREFIX_FILE", "")\n    epochs =', 1),
            (),
            "#806",
        ),
        Example(
            "the share of matching tokens is only counted",
            script(
                changed(
                    _PREFIX,
                    ("nll[: known.numel()] *= (~covered).float()", "matched = covered.float().mean()"),
                )
            ),
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Find losses that a comparison with the targets cancels."""
        found = [entry for layer in executed(facts.code) for entry in _cancelled(layer)]
        asleep = [switch for entry in found if (switch := entry.asleep(facts.code))]
        live = [entry.evidence for entry in found if not entry.asleep(facts.code)]
        if live:
            return self.outcome(Status.FLAGGED, live[0].message, tuple(live[:EVIDENCE_CAP]), confidence=0.85)
        if found:
            reason = f"off in the claimed run ({asleep[0]}): {found[0].evidence.message}"
            shown = tuple(
                replace(entry.evidence, status=Status.DORMANT, severity=Severity.NOTE) for entry in found
            )
            return self.outcome(Status.DORMANT, reason, shown[:EVIDENCE_CAP])
        if not_followed(facts):
            return self.outcome(Status.NOT_APPLICABLE, "the code was not followed to a score")
        return self.outcome(Status.CLEAN, "no loss is cancelled by a stored copy of the targets")


class _Cancelled(NamedTuple):
    evidence: Evidence
    place: Location
    stored: str
    """Name of the stored tokens."""
    layer: Layer

    def asleep(self, code: CodeFacts) -> str | None:
        """Return the setting that keeps it from happening."""
        return switched_off(code, self.place) or unset_source(code, self.layer, self.stored)


def _cancelled(layer: Layer) -> Iterator[_Cancelled]:
    """Yield the losses that are set to zero under a comparison of targets with something else."""
    if "==" not in layer.source:
        return
    lines = layer.source.split("\n")
    matches = [
        (number, match)
        for number, line in enumerate(lines, 1)
        if "==" in line and (match := _MATCH.match(line[:_WIDTH]))
    ]
    names: tuple[frozenset[str], frozenset[str]] | None = None
    for number, match in matches:
        mask, *sides = match.groups()
        for place, loss in _zeroed(lines, mask):
            losses, targets = names = names or _losses_and_targets(layer.source)
            stored = [side for side in sides if side not in targets]
            if loss not in losses or len(stored) != 1:
                continue
            says = (
                f"the loss is set to zero here where {sides[0]} equals {sides[1]} (line {number}): a stored copy of"
                " the tokens replaces their prediction"
            )
            where = Location(layer.path, place, place, layer.index)
            evidence = Evidence(where, says, Status.FLAGGED, Severity.VIOLATION, 0.85)
            yield _Cancelled(evidence, where, stored[0], layer)
            break


def _zeroed(lines: list[str], mask: str) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of everything that is set to zero where `mask` is true."""
    zeroing = re.compile(
        rf"\s*(\w+)(?:\[[^\]\n]{{0,80}}\])?\s*(?:\*=\s*\(?\s*~\s*{mask}\b|=\s*\w+\s*\*\s*\(?\s*~\s*{mask}\b"
        rf"|=\s*[\w.]*where\(\s*{mask}\s*,\s*(?:0|torch\.zeros)|=\s*[\w.]*masked_fill\(\s*{mask}\s*,\s*0)"
        rf"|\s*(\w+)\[[^\]\n]{{0,60}}\b{mask}\b[^\]\n]{{0,60}}\]\s*=\s*0"
        rf"|\s*(\w+)\.masked_fill_\(\s*{mask}\s*,\s*0"
    )
    for number, line in enumerate(lines, 1):
        match = zeroing.match(line[:_WIDTH]) if mask in line else None
        if match:
            yield number, match.group(1) or match.group(2) or match.group(3)


def _losses_and_targets(source: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that hold per-token losses, and those that hold what the losses are taken on."""
    losses: set[str] = set()
    targets: set[str] = set()
    for match in _LOSS.finditer(source):
        line = source[source.rfind("\n", 0, match.start()) + 1 : match.start()]
        assigned = _ASSIGNED.match(line)
        if assigned:
            losses.add(assigned.group(1))
        parts = split_arguments(arguments(source, match.end()))
        if len(parts) > 1:
            targets.update(_WORD.findall(parts[1])[:1])
    for _ in range(2):
        for line in source.split("\n"):
            cut = _CUT.match(line[:_WIDTH])
            if cut and cut.group(2) in losses:
                losses.add(cut.group(1))
            if cut and cut.group(2) in targets:
                targets.add(cut.group(1))
    return frozenset(losses), frozenset(targets)
