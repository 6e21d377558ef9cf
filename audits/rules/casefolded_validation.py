"""Rule: the text that is scored was lower-cased first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.example_bytes import script
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.layer import Layer

_FOLDED = re.compile(r"casefold|case_fold|lower_?cased?(?![a-z])", re.IGNORECASE)
_NAMED = re.compile(
    r"""["'][^"'\n]{0,120}(?:casefold|case_fold|lower_?cased)[^"'\n]{0,120}(?:\.model|\.bin|\.json|/)?[^"'\n]{0,40}["']""",
    re.IGNORECASE,
)
_PLACE = re.compile(r"fineweb|\.model|\.bin|dataset|tokenizer|sp\d{3,}", re.IGNORECASE)
_ENCODES = re.compile(r"\.(?:encode|Encode)\w*\(\s*[\w.]+\.(?:lower|casefold)\(\)")
_WORDS = ("casefold", "case_fold", "lowercase", "lower_case", ".lower()")
LONGEST_LINE = 4_000


class CasefoldedValidation(Rule):
    """Validation text is folded to lower case before it is tokenised.

    Why: folding loses information, so other text is scored than the fixed split; the number of bytes hardly
    changes, which is why the implied-bytes check does not see it.
    Looks for: data or tokenizer files of the claimed run that are named as case-folded, in the settings, the logs
    or the code, and text that is lower-cased on its way into the tokenizer.
    Blind to: folded data under a neutral name. A lossless case transform with a byte sidecar is not meant.
    Ruling: issue #1604 is open; no entry of this kind was listed.
    """

    id = "casefolded-validation"
    axis = Axis.METRIC
    condition = Condition.BPB
    pattern = "other:casefold-lossy"
    severity = Severity.DISPUTED
    sources = (
        RuleSource(
            "issue #1604", "community", "2026-04-13", "is lossy lower-casing of the validation text allowed?"
        ),
        RuleSource("PR #1578", "mikeapedia", "2026-04-12", "argues that NFKC is lossy as well"),
    )
    flagged = (
        Example(
            "a case-folded data set",
            script().replace("fineweb_val_000000.bin", "fineweb10B_sp8192_casefold/fineweb_val_000000.bin"),
            taught_by="#1670",
        ),
        Example(
            "lower-cased on the way into the tokenizer",
            script(main='sp = spm.SentencePieceProcessor(model_file="t.model")\ntext = open("val.txt").read()\n'
                   'ids = sp.encode(text.lower())\nprint(len(ids))\n'),
            taught_by="#1578",
        ),
    )  # fmt: skip
    clean = (
        Example("the canonical data", script(), taught_by="#549"),
        Example(
            "lower-casing the name of a mode",
            script().replace("sp = spm", 'mode = "ATTN".lower()\n    sp = spm'),
            taught_by="#1530",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Look at the settings first, then at the logs, then at the code."""
        found = _in_settings(facts) or _in_logs(facts) or _in_code(facts)
        if found is None:
            if facts.code.main is None:
                return self.outcome(Status.UNCLEAR, "no script could be read")
            return self.outcome(Status.CLEAN, "neither data nor tokenizer is named as case-folded")
        return self.outcome(Status.FLAGGED, found.message, (found,), confidence=0.85, dispute="casefold")


def _evidence(where: Location | None, message: str) -> Evidence:
    return Evidence(where, message, severity=Severity.DISPUTED)


def _in_settings(facts: Facts) -> Evidence | None:
    for name, setting in facts.code.settings.by_name:
        value = setting.value
        if isinstance(value, str) and _FOLDED.search(value) and _PLACE.search(value):
            return _evidence(
                setting.origin_location or setting.location, f"{name} names case-folded data: {value[:120]}"
            )
    return None


def _in_logs(facts: Facts) -> Evidence | None:
    for log in facts.logs:
        for name, text, line in log.hyperparameters:
            if _FOLDED.search(text) and _PLACE.search(text):
                return _evidence(
                    Location(log.path, line, line), f"the run used case-folded data: {name} {text[:120]}"
                )
    return None


def _in_code(facts: Facts) -> Evidence | None:
    main = facts.code.main
    for layer in facts.code.layers:
        if layer.language != "python" or not (layer is main or layer.module):
            continue
        hit = _line_of(layer)
        if hit is not None:
            line, message = hit
            return _evidence(Location(layer.path, line, line, layer.index), message)
    return None


def _line_of(layer: Layer) -> tuple[int, str] | None:
    source = layer.source
    # The long s is the one other letter that the patterns take for one of these.
    lowered = source.lower().replace("\u017f", "s")
    # Literals first: they are found many times faster than the patterns, and hardly a script has one.
    words = [word for word in _WORDS if word in lowered]
    if not words:
        return None
    rows = zip(source.split("\n"), lowered.split("\n"), strict=True)
    for number, (line, low) in enumerate(rows, 1):
        if not any(word in low for word in words):
            continue
        text = line[:LONGEST_LINE]
        if _ENCODES.search(text):
            return number, "text is lower-cased on its way into the tokenizer"
        match = _NAMED.search(text) if _FOLDED.search(text) else None
        if match and _PLACE.search(match.group()):
            return number, f"the code names case-folded data: {match.group()[:120]}"
    return None
