"""Carry out `referee probe`: read, audit, run in a box, print. Only orders the steps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from containers.probe_result import ProbeStatus, ProbeVerdict
from harness.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from audits.submission import Submission
    from containers.probe_job import ProbeOptions
    from containers.probe_result import ProbeResult
    from harness.auditing import Request
    from harness.probe.probing import Bench
    from harness.smoke.workshop import Setup

_CODES = {
    ProbeVerdict.CLEAN: ExitCode.CLEAN,
    ProbeVerdict.LEAK: ExitCode.VIOLATION,
    ProbeVerdict.BLIND: ExitCode.FLAG,
    ProbeVerdict.UNCLEAR: ExitCode.FLAG,
}
_WORST_FIRST = (ExitCode.VIOLATION, ExitCode.NOT_RUN, ExitCode.FLAG, ExitCode.CLEAN)


@dataclass(frozen=True, slots=True)
class Probed:
    """One submission with its probe."""

    submission: Submission
    result: ProbeResult


def run_probe(
    request: Request, setup: Setup, options: ProbeOptions, format_: str, output: Path | None
) -> ExitCode:
    """Probe everything that `request` names, print the results and return the exit code."""
    from harness.probe.probing import Bench
    from harness.smoke.command import deliver, open_with_word

    bench = Bench(open_with_word(setup, loud=False), options)
    probed = list(_probe_all(request, bench))
    deliver(_rendered(probed, format_), output)
    return exit_code(entry.result for entry in probed)


def exit_code(results: Iterable[ProbeResult]) -> ExitCode:
    """Return the exit code of the worst result, or that there was nothing to run."""
    codes = {
        _CODES[result.verdict] if result.status is ProbeStatus.RAN else ExitCode.NOT_RUN for result in results
    }
    return next((code for code in _WORST_FIRST if code in codes), ExitCode.NOTHING_TO_AUDIT)


def _probe_all(request: Request, bench: Bench) -> Iterator[Probed]:
    """Probe one submission after the other, in the order in which they were named."""
    from audits.runner import audit
    from harness.auditing import challenge_of, intakes_of
    from harness.probe.probing import probe_audited

    challenge = challenge_of(request)
    for intake, _ in intakes_of(request):
        for submission in intake.submissions:
            yield Probed(submission, probe_audited(bench, audit(submission, challenge)))


def _rendered(probed: list[Probed], format_: str) -> str:
    """Return the results as text, or as one JSON object (an array where there are several)."""
    if format_ == "json":
        from harness.probe.document import to_document

        documents = [to_document(entry.result) for entry in probed]
        whole = documents[0] if len(documents) == 1 else documents
        return json.dumps(whole, indent=2) + "\n"
    return "\n".join(_text(entry) for entry in probed)


def _text(entry: Probed) -> str:
    """Return one result for a terminal: where, the line, the details."""
    from harness.probe.shown import shown_of
    from harness.report.escape import one_line

    shown = shown_of(entry.result)
    pr = entry.submission.origin.pr
    where = one_line(entry.submission.path, 200) + (f"  PR #{pr}" if pr is not None else "")
    rows = (f"  {name:<18} {one_line(value, 1000)}" for name, value in shown.rows)
    return "\n".join((where, one_line(shown.line, 600), *rows)) + "\n"
