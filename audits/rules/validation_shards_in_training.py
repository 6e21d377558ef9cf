"""Rule: the training loader is given the validation shards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, changed, script
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._flow import EVIDENCE_CAP
from audits.rules._script_text import executed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts import Facts
    from audits.facts.layer import Layer
    from audits.outcome import Outcome

_TRAIN_NAME = re.compile(r"(?:^|_)train(?:ing)?(?:_|$)", re.IGNORECASE)
_ASSIGNED = re.compile(r"[ \t]*(?:self\.|args\.|cfg\.)?(\w*train\w*)\s*(?::[^=\n]{1,60})?=(?!=)(.*)")
_TEXT = re.compile(r"\"([^\"\n]{1,300})\"|'([^'\n]{1,300})'")
_VALIDATION = re.compile(r"(?:^|[/_\\])val(?:idation)?(?:[_/*\\]|$)")
_EVERYTHING = re.compile(r"fineweb_\*")
_WIDTH = 1_000
_TRAINS_ON_VAL = changed(script(EVALUATE), ('"fineweb_train_*.bin"', '"fineweb_val_*.bin"'))
_ALL_SHARDS = changed(script(EVALUATE), ('"fineweb_train_*.bin"', '"fineweb_*.bin"'))


class ValidationShardsInTraining(Rule):
    """The files that the model trains on are, or include, the validation shards.

    Why: a model that has trained on the split it is scored on has memorised it.
    Looks for: a setting or a variable of the training files whose value names the validation split, in the script or
    in the run command, and a pattern that matches the shards of both splits.
    Blind to: training shards that hold validation documents under another name (see the overlap fingerprint), and
    copies made by another script.
    Ruling: training on validation alone was once allowed in a chat (#44); the README has forbidden it since.
    """

    id = "validation-shards-in-training"
    axis = Axis.LEGALITY
    condition = Condition.DATA
    pattern = "train-on-val"
    sources = (
        RuleSource("README", "openai", "2026-03-20", "no training on validation before it is evaluated"),
        RuleSource("PR #44", "its author", "2026-03-19", "trains on the validation split alone"),
    )
    flagged = (
        Example("the training pattern names the validation shards", _TRAINS_ON_VAL, (), "#44"),
        Example("one pattern for the shards of both splits", _ALL_SHARDS),
    )
    clean = (Example("each split has its own pattern", script(EVALUATE), (), "#74"),)

    def check(self, facts: Facts) -> Outcome:
        """Read the patterns that training files are found by."""
        layers = executed(facts.code)
        wrong = [*_settings(facts), *(entry for layer in layers for entry in _assigned(layer))]
        if wrong:
            return self.outcome(
                Status.FLAGGED, wrong[0].message, tuple(wrong[:EVIDENCE_CAP]), confidence=0.85
            )
        if not any("train" in layer.source and "val" in layer.source for layer in layers):
            return self.outcome(Status.NOT_APPLICABLE, "no pattern of training files was found")
        if facts.code.behaviour.complete and facts.code.behaviour.scores:
            return self.outcome(Status.CLEAN, "no pattern of training files names the validation split")
        return self.outcome(Status.NOT_APPLICABLE, "the code was not followed to a score")


def _settings(facts: Facts) -> Iterator[Evidence]:
    for name, setting in facts.code.settings.by_name:
        value = str(setting.value or "")
        if _TRAIN_NAME.search(name) and _names_validation(value):
            place = setting.origin_location or setting.location
            yield _evidence(place, f"{name}={value}")


def _assigned(layer: Layer) -> Iterator[Evidence]:
    for number, line in enumerate(layer.source.split("\n"), 1):
        if "train" not in line or "val" not in line and "fineweb_*" not in line:
            continue
        match = _ASSIGNED.match(line[:_WIDTH])
        if match is None or "val" in match.group(1) or "eval" in match.group(1):
            continue
        texts = [first or second for first, second in _TEXT.findall(match.group(2))]
        named = next((text for text in texts if _names_validation(text)), None)
        if named is not None and not any("train" in text for text in texts):
            yield _evidence(
                Location(layer.path, number, number, layer.index), f"{match.group(1)} = {named!r}"
            )


def _names_validation(value: str) -> bool:
    shards = ".bin" in value or "*" in value or ".npy" in value
    return bool(shards and (_VALIDATION.search(value) or _EVERYTHING.search(value)))


def _evidence(place: Location, says: str) -> Evidence:
    return Evidence(
        place, f"training reads the validation shards: {says}", Status.FLAGGED, Severity.VIOLATION, 0.85
    )
