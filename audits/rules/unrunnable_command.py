"""Rule: the documented command cannot be run as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder, readme
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.submission import OriginKind

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.submission import RunCommand


class UnrunnableCommand(Rule):
    """The README gives no command to run the entry, or one that names a file that is not there.

    Why: who cannot start the run cannot repeat it.
    Looks for: the scripts of the documented commands among the folder's files and the repository's own scripts.
    Blind to: wrong arguments; commands in prose.
    """

    id = "unrunnable-command"
    axis = Axis.PACKAGE
    condition = Condition.PACKAGE
    sources = (
        RuleSource(
            "PR #1231", "measured", "2026-04-01", "the README runs a shell script that is not in the folder"
        ),
    )
    flagged = (
        Example(
            "a shell script that nobody committed",
            SCRIPT,
            folder(readme_text=readme(command="bash run_example.sh")),
            "#1231",
        ),
    )
    clean = (
        Example("torchrun with the committed script", SCRIPT, folder(), "#549"),
        Example(
            "from the repository's root",
            SCRIPT,
            folder(
                readme_text=readme(
                    command="torchrun --nproc_per_node=8 records/track_10min_16mb/2026-04-01_Example/train_gpt.py"
                )
            ),
            "#1019",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Look every documented script up."""
        submission = facts.submission
        if submission.origin.kind is OriginKind.SCRIPT:
            return self.outcome(Status.NOT_APPLICABLE, "a script was given, not a folder")
        commands = [command for command in submission.run_commands if command.script]
        if not commands:
            return self.outcome(
                Status.FLAGGED, "no command to run the entry is documented", severity=Severity.WARNING
            )
        missing = [command for command in commands if not _exists(command, facts)]
        if not missing:
            return self.outcome(Status.CLEAN, f"{len(commands)} documented commands name files that exist")
        evidence = tuple(
            Evidence(Location(c.path, c.line, c.line), f"{c.script} is not in the folder")
            for c in missing[:12]
        )
        names = ", ".join(dict.fromkeys(str(command.script) for command in missing))
        main = submission.main_script
        runnable = any(_name(str(c.script)) == _name(main or "") for c in commands if c not in missing)
        severity = Severity.VIOLATION if not runnable or _in_readme(missing) else Severity.WARNING
        return self.outcome(
            Status.FLAGGED, f"documented, but not in the folder: {names}", evidence, severity=severity
        )


def _exists(command: RunCommand, facts: Facts) -> bool:
    """Tell whether a command's script is in the folder or one of the repository's own."""
    script = str(command.script).replace("\\", "/")
    while script.startswith("./"):
        script = script[2:]
    if "-m" in command.argv and script.split("/")[-1].removesuffix(".py") in command.argv:
        # `python -m venv` runs an installed module, not a file.
        return True
    if any(script == known or script.endswith("/" + known) for known in facts.challenge.repository_scripts):
        return True
    if "$" in script or "<" in script or "*" in script:
        return True
    beside = command.path.rsplit("/", 1)[0] + "/" if "/" in command.path else ""
    paths = {file.path for file in facts.submission.files}
    if script in paths or beside + script in paths:
        return True
    # A path from the repository's root, or from wherever the author's checkout lay, ends in the folder's file.
    inside = script.rsplit(facts.submission.folder + "/", 1)
    return inside[-1] in paths if len(inside) == 2 else script.startswith("/") and _name(script) in paths


def _name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _in_readme(commands: list[RunCommand]) -> bool:
    return any(command.path.lower().endswith(".md") for command in commands)
