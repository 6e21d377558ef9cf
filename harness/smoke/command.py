"""Carry out `referee smoke`: read, plan, run in a box, print. Only orders the steps."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.errors import UserError
from containers.smoke_result import Label
from harness.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from audits.submission import Submission
    from containers.smoke_result import SmokeResult
    from harness.auditing import Request
    from harness.smoke.workshop import Setup, Workshop

_CODES = {
    Label.PASS: ExitCode.CLEAN,
    Label.NOT_RUN: ExitCode.NOT_RUN,
    Label.INFRA_FAULT: ExitCode.NOT_RUN,
    Label.IMPORT_FAIL: ExitCode.NEEDS_AUTHOR_ACTION,
    Label.BUILD_FAIL: ExitCode.NEEDS_AUTHOR_ACTION,
    Label.FORWARD_FAIL: ExitCode.NEEDS_AUTHOR_ACTION,
    Label.RUN_FAIL: ExitCode.NEEDS_AUTHOR_ACTION,
}
"""All other labels need a person to look."""
_WORST_FIRST = (ExitCode.NOT_RUN, ExitCode.FLAG, ExitCode.NEEDS_AUTHOR_ACTION, ExitCode.CLEAN)


@dataclass(frozen=True, slots=True)
class Smoked:
    """One submission with its run."""

    submission: Submission
    result: SmokeResult


def run_smoke(request: Request, setup: Setup, format_: str, output: Path | None, *, build: bool) -> ExitCode:
    """Run everything that `request` names, print the results and return the exit code."""
    workshop = open_with_word(setup, loud=build)
    if build and not _names_something(request):
        return _report_image(workshop)
    smoked = list(_smoke_all(request, workshop))
    deliver(_rendered(smoked, format_), output)
    return exit_code(entry.result for entry in smoked)


def exit_code(results: Iterable[SmokeResult]) -> ExitCode:
    """Return the exit code of the worst result, or that there was nothing to run."""
    codes = {_CODES.get(result.label, ExitCode.FLAG) for result in results}
    return next((code for code in _WORST_FIRST if code in codes), ExitCode.NOTHING_TO_AUDIT)


def open_with_word(setup: Setup, *, loud: bool) -> Workshop:
    """Return the workshop; a build says what it does, or with `loud` every line of it."""
    from harness.report.escape import one_line
    from harness.smoke.workshop import open_workshop

    told: list[str] = []

    def say(line: str) -> None:
        if loud:
            print(one_line(line, 500), file=sys.stderr, flush=True)
        elif not told:
            print("referee: building the image, once (referee smoke --build shows it)", file=sys.stderr)
        told.append(line)

    return open_workshop(setup, say)


def _names_something(request: Request) -> bool:
    return bool(request.targets) or request.repo is not None or request.pr is not None


def _report_image(workshop: Workshop) -> ExitCode:
    """Say which image is there, or why none is."""
    if workshop.run is None:
        hint = f" ({workshop.hint})" if workshop.hint else ""
        print(f"referee: {workshop.problem}{hint}", file=sys.stderr)
        return ExitCode.NOT_RUN
    print(f"{workshop.image} is ready ({workshop.engine})")
    return ExitCode.CLEAN


def _smoke_all(request: Request, workshop: Workshop) -> Iterator[Smoked]:
    """Run one submission after the other, in the order in which they were named."""
    from audits.runner import audit
    from harness.auditing import challenge_of, intakes_of

    challenge = challenge_of(request)
    for intake, _ in intakes_of(request):
        for submission in intake.submissions:
            facts = audit(submission, challenge, rules=()).facts
            yield Smoked(submission, workshop.smoke(submission, facts))


def _rendered(smoked: list[Smoked], format_: str) -> str:
    """Return the results as text, or as one JSON object (an array where there are several)."""
    if format_ == "json":
        from harness.smoke.document import to_document

        documents = [to_document(entry.result) for entry in smoked]
        whole = documents[0] if len(documents) == 1 else documents
        return json.dumps(whole, indent=2) + "\n"
    return "\n".join(_text(entry) for entry in smoked)


def _text(entry: Smoked) -> str:
    """Return one result for a terminal: where, the line, the details."""
    from harness.report.escape import one_line
    from harness.smoke.shown import shown_of

    shown = shown_of(entry.result)
    pr = entry.submission.origin.pr
    where = one_line(entry.submission.path, 200) + (f"  PR #{pr}" if pr is not None else "")
    rows = (f"  {name:<18} {one_line(value, 1000)}" for name, value in shown.rows)
    return "\n".join((where, one_line(shown.line, 600), *rows)) + "\n"


def deliver(text: str, path: Path | None) -> None:
    """Write a text to a file the caller named, or to the terminal."""
    if path is None:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}", "choose another --output") from error
