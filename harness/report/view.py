"""Turn reviews into what a person is shown of them. Cuts texts to their caps; adds no evidence.

Every renderer that leaves the machine (a comment, a check run) starts from this data, so that it can be made
where neither the submission nor its facts are at hand.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING

from audits.outcome import Status
from audits.verdict import AxisCall
from harness.report.comparison import rows_of, runs_of
from harness.report.escape import visible
from harness.report.record import record_of, sentence_of
from harness.report.sections import (
    PLACES_SHOWN,
    RUNS_SHOWN,
    advice,
    axes_worst_first,
    clean_sentence,
    groups_on,
    place_of,
    recognised,
    run_cells,
    sleeping,
)
from harness.report.view_model import (
    AxisModel,
    FolderModel,
    GroupModel,
    JudgedModel,
    OutcomeModel,
    PlaceModel,
    ReviewFile,
    RowModel,
    SeenModel,
    StageModel,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from audits.finding import Finding
    from audits.submission import Submission
    from harness.report.review import Review
    from harness.report.sections import Group
    from harness.stages import StageReport

_TEXT, _PATH, _WORD = 6000, 1000, 200
_ROWS = 100


def file_of(
    reviews: Sequence[Review],
    *,
    pr: int | None = None,
    head_sha: str | None = None,
    notes: Sequence[str] = (),
    policy: tuple[str, str],
    rulebook: str,
) -> ReviewFile:
    """Return the review of one pull request or target, all of its folders; `policy` is name and edition."""
    from harness.version import version

    return ReviewFile.model_validate(
        {
            "schema": "referee-review/1",
            "referee": version(),
            "rulebook": rulebook,
            "policy": policy[0],
            "policy_edition": policy[1],
            "pr": pr,
            "head_sha": head_sha,
            "notes": [_text(note) for note in notes[:50]],
            "folders": [folder_of(review).model_dump() for review in reviews[:40]],
        }
    )


def folder_of(review: Review) -> FolderModel:
    """Return what is shown of the review of one folder."""
    facts = review.result.facts
    runs = runs_of(facts) if facts else ()
    axes = axes_worst_first(review)
    return FolderModel(
        judged=_judged(review.submission),
        executed=review.executed,
        policy=review.policy.name,  # type: ignore[arg-type]  # pydantic checks it
        policy_edition=review.policy.edition.isoformat(),
        verdict=review.verdict.overall,
        deciding=list(review.verdict.deciding),
        axes=[_axis(review, index) for index in range(len(axes))],
        policies={entry.policy: entry.overall for entry in review.policies},  # type: ignore[misc]
        outcomes=[_outcome(entry) for entry in review.result.outcomes],
        groups=[_group(group, review) for entry in axes for group in groups_on(review, entry.axis)],
        rulings=list(review.rulings),
        claims=[_row(row) for row in rows_of(facts, review.policy)] if facts else [],
        statistics=sentence_of(record_of(facts, review.policy)),
        runs=[[_path(cell) for cell in run_cells(run)] for run in runs[:RUNS_SHOWN]],
        more_runs=max(0, len(runs) - RUNS_SHOWN),
        legal=list(_legal(review)),
        dormant=list(_dormant(review)),
        advice=list(advice(review)),
        problems=[(_path(p.path), _text(p.message)) for p in review.submission.problems[:20]],
        notes=[_text(note) for note in review.notes[:20]],
        stages=[_stage(report) for report in review.stages],
    )


def digest_of(submission: Submission) -> str:
    """Return SHA-256 over path, size and blob of every file, so that a reader can tell what was read."""
    digest = hashlib.sha256()
    for file in sorted(submission.files, key=lambda file: file.path):
        name = file.path.encode("utf-8", "surrogateescape")
        digest.update(b"%b\0%d\0%b\n" % (name, file.size, file.blob_id.encode()))
    return digest.hexdigest()


def _judged(submission: Submission) -> JudgedModel:
    """Return what was judged."""
    origin, script = submission.origin, submission.main_script
    file = submission.file(script) if script else None
    return JudgedModel(
        path=_path(submission.path),
        folder=_word(submission.folder),
        track=None if submission.track is None else _word(submission.track),
        main_script=None if script is None else _path(script),
        main_script_reason=_text(submission.main_script_reason),
        main_script_blob=file.blob_id if file else "",
        pr=origin.pr,
        head_sha=origin.head_sha,
        base_sha=origin.base_sha,
        digest=digest_of(submission),
        files=len(submission.files),
    )


def _axis(review: Review, index: int) -> AxisModel:
    """Return one axis, worst first."""
    entry = axes_worst_first(review)[index]
    quiet = entry.call is AxisCall.NOT_APPLICABLE
    return AxisModel(
        axis=entry.axis,
        call=entry.call,
        deciding=list(entry.deciding),
        clean="" if quiet else clean_sentence(review, entry.axis),
    )


def _outcome(outcome: object) -> OutcomeModel:
    """Return what a verdict needs of one outcome."""
    return OutcomeModel(**{name: getattr(outcome, name) for name in OutcomeModel.model_fields})


def _group(group: Group, review: Review) -> GroupModel:
    """Return one outcome with the places it rests on."""
    outcome = group.outcome
    crashed = outcome.status is Status.CRASHED
    places = (_place(finding, group, review) for finding in group.places)
    told = [place for place in places if place.where or place.message]
    return GroupModel(
        axis=outcome.axis,
        rules=list(group.rules),
        title=_text(group.title),
        word=group.word,  # type: ignore[arg-type]  # pydantic checks it
        status=outcome.status,
        condition=outcome.condition,
        confidence=outcome.confidence,
        reason=visible(outcome.reason[-3000:]) if crashed else _text(outcome.reason),
        why=_text(group.why),
        source=_text(group.places[0].source) if group.places else "",
        places=told[:PLACES_SHOWN],
        more=max(0, len(told) - PLACES_SHOWN),
    )


def _place(finding: Finding, group: Group, review: Review) -> PlaceModel:
    """Return one place with its quoted lines and the committed lines that a link can show."""
    first, last = _committed(finding)
    start = finding.start_line or 1
    hidden = (finding.end_line or start) - start + 1 - len(finding.excerpt)
    return PlaceModel(
        where=_text(place_of(finding, review)),
        message="" if finding.message == group.outcome.reason else _text(finding.message),
        path=None if finding.path is None else _path(finding.path),
        first=first,
        last=last,
        start_line=finding.start_line,
        hidden=max(0, hidden) if finding.excerpt else 0,
        excerpt=[_text(line) for line in finding.excerpt[:40]],
    )


def _committed(finding: Finding) -> tuple[int | None, int | None]:
    """Return the lines of the committed file; for an unpacked layer, the line that holds it."""
    if finding.path is None or finding.start_line is None:
        return None, None
    if finding.layer:
        return finding.annotated_line, finding.annotated_line
    return finding.start_line, max(finding.end_line or finding.start_line, finding.start_line)


def _row(row: object) -> RowModel:
    """Return one row of the comparison."""
    return RowModel(**{name: _path(getattr(row, name)) for name in RowModel.model_fields})


def _legal(review: Review) -> Iterator[SeenModel]:
    """Yield the patterns that no rule objects to."""
    for name, place in recognised(review):
        first, last = _committed(place) if place else (None, None)
        yield SeenModel(
            names=[_word(name)],
            where=_text(place_of(place, review)) if place and place.path else "",
            path=_path(place.path) if place and place.path else None,
            first=first,
            last=last,
            reason="",
        )


def _dormant(review: Review) -> Iterator[SeenModel]:
    """Yield the patterns that are switched off."""
    for outcome in sleeping(review):
        names = [_word(name) for name in outcome.dormant or (outcome.rule,)]
        yield SeenModel(
            names=names[:50], where="", path=None, first=None, last=None, reason=_text(outcome.reason)
        )


def _stage(report: StageReport) -> StageModel:
    """Return what a stage found."""
    rows: Iterable[tuple[str, str]] = islice(report.shown.rows, _ROWS)
    return StageModel(
        name=_word(report.name),
        line=_text(report.shown.line),
        rows=[(_word(name), _text(value)) for name, value in rows],
        skipped=_text(report.skipped),
        ran=report.document is not None,
    )


def _text(text: str) -> str:
    return _cut(text, _TEXT)


def _path(text: str) -> str:
    return _cut(text, _PATH)


def _word(text: str) -> str:
    return _cut(text, _WORD)


def _cut(text: str, limit: int) -> str:
    """Return text without unsafe characters and lone surrogates, at most `limit` long."""
    shown = visible(text[:limit])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
