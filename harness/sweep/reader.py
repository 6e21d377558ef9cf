"""What a sweep directory says: the reading half of the store, and all that reports and dashboards need.

Promises that readers see only the pull requests that the last sweep was asked for, and nothing that an
earlier version of Referee made: what that sweep did not get to is pending.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from pydantic import TypeAdapter

from audits.errors import UserError
from audits.outcome import Outcome
from harness.rundir import SweepDir
from harness.sweep.records import Entry, Judged, Pull, State, StoredSmoke, StoredVerdict, Summary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audits.runner import AuditResult
    from containers.probe_result import ProbeResult
    from containers.smoke_result import SmokeResult

FORMAT = 1
_FRESH = " AND {table}.extractor = (SELECT value FROM run WHERE key = 'extractor')"
_FRESH_JUDGEMENT = _FRESH.format(table="judgement") + (
    " AND judgement.rulebook = (SELECT value FROM run WHERE key = 'rulebook')"
)


@cache
def _outcomes_adapter() -> TypeAdapter[tuple[Outcome, ...]]:
    return TypeAdapter(tuple[Outcome, ...])


def outcomes_to_json(outcomes: tuple[Outcome, ...]) -> str:
    """Return outcomes as JSON text that `outcomes_from_json` reads back unchanged."""
    return _outcomes_adapter().dump_json(outcomes).decode()


def outcomes_from_json(text: str) -> tuple[Outcome, ...]:
    """Return the outcomes that were stored."""
    return _outcomes_adapter().validate_json(text)


class Reader:
    """The results of one sweep directory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Open the store of `directory` for reading, or say that there is none."""
        path = SweepDir(directory).store
        if not path.is_file():
            raise UserError(f"{directory} holds no sweep", "referee sweep --repo MIRROR --out DIR makes one")
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        check_format(connection, path)
        return cls(connection)

    def close(self) -> None:
        """Close the file; the write-ahead log is folded in, so that one file holds everything."""
        self._db.close()

    def about(self) -> dict[str, str]:
        """Return what was recorded about the run: versions, selection."""
        return dict(self._db.execute("SELECT key, value FROM run ORDER BY key"))

    def pulls(self) -> list[Pull]:
        """Return every pull request that was asked for, by number."""
        entries: dict[int, list[Entry]] = {}
        for entry in self.entries():
            entries.setdefault(entry.pr, []).append(entry)
        rows = self._db.execute(
            "SELECT asked.pr, head_sha, committed_at, cause, notes FROM asked LEFT JOIN pull"
            f" ON pull.pr = asked.pr{_FRESH.format(table='pull')} ORDER BY asked.pr"
        )
        return [_pull(row, entries.get(row[0], [])) for row in rows]

    def entries(self) -> list[Entry]:
        """Return every record folder, by pull request and path."""
        rows = self._db.execute(
            "SELECT entry.pr, entry.position, path, track, folder, main_script, script_blob, entry.facts_key,"
            " facts.cause, judgement.pr IS NOT NULL, cluster FROM entry JOIN asked USING (pr)"
            f" LEFT JOIN facts ON key = entry.facts_key{_FRESH.format(table='facts')}"
            " LEFT JOIN judgement ON judgement.pr = entry.pr AND judgement.position = entry.position"
            f" AND judgement.facts_key = entry.facts_key{_FRESH_JUDGEMENT}"
            " ORDER BY entry.pr, entry.position"
        )
        return [_entry(row) for row in rows]

    def judged(self) -> list[Judged]:
        """Return every audited record folder with its verdicts, by pull request and path."""
        pulls = {pull.pr: pull for pull in self.pulls()}
        verdicts = self._verdicts()
        known = {
            (pr, position): (outcomes, summary)
            for pr, position, outcomes, summary in self._db.execute(
                "SELECT pr, position, outcomes, summary FROM judgement JOIN asked USING (pr)"
            )
        }
        return [
            _judged(entry, pulls[entry.pr], verdicts[where], *known[where])
            for entry in self.entries()
            if (where := (entry.pr, entry.position)) in verdicts and entry.state is State.AUDITED
        ]

    def _verdicts(self) -> dict[tuple[int, int], dict[str, StoredVerdict]]:
        found: dict[tuple[int, int], dict[str, StoredVerdict]] = {}
        rows = self._db.execute(
            "SELECT pr, position, policy, edition, overall, axes, deciding FROM verdict JOIN asked USING (pr)"
            " ORDER BY pr, position, policy"
        )
        for pr, position, policy, edition, overall, axes, deciding in rows:
            found.setdefault((pr, position), {})[policy] = StoredVerdict(
                policy, edition, overall, json.loads(axes), tuple(json.loads(deciding))
            )
        return found

    def smoke(self, where: tuple[int, int]) -> StoredSmoke | None:
        """Return the smoke run of one entry with its recording, None where there is none."""
        return self._boxed("smoke", where)

    def probe(self, where: tuple[int, int]) -> StoredSmoke | None:
        """Return the probe of one entry with its recording, None where there is none."""
        return self._boxed("probe", where)

    def smokes(self) -> dict[tuple[int, int], SmokeResult]:
        """Return the smoke run of every entry that has one, by pull request and position."""
        from harness.smoke.document import from_document

        return {where: from_document(found) for where, found in self._documents("smoke")}

    def probes(self) -> dict[tuple[int, int], ProbeResult]:
        """Return the probe of every entry that has one, as the box gave it, by pull request and position."""
        from harness.probe.document import from_document

        return {where: from_document(found) for where, found in self._documents("probe")}

    def _boxed(self, table: str, where: tuple[int, int]) -> StoredSmoke | None:
        if not self._has(table):
            return None
        query = f"SELECT key, judge, document, recording FROM {table} WHERE pr = ? AND position = ?"
        row = self._db.execute(query, where).fetchone()
        return StoredSmoke(*row) if row else None

    def _documents(self, table: str) -> Iterator[tuple[tuple[int, int], dict[str, Any]]]:
        if not self._has(table):
            return
        rows = self._db.execute(
            f"SELECT {table}.pr, {table}.position, document FROM {table} JOIN asked USING (pr)"
            f" JOIN entry ON entry.pr = {table}.pr AND entry.position = {table}.position ORDER BY 1, 2"
        ).fetchall()
        for pr, position, text in rows:
            yield (pr, position), json.loads(text)

    def _has(self, table: str) -> bool:
        """Tell whether the file knows a table at all: older sweeps do not."""
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return self._db.execute(query, (table,)).fetchone() is not None

    def outcomes_json(self, where: tuple[int, int]) -> str:
        """Return the outcomes of one entry as they are stored, an empty list when there are none."""
        query = "SELECT outcomes FROM judgement WHERE pr = ? AND position = ?"
        row = self._db.execute(query, where).fetchone()
        return str(row[0]) if row else "[]"

    def outcomes(self, where: tuple[int, int]) -> tuple[Outcome, ...]:
        """Return the outcomes of one entry, in rulebook order."""
        return outcomes_from_json(self.outcomes_json(where))

    def facts_record(self, key: str) -> bytes | None:
        """Return packed facts, or None when there are none."""
        row = self._db.execute("SELECT record FROM facts WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def shell(self, where: tuple[int, int]) -> bytes:
        """Return the packed submission of one entry, its files left out."""
        row = self._db.execute("SELECT shell FROM entry WHERE pr = ? AND position = ?", where).fetchone()
        if row is None:
            raise KeyError(where)
        return bytes(row[0])

    def result(self, entry: Entry) -> AuditResult:
        """Return the audit of one entry as it was, rebuilt from stored facts and outcomes."""
        from audits.runner import AuditResult
        from harness.sweep.packing import unpack_record

        where = (entry.pr, entry.position)
        submission = unpack_record(self.shell(where))
        record = self.facts_record(entry.facts_key)
        if record is None:
            return AuditResult(submission, None, self.outcomes(where), {}, entry.cause)
        facts = unpack_record(record)
        submission = replace(submission, files=facts.submission.files)
        return AuditResult(submission, replace(facts, submission=submission), self.outcomes(where), {}, None)


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `UserError` unless the file is empty or a sweep of this format."""
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise UserError(f"{path} is not a sweep: {error}", "choose another directory") from error
    if found not in (0, FORMAT):
        raise UserError(
            f"{path} was written by another version (format {found})", "sweep into a fresh directory"
        )


