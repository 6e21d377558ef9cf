"""All facts about the code: the four passes, for the claimed run and once more with open switches."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from audits.facts.code.behaviour import Behaviour, summarise
from audits.facts.code.configuration import Configuration, implied_switches
from audits.facts.code.evidence import only_with_switches, open_pair, run_texts, told_switches
from audits.facts.code.facts import CodeFacts, CodeProblem
from audits.facts.code.kept import read_or_recall
from audits.facts.code.modules import ParsedModule
from audits.facts.code.reading import ModuleNames, Reading, name_modules, read_code
from audits.facts.code.stated import stated_settings
from audits.facts.code.third_party import third_party_imports
from audits.facts.layer import Layer
from audits.facts.logs import LogFacts
from audits.facts.settings import Settings
from audits.location import Location
from audits.submission import RunCommand, Submission

_OPTION = re.compile(r"--?([A-Za-z][\w-]*)(?:=(.*))?$", re.DOTALL)
OPEN_BUDGET = 200_000


@dataclass(frozen=True, slots=True)
class CodeSource:
    """What the code pass reads."""

    layers: tuple[Layer, ...]
    main: Layer | None
    modules: tuple[ParsedModule, ...]
    problems: tuple[CodeProblem, ...]
    names: tuple[ModuleNames, ...] = ()
    """Which functions matter; found once for all readings."""


def extract_code(
    submission: Submission,
    source: CodeSource,
    logs: tuple[LogFacts, ...],
    claimed_labels: frozenset[str] = frozenset(),
    claimed_logs: tuple[LogFacts, ...] | None = None,
) -> CodeFacts:
    """Return the facts about all code that the scored path may reach.

    `claimed_labels` are the labels of the log lines that carry the claimed score: what the code prints under
    them is the headline, any other evaluation is not. `claimed_logs` are the runs that the claim rests on.
    """
    source = replace(source, names=name_modules(source.modules))
    configuration, reading = read_claimed(submission, source, logs)
    behaviour = summarise(reading.machine, claimed_labels)
    dormant = Behaviour()
    if reading.machine.could_learn_elsewhere and behaviour.complete:
        opened = configure(submission, logs)
        opened.open_switches = True
        everything = read_or_recall(source.modules, opened, OPEN_BUDGET, source.names)
        bodies = run_texts(submission, logs if claimed_logs is None else claimed_logs)
        printed = only_with_switches(bodies, everything, reading)
        told = told_switches(bodies, everything, reading, configuration, printed)
        told |= told_together(source, configuration, everything, printed, told)
        if told:
            told_configuration = overlay(configuration, told)
            again = read_or_recall(source.modules, told_configuration, names=source.names)
            if again.machine.reported_scores:
                configuration, reading = told_configuration, again
                behaviour = summarise(reading.machine, claimed_labels)
        implied = implied_switches(configuration, printed)
        behaviour = with_implied(source, configuration, implied, behaviour)
        dormant = difference(summarise(everything.machine), behaviour)
    problems = list(source.problems)
    if not behaviour.complete and source.main is not None:
        here = Location(source.main.path, 1, 1, source.main.index)
        problems.append(CodeProblem("budget-spent", here, "the code could not be followed to its end"))
    return CodeFacts(
        layers=source.layers,
        main=source.main,
        settings=Settings(tuple(sorted(configuration.settings.items()))),
        imports=third_party_imports(source.modules),
        problems=tuple(problems),
        behaviour=behaviour,
        dormant=dormant,
    )


def read_claimed(
    submission: Submission, source: CodeSource, logs: tuple[LogFacts, ...]
) -> tuple[Configuration, Reading]:
    """Read the code as the claimed run was configured.

    The logs have the last word on a knob, but logs of a dry run lead nowhere (#110), nor does the command of
    a screening run (#244): where no score is met, the run command alone is taken, then the defaults.
    """
    configuration = configure(submission, logs)
    reading = read_or_recall(source.modules, configuration, names=source.names)
    if reading.machine.reported_scores or reading.machine.trace.budget_spent:
        return configuration, reading
    documented = configure(submission, ())
    fallbacks = [documented] if configuration.logged else []
    if documented.command or documented.arguments:
        fallbacks.append(Configuration())
    for fallback in fallbacks:
        again = read_or_recall(source.modules, fallback, names=source.names)
        if again.machine.reported_scores:
            return fallback, again
    presumed = read_code(source.modules, configuration, names=source.names, presuming=True)
    return configuration, presumed if presumed.machine.reported_scores else reading


def told_together(
    source: CodeSource,
    configuration: Configuration,
    everything: Reading,
    printed: list[str],
    told: dict[str, str],
) -> dict[str, str]:
    """Return two switches as on where the code builds what a log holds with both and with neither alone."""
    found = open_pair(everything, configuration, printed, told)
    if found is None:
        return {}
    (one, other), texts = found
    both = {one: "1", other: "1"}
    fitting = []
    for way in ({one: "1"}, {other: "1"}, both):
        tried = read_or_recall(source.modules, overlay(configuration, {**told, **way}), names=source.names)
        if all(text in tried.machine.trace.texts for text in texts):
            fitting.append(way)
    return both if fitting == [both] else {}


def with_implied(
    source: CodeSource, configuration: Configuration, switches: dict[str, str], behaviour: Behaviour
) -> Behaviour:
    """Add what happens when switches are on that the run's own evidence implies, marked as assumed."""
    if not switches:
        return behaviour
    implied = replace(configuration, command={**configuration.command, **switches}, settings={}, asked={})
    extra = difference(
        summarise(read_or_recall(source.modules, implied, OPEN_BUDGET, source.names).machine), behaviour
    )
    return replace(
        behaviour,
        exposures=behaviour.exposures + tuple(replace(item, assumed=True) for item in extra.exposures),
        marks=behaviour.marks + tuple(replace(mark, assumed=True) for mark in extra.marks),
        adaptations=behaviour.adaptations + extra.adaptations,
        scores=behaviour.scores + extra.scores,
    )


def configure(submission: Submission, logs: tuple[LogFacts, ...]) -> Configuration:
    """Return what the run command and the logs lay over the script's defaults."""
    from audits.intake.headline import headline

    configuration = Configuration()
    command = headline(submission)
    if command is not None:
        configuration.command = dict(command.env)
        if command.nproc is not None:
            configuration.command.setdefault("WORLD_SIZE", str(command.nproc))
        configuration.command_location = Location(command.path, command.line, command.line)
        configuration.arguments = options(command)
    elif not submission.run_commands:
        configuration.command, configuration.command_location = stated_settings(submission)
    lay_logs(configuration, logs)
    return configuration


def overlay(configuration: Configuration, told: dict[str, str]) -> Configuration:
    """Return a configuration with the switches that the logs tell."""
    return replace(
        configuration,
        logged={**configuration.logged, **{name.lower(): value for name, value in told.items()}},
        settings={},
        asked={},
    )


def lay_logs(configuration: Configuration, logs: tuple[LogFacts, ...]) -> None:
    """Lay the hyperparameters that the logs print over the rest, where all logs that print one agree."""
    values: dict[str, set[str]] = {}
    for log in logs:
        for name, text, line in log.hyperparameters:
            values.setdefault(name.lower(), set()).add(text)
            if configuration.logged_location is None:
                configuration.logged_location = Location(log.path, line, line)
    configuration.logged = {name: texts.pop() for name, texts in values.items() if len(texts) == 1}


def options(command: RunCommand) -> dict[str, str]:
    """Return the options of a run command by name; a flag without a value holds an empty text."""
    found: dict[str, str] = {}
    words = list(command.argv)
    for position, word in enumerate(words):
        match = _OPTION.match(word)
        if match is None:
            continue
        name, value = match.group(1), match.group(2)
        following = words[position + 1] if position + 1 < len(words) else "--"
        found[name] = value if value is not None else "" if following.startswith("-") else following
    return found


def difference(opened: Behaviour, claimed: Behaviour) -> Behaviour:
    """Return what only happens with other switches."""
    exposed = {(item.update.location, item.score) for item in claimed.exposures}
    marked = {(mark.kind, mark.location) for mark in claimed.marks}
    adapted = {item.location for item in claimed.adaptations}
    scored = set(claimed.scores)
    return Behaviour(
        reports=opened.reports,
        scores=tuple(item for item in opened.scores if item not in scored),
        exposures=tuple(
            item for item in opened.exposures if (item.update.location, item.score) not in exposed
        ),
        adaptations=tuple(item for item in opened.adaptations if item.location not in adapted),
        marks=tuple(mark for mark in opened.marks if (mark.kind, mark.location) not in marked),
        updates=opened.updates,
        complete=opened.complete,
    )
