"""Make the launch plan of a submission from its documented command, its logs and its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.facts.settings import ValueOrigin
from audits.intake.headline import headline, runs
from audits.launch.arguments import command_variables, open_word, refusal, script_arguments
from audits.launch.denied import denied_switches
from audits.launch.prose import stated_variables
from audits.launch.records import Choice, LaunchPlan, LeftOut, Need, Variable
from audits.launch.requirements import declared_packages, read_requirements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audits.facts import Facts
    from audits.facts.code import Import
    from audits.facts.settings import Setting
    from audits.submission import RunCommand, SourceFile, Submission

MAX_LOG_BYTES = 256 * 1024
"""Larger logs are not laid out: no script reads its own result."""
_SWITCHES = frozenset(("0", "1", "true", "false", "yes", "no", "on", "off"))
_CAPPED = ("binary", "file-cap", "total-cap", "file-too-large")
_LOGS = (".log", ".out", ".err")


def launch_plan(submission: Submission, facts: Facts | None = None) -> LaunchPlan:
    """Return the plan. Without facts, switches that only logs tell and the imports are unknown."""
    command = headline(submission)
    variables, dropped = command_variables(command) if command else _stated(submission, facts)
    choices = [_script_choice(submission), _command_choice(submission, command, bool(variables))]
    variables, told = _with_logged_switches(variables, facts)
    arguments, refused = _arguments(submission, command)
    needs = _needs(facts)
    files, left_out = _files(submission)
    return LaunchPlan(
        script=submission.main_script,
        arguments=arguments,
        environment=tuple(sorted(variables, key=lambda entry: entry.name)),
        nproc=command.nproc if command else None,
        command=command,
        files=files,
        left_out=left_out,
        requirements=read_requirements(submission),
        needs=needs,
        declared=declared_packages(submission, frozenset(need.package for need in needs)),
        layers=facts.code.layers if facts else (),
        headline_labels=_headline_labels(facts),
        choices=(*choices, *refused, *dropped, *told),
    )


def _stated(submission: Submission, facts: Facts | None) -> tuple[list[Variable], list[Choice]]:
    """Return what the README names and what it denies; a setting that it names is not denied."""
    named, choices = stated_variables(submission, facts)
    denied, reasons = denied_switches(submission, facts)
    return [*named, *denied], [*choices, *reasons]


def _script_choice(submission: Submission) -> Choice:
    return Choice(f"script {submission.main_script or 'none'}", submission.main_script_reason)


def _command_choice(submission: Submission, command: RunCommand | None, stated: bool) -> Choice:
    """Return why this command is followed, or that there is none."""
    if command is None:
        but = ", but for what the README names" if stated else ""
        return Choice("no documented command", f"the script runs with its own defaults{but}")
    others = len(submission.run_commands) - 1
    why = f"the documented command nearest to the claimed run, of {others + 1}" if others else "the only one"
    return Choice(f"command {command.text[:500]}", why, command.path, command.line)


def _arguments(
    submission: Submission, command: RunCommand | None
) -> tuple[tuple[str, ...], tuple[Choice, ...]]:
    """Return the arguments, none where they are another script's or hang on something unsaid."""
    if command is None:
        return (), ()
    words = script_arguments(command)
    if words and not runs(command, submission.main_script or ""):
        why = f"they belong to {command.script}, which is not the script that is judged"
        return (), (Choice("no arguments", why, command.path, command.line),)
    loose = [word for word in words if open_word(word)]
    if loose:
        why = f"{loose[0][:80]} depends on what the command does not say"
        return (), (Choice("no arguments", why, command.path, command.line),)
    return words, ()


def _with_logged_switches(
    variables: list[Variable], facts: Facts | None
) -> tuple[list[Variable], list[Choice]]:
    """Lay over the command those switches that side files and logs of the claimed run show otherwise.

    Only switches: a logged number may be derived (a rate that tied weights set to nought), and numbers choose
    no path.
    """
    known = {entry.name: entry for entry in variables}
    told: list[Choice] = []
    for name, setting in facts.code.settings.by_name if facts else ():
        if not _logged_switch(setting) or refusal(name, str(setting.value)):
            continue
        value = str(setting.value)
        if name in known and known[name].value.lower() == value.lower():
            continue
        where = setting.origin_location or setting.location
        known[name] = Variable(name, value, setting.origin.value, where.path, where.start_line)
        source = setting.origin.value.replace("_", " ")
        why = f"the {source} of the claimed run has it so; the default is {setting.default}"
        told.append(Choice(f"{name}={value}", why, where.path, where.start_line))
    return list(known.values()), told


def _logged_switch(setting: Setting) -> bool:
    if setting.origin not in (ValueOrigin.LOG, ValueOrigin.SIDE_FILE):
        return False
    before, after = str(setting.default).strip().lower(), str(setting.value).strip().lower()
    return before in _SWITCHES and after in _SWITCHES and before != after


def _needs(facts: Facts | None) -> tuple[Need, ...]:
    """Return the packages that the code imports, the binding import of each."""
    found: dict[str, Import] = {}
    for entry in facts.code.imports if facts else ():
        kept = found.get(entry.package)
        if kept is None or (kept.guarded and not entry.guarded):
            found[entry.package] = entry
    return tuple(
        Need(name, entry.guarded, entry.location.path, entry.location.start_line, entry.location.layer)
        for name, entry in sorted(found.items())
    )


def _files(submission: Submission) -> tuple[tuple[tuple[str, bytes], ...], tuple[LeftOut, ...]]:
    """Return the files to lay out, and those that are not with the reason."""
    kept, left_out = [], []
    for file in sorted(submission.files, key=lambda entry: entry.path):
        why = _why_not(file)
        if not why:
            kept.append((file.path, file.data))
            continue
        left_out.append(LeftOut(file.path, file.size, file.blob_id, why, _readable(file)))
    return tuple(kept), tuple(left_out)


def _why_not(file: SourceFile) -> str:
    """Return why a file is not laid out, else an empty string."""
    reasons: Iterable[tuple[str, bool]] = (
        ("the repository does not hold it", file.absent),
        (f"not read: {file.unread}", file.unread is not None),
        ("only part of it was read", file.truncated),
        ("a log", file.suffix in _LOGS and file.size > MAX_LOG_BYTES),
        ("its path leaves the folder", not _inside(file.path)),
    )
    return next((why for why, applies in reasons if applies), "")


def _readable(file: SourceFile) -> bool:
    """Tell whether the content is at hand, and only its kind or a cap kept it from being read."""
    return not file.absent and file.unread in (None, *_CAPPED) and _inside(file.path)


def _inside(path: str) -> bool:
    """Tell whether a relative path stays in the folder and is a plain name everywhere."""
    parts = path.split("/")
    return not path.startswith("/") and "\0" not in path and not {"", ".", ".."} & set(parts)


def _headline_labels(facts: Facts | None) -> tuple[str, ...]:
    """Return the labels of the claimed score: from the logs, else as the claims themselves quote a line."""
    from audits.facts.extract import claimed_labels
    from audits.facts.headline import quoted_labels

    if facts is None:
        return ()
    found = claimed_labels(facts.logs, facts.claims)
    paths = {facts.claims.submission.path, facts.claims.readme.path}
    for file in facts.submission.files if not found else ():
        if file.path in paths:
            found |= quoted_labels(file.data.decode("utf-8", "replace"), facts.claims)
    return tuple(sorted(found))
