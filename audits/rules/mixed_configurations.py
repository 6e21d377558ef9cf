"""Rule: the claimed seeds were not run with one configuration."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from audits.example_folder import SCRIPT, claims, folder, log
from audits.facts.headline import claimed_runs
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.logs import LogFacts

PRIVATE = re.compile(
    r"seed|path|dir|file|logfile|run_?id|run_?name|rank|host|port|device|pattern|prefix|uuid|time|elapsed|"
    r"^(?:[a-z]|https?|avg|step|train_loss|val_loss|val_bpb|step_avg|loss|tok|val_loader|train_loader|node|pid|version|date)$",
    re.IGNORECASE,
)
"""Settings that may differ from seed to seed: places, names, clocks and results."""
DURATION = re.compile(r"^\d+(?:\.\d+)?m?s$")


class Configured(NamedTuple):
    """One run with the settings that have to be the same for all seeds."""

    run: LogFacts
    settings: dict[str, tuple[str, int]]


class MixedConfigurations(Rule):
    """The logs of the claimed seeds print different settings or different model sizes.

    Why: a mean over seeds is the mean of one submitted configuration; another one is another entry.
    Looks for: settings that the runs print (paths, names and clocks left out) and the parameter count, seed
    against seed; a seed with several logs needs one that agrees with the others.
    Blind to: settings that are not printed.
    """

    id = "mixed-configurations"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (
        RuleSource("PR #2124", "cocohearts", "2026-05-02", "the third seed came from another configuration"),
    )
    flagged = (
        Example(
            "the second seed trains wider",
            SCRIPT,
            folder(
                {
                    "train_seed1.log": log(1, extra_header="matrix_lr:0.04 model_dim:512"),
                    "train_seed2.log": log(2, 1.21, extra_header="matrix_lr:0.04 model_dim:576"),
                },
                claims(1.205, seed_results={"1": {"val_bpb": 1.2}, "2": {"val_bpb": 1.21}}),
            ),
            "#2124",
        ),
    )
    clean = (
        Example(
            "one configuration, two seeds",
            SCRIPT,
            folder(
                {
                    "train_seed1.log": log(1, extra_header="matrix_lr:0.04 model_dim:512"),
                    "train_seed2.log": log(2, 1.21, extra_header="matrix_lr:0.04 model_dim:512"),
                },
                claims(1.205, seed_results={"1": {"val_bpb": 1.2}, "2": {"val_bpb": 1.21}}),
            ),
            "#1019",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Compare the printed settings of the claimed runs, seed against seed."""
        runs = [_configured(run) for run in claimed_runs(facts.logs, facts.claims)]
        runs = [entry for entry in runs if entry.settings and entry.run.any_seed is not None]
        if len({entry.run.any_seed for entry in runs}) < 2:
            return self.outcome(Status.NOT_APPLICABLE, "fewer than two claimed seeds print their settings")
        reference = _reference(runs)
        agreeing = {entry.run.any_seed for entry in runs if not _differences(entry, reference)}
        odd = [entry for entry in runs if entry.run.any_seed not in agreeing]
        if not odd:
            return self.outcome(Status.CLEAN, f"{len(agreeing)} seeds print one configuration")
        evidence = tuple(entry for run in odd for entry in _evidence(run, reference))
        return self.outcome(
            Status.FLAGGED, "; ".join(e.message for e in evidence[:3]), evidence, confidence=0.8
        )


def _configured(run: LogFacts) -> Configured:
    settings = {
        name: (value, line)
        for name, value, line in run.hyperparameters
        if not PRIVATE.search(name) and not DURATION.match(value[:40])
    }
    if run.params:
        settings["model_params"] = (str(run.params.value), run.params.location.start_line)
    return Configured(run, settings)


def _reference(runs: list[Configured]) -> dict[str, str]:
    """Return the value that most runs print for each setting that more than one prints."""
    values: dict[str, Counter[str]] = {}
    for entry in runs:
        for name, (value, _) in entry.settings.items():
            values.setdefault(name, Counter())[value] += 1
    return {name: counts.most_common(1)[0][0] for name, counts in values.items() if sum(counts.values()) > 1}


def _differences(entry: Configured, reference: dict[str, str]) -> list[str]:
    return [name for name, (value, _) in entry.settings.items() if reference.get(name, value) != value]


def _evidence(entry: Configured, reference: dict[str, str]) -> list[Evidence]:
    found = []
    for name in _differences(entry, reference)[:12]:
        value, line = entry.settings[name]
        message = f"seed {entry.run.any_seed}: {name} = {value[:60]}, the others have {reference[name][:60]}"
        found.append(Evidence(Location(entry.run.path, line, line), message))
    return found
