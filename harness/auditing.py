"""Carry out `referee audit`: load, audit, review, render. Only orders the stages; judges nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from audits.errors import UserError
from harness.errors import ExitCode, exit_code

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from audits.challenge import Challenge
    from audits.intake import Intake
    from harness.report.review import Review

_FORMATS = ("text", "json", "sarif", "markdown")


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller wants audited, and under which reading."""

    targets: tuple[str, ...] = ()
    repo: str | None = None
    pr: int | None = None
    ref: str | None = None
    folder: str | None = None
    base: str | None = None
    challenge: str | None = None
    policy: str = "practice"
    as_of: datetime.date | None = None


def run_audit(
    request: Request,
    format_: str,
    output: Path | None,
    *,
    run_dir: Path | None = None,
    show_source: bool = False,
) -> ExitCode:
    """Audit everything that `request` names, write the report, and return the exit code."""
    reviews = reviews_of(request)
    write_report(reviews, request, format_, output, show_source=show_source)
    if run_dir is not None:
        from harness.keep import keep_run

        keep_run(run_dir, reviews, request)
    return exit_code(review.verdict.overall for review in reviews)


def reviews_of(request: Request) -> list[Review]:
    """Return one review a submission, in the order they were named."""
    from audits.rules import discover
    from audits.runner import audit
    from harness.report.review import review_of

    challenge = challenge_of(request)
    rules = discover()
    reviews = []
    for intake, intake_ms in intakes_of(request):
        for submission in intake.submissions:
            result = audit(submission, challenge, rules=rules)
            total_ms = round(intake_ms + result.timings_ms["total"], 3)
            timings_ms = {"intake": intake_ms, **result.timings_ms, "total": total_ms}
            result = replace(result, timings_ms=timings_ms)
            reviews.append(review_of(result, rules, request.policy, request.as_of, intake.notes))
    return reviews


def intakes_of(request: Request) -> Iterator[tuple[Intake, float]]:
    """Yield what each target holds, with the milliseconds that reading it took."""
    challenge = challenge_of(request)
    for target in _targets(request):
        started = perf_counter()
        intake = _load(target, request, challenge)
        yield intake, round((perf_counter() - started) * 1000, 3)


def write_report(
    reviews: list[Review], request: Request, format_: str, output: Path | None, *, show_source: bool = False
) -> None:
    """Write the reviews in one format to a file or to standard output."""
    if format_ == "text" and output is None:
        from harness.report.text import render_text

        render_text(reviews, sys.stdout, show_source=show_source)
        return
    text = rendered(reviews, request, format_, show_source=show_source)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}", "choose another --output") from error


def rendered(reviews: list[Review], request: Request, format_: str, *, show_source: bool = False) -> str:
    """Return the reviews in one of the formats."""
    from audits.policy import load_policy
    from audits.rules import discover

    policy, rules = load_policy(request.policy, request.as_of), discover()
    match format_:
        case "json":
            from harness.report.json_report import render_json
            from harness.report.review import rulebook_digest

            return render_json(reviews, policy, rulebook_digest(rules))
        case "sarif":
            from harness.report.sarif import render_sarif
            from harness.version import version

            return render_sarif(reviews, rules, version())
        case "markdown":
            from harness.report.markdown import render_markdown

            return render_markdown(reviews)
        case _:
            from io import StringIO

            from harness.report.text import render_text

            out = StringIO()
            render_text(reviews, out, show_source=show_source, color=False)
            return out.getvalue()


def embedded_examples() -> tuple[str, ...]:
    """Return the example folders that ship with Referee."""
    here = Path(__file__).resolve().parent
    for root in (here / "examples" / "records", here.parent / "examples" / "records"):
        folders = sorted(path for path in root.glob("*/*") if path.is_dir())
        if folders:
            return tuple(str(path) for path in folders)
    raise UserError("the embedded examples are not installed", "name a TARGET, or --repo DIR --pr N")


def _targets(request: Request) -> tuple[str | None, ...]:
    """Return the targets to load one after the other; None reads from the repository."""
    if request.repo is not None:
        if len(request.targets) > 1:
            raise UserError("several targets and --repo do not go together", "run them one by one")
        return request.targets or (None,)
    if request.targets:
        return request.targets
    if request.pr is not None or request.ref is not None:
        return (None,)
    return embedded_examples()


def _load(target: str | None, request: Request, challenge: Challenge | None) -> Intake:
    """Return the submissions of one target; a target that holds none leaves a word on standard error."""
    from audits.intake import Intake, NothingToAuditError, load

    try:
        intake = load(
            target,
            repo=request.repo,
            pr=request.pr,
            ref=request.ref,
            folder=request.folder,
            base=request.base,
            challenge=challenge,
        )
    except NothingToAuditError as nothing:
        intake = Intake((), (nothing.message,))
    if not intake.submissions:
        from harness.report.escape import one_line

        why = "; ".join(intake.notes) or "no record folder found"
        print(f"referee: nothing to audit: {one_line(why, 500)}", file=sys.stderr)
    return intake


def challenge_of(request: Request) -> Challenge | None:
    """Return the challenge that the caller named, None to tell it from the track."""
    if request.challenge is None:
        return None
    from audits.challenge_loader import load_challenge

    return load_challenge(request.challenge)
