"""Rule: the training loader is given the validation shards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, changed, script
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._flow import EVIDENCE_CAP, not_followed

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.outcome import Outcome

_TRAIN_NAME = re.compile(r"(?:^|_)train(?:ing)?(?:_|$)", re.IGNORECASE)
_SHARDS = re.compile(r"\*|\.bin$|\.npy$")
_VALIDATION = re.compile(r"(?:^|[/_])val(?:idation)?(?:[_/*]|$)|fineweb_\*")
_SETTING = changed(
    script(EVALUATE),
    (
        'train_files = os.path.join(data_path, "fineweb_train_*.bin")',
        'train_files = os.environ.get("TRAIN_FILES", "./data/fineweb_train_*.bin")',
    ),
)
_ON_VALIDATION = changed(_SETTING, ("./data/fineweb_train_*.bin", "./data/fineweb_val_*.bin"))
_ON_BOTH = changed(_SETTING, ("./data/fineweb_train_*.bin", "./data/fineweb_*.bin"))


class ValidationShardsInTraining(Rule):
    """The files that the model trains on are, or include, the validation shards.

    Why: a model that has trained on the split it is scored on has memorised it.
    Looks for: a setting for the training files whose value, by default or in the run command, names the validation
    split or matches the shards of both. A pattern that is fixed in the code is followed by the analysis instead.
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
        Example("the training files are those of the validation split", _ON_VALIDATION, (), "#44"),
        Example("one pattern for the shards of both splits", _ON_BOTH),
    )
    clean = (Example("each split has its own pattern", _SETTING, (), "#74"),)

    def check(self, facts: Facts) -> Outcome:
        """Read the settings that training files are found by."""
        named = [
            (name, setting, str(setting.value or ""))
            for name, setting in facts.code.settings.by_name
            if _TRAIN_NAME.search(name) and _SHARDS.search(str(setting.value or ""))
        ]
        wrong = tuple(
            Evidence(
                setting.origin_location or setting.location,
                f"training reads the validation shards: {name}={value}",
                Status.FLAGGED,
                Severity.VIOLATION,
                0.85,
            )
            for name, setting, value in named
            if _VALIDATION.search(value)
        )
        if wrong:
            return self.outcome(Status.FLAGGED, wrong[0].message, wrong[:EVIDENCE_CAP], confidence=0.85)
        if not named:
            return self.outcome(Status.NOT_APPLICABLE, "no setting holds a pattern of training files")
        name, setting, value = named[0]
        shown = Evidence(setting.location, f"{name}={value}", Status.CLEAN, Severity.NOTE)
        why = not_followed(facts)
        if why:
            return self.outcome(Status.UNCLEAR, why)
        return self.outcome(Status.CLEAN, f"training reads {value}", (shown,))