def _pull(row: tuple[Any, ...], entries: list[Entry]) -> Pull:
    pr, head, committed, cause, notes = row
    if head is None:
        return Pull(pr, "", "", State.PENDING, "", ())
    crashed = [entry for entry in entries if entry.state is State.CRASHED]
    if cause or crashed:
        state = State.CRASHED
    elif not entries:
        state = State.NOTHING
    elif any(entry.state is State.PENDING for entry in entries):
        state = State.PENDING
    else:
        state = State.AUDITED
    why = cause or "; ".join(f"{entry.path}: {entry.cause}" for entry in crashed)
    return Pull(pr, head, committed, state, why, tuple(json.loads(notes)))


def _entry(row: tuple[Any, ...]) -> Entry:
    pr, position, path, track, folder, main_script, script_blob, facts_key, cause, judged, cluster = row
    answered = State.AUDITED if judged else State.PENDING
    return Entry(
        pr=pr,
        position=position,
        path=path,
        track=track,
        folder=folder,
        main_script=main_script,
        script_blob=script_blob,
        facts_key=facts_key,
        state=State.CRASHED if cause else answered,
        cause=cause or "",
        cluster=cluster,
    )


def _judged(
    entry: Entry, pull: Pull, verdicts: dict[str, StoredVerdict], outcomes: str, summary: str
) -> Judged:
    # Read as plain JSON: building every record would cost a warm sweep its seconds.
    known = json.loads(outcomes)
    figures = json.loads(summary)
    if figures is not None:
        figures["seeds"] = tuple(figures["seeds"])
    return Judged(
        entry=entry,
        head_sha=pull.head_sha,
        committed_at=pull.committed_at,
        verdicts=verdicts,
        patterns=tuple(dict.fromkeys(name for item in known for name in item["patterns"])),
        dormant=tuple(dict.fromkeys(name for item in known for name in item["dormant"])),
        statuses={item["rule"]: item["status"] for item in known},
        summary=Summary(**figures) if figures is not None else None,
    )
