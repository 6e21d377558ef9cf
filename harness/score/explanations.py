"""Hand-written explanations of cases: why a verdict and a label part, one sentence or two each.

Promises that a case nobody explained says so, and that an explanation whose case is gone is found out. A
label that we contest is explained by the reason of its correction until somebody writes more.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from audits.errors import UserError
from harness.score.labels import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.score.cases import Case
    from harness.score.community import Statement
    from harness.score.report import ScoreReport

UNEXPLAINED = "unexplained"
Key = tuple[int, str, str]
"""Pull request, folder (empty for a public statement), subject."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one case is as it is."""

    pr: int
    subject: str
    """`legality`, `metric`, `limits`, `pattern/NAME`, or `said by SOURCE`."""
    why: str
    folder: str = ""


class Explanations:
    """The explanations of one file, with a note of which were asked for."""

    def __init__(self, entries: Iterable[Explanation] = ()) -> None:
        self._why: dict[Key, str] = {}
        for entry in entries:
            key = (entry.pr, entry.folder, entry.subject)
            if key in self._why:
                raise UserError(f"two explanations of #{entry.pr} {entry.folder}, {entry.subject}")
            self._why[key] = entry.why

    def of_case(self, case: Case) -> str:
        """Return the explanation of a disagreement with a gold label, else the reason why we contest it."""
        contested = f"Contested: {case.contested}" if case.contested else UNEXPLAINED
        return self._why.get(key_of_case(case), contested)

    def of_statement(self, statement: Statement) -> str:
        """Return the explanation of a public statement that is not met."""
        return self._why.get(key_of_statement(statement), UNEXPLAINED)

    def stale(self, report: ScoreReport) -> tuple[str, ...]:
        """Return the explanations whose case is gone."""
        present = set(case_keys(report))
        return tuple(_name(key) for key in sorted(self._why) if key not in present)

    def missing(self, report: ScoreReport) -> tuple[str, ...]:
        """Return the cases that nobody explained and whose label nobody contests."""
        contested = {key_of_case(case) for case in _gold_cases(report) if case.contested}
        return tuple(_name(key) for key in case_keys(report) if key not in self._why and key not in contested)


def read_explanations(path: Path) -> Explanations:
    """Return the explanations of one file: an array of tables called `explanation`."""
    try:
        document = tomllib.loads(read_bytes(path).decode("utf-8"))
        entries = TypeAdapter(tuple[Explanation, ...]).validate_python(document.get("explanation", ()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path.name}: explanation {where}: {first['msg']}") from error
    return Explanations(entries)


def case_keys(report: ScoreReport) -> list[Key]:
    """Return the key of every case of a report."""
    keys = [key_of_case(case) for case in _gold_cases(report)]
    if report.community is not None:
        keys += [key_of_statement(item) for item in report.community.disagreements]
    return keys


def _gold_cases(report: ScoreReport) -> tuple[Case, ...]:
    return (*report.gold.cases, *report.gold.pattern_cases) if report.gold is not None else ()


def key_of_case(case: Case) -> Key:
    """Return the key of a disagreement with a gold label."""
    return (case.pr, case.folder, case.subject)


def key_of_statement(statement: Statement) -> Key:
    """Return the key of a public statement."""
    return (statement.pr, "", f"said by {statement.source}")


def _name(key: Key) -> str:
    pr, folder, subject = key
    return " ".join(part for part in (f"#{pr}", folder, f"({subject})") if part)
