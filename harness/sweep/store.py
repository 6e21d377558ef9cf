"""The SQLite file of a sweep: the only reader and the only writer of its tables.

Promises that every write is whole (a killed sweep leaves the last finished row), that rows are keyed by what
they were made from, and that readers see only the pull requests that the last sweep was asked for.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from audits.errors import UserError
from harness.rundir import SweepDir
from harness.sweep.clusters import Sketch
from harness.sweep.reader import FORMAT, Reader, check_format
from harness.sweep.records import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.sweep.records import Entry, Judged, Pull, StoredSmoke, StoredVerdict, Where
    from harness.sweep.versions import Versions
    from harness.sweep.work import JudgedEntry

_TABLES = """
CREATE TABLE IF NOT EXISTS run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asked (pr INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS pull (
    pr INTEGER PRIMARY KEY, head_sha TEXT NOT NULL, committed_at TEXT NOT NULL,
    base TEXT NOT NULL, extractor TEXT NOT NULL, cause TEXT NOT NULL, notes TEXT NOT NULL,
    seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
    pr INTEGER NOT NULL, position INTEGER NOT NULL, path TEXT NOT NULL, track TEXT, folder TEXT NOT NULL,
    main_script TEXT, script_blob TEXT NOT NULL, facts_key TEXT NOT NULL, shell BLOB NOT NULL,
    cluster TEXT NOT NULL DEFAULT '', PRIMARY KEY (pr, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
    key TEXT PRIMARY KEY, extractor TEXT NOT NULL, record BLOB, cause TEXT NOT NULL, sketch BLOB,
    seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS judgement (
    pr INTEGER NOT NULL, position INTEGER NOT NULL, facts_key TEXT NOT NULL, extractor TEXT NOT NULL,
    rulebook TEXT NOT NULL, outcomes TEXT NOT NULL, summary TEXT NOT NULL,
    PRIMARY KEY (pr, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verdict (
    pr INTEGER NOT NULL, position INTEGER NOT NULL, policy TEXT NOT NULL, version TEXT NOT NULL,
    edition TEXT NOT NULL, overall TEXT NOT NULL, axes TEXT NOT NULL, deciding TEXT NOT NULL,
    PRIMARY KEY (pr, position, policy)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS smoke (
    pr INTEGER NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, judge TEXT NOT NULL,
    document TEXT NOT NULL, recording BLOB, PRIMARY KEY (pr, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS probe (
    pr INTEGER NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, judge TEXT NOT NULL,
    document TEXT NOT NULL, recording BLOB, PRIMARY KEY (pr, position)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_by_facts ON entry (facts_key);
"""


class Store(Reader):
    """The results of one sweep directory, for the process that sweeps. Readers use `Reader`."""

    @classmethod
    def create(cls, directory: Path) -> Store:
        """Open the store of `directory` for writing, making it when it is not there."""
        path = SweepDir(directory).store
        try:
            directory.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, isolation_level=None)
            check_format(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"cannot write to {directory}: {error}", "choose another --out") from error
        return cls(connection)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the writes inside one whole."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def ask(self, prs: Iterable[int], about: Mapping[str, str]) -> None:
        """Record which pull requests this sweep is about, and what is worth knowing about the run."""
        with self.transaction():
            self._db.execute("DELETE FROM asked")
            self._db.executemany("INSERT INTO asked VALUES (?)", [(pr,) for pr in prs])
            self._db.executemany("INSERT OR REPLACE INTO run VALUES (?, ?)", list(about.items()))

    def put_pull(
        self, pull: Pull, base: str, extractor: str, seconds: float, entries: Iterable[tuple[Entry, bytes]]
    ) -> None:
        """Replace everything about one pull request by what intake found."""
        with self.transaction():
            self._db.execute("DELETE FROM entry WHERE pr = ?", (pull.pr,))
            self._insert(
                "pull",
                pull.pr,
                pull.head_sha,
                pull.committed_at,
                base,
                extractor,
                pull.cause,
                json.dumps(pull.notes),
                seconds,
            )
            for entry, shell in entries:
                self._put_entry(entry, shell)
            for table in ("judgement", "verdict", "smoke", "probe"):
                # Forget what was judged of a folder that is gone; a changed one is judged again over its row.
                self._db.execute(
                    f"DELETE FROM {table} WHERE pr = ? AND position NOT IN"
                    " (SELECT position FROM entry WHERE pr = ?)",
                    (pull.pr, pull.pr),
                )

    def _put_entry(self, entry: Entry, shell: bytes) -> None:
        self._insert(
            "entry",
            entry.pr,
            entry.position,
            entry.path,
            entry.track,
            entry.folder,
            entry.main_script,
            entry.script_blob,
            entry.facts_key,
            shell,
            entry.cluster,
        )

    def put_facts(
        self, key: str, extractor: str, record: bytes | None, cause: str, sketch: bytes | None, seconds: float
    ) -> None:
        """Keep packed facts, or why there are none."""
        self._insert("facts", key, extractor, record, cause, sketch, seconds)

    def put_judgement(self, judged: JudgedEntry, facts_key: str, versions: Versions) -> None:
        """Keep the outcomes, the figures and the verdicts of one entry."""
        summary = json.dumps(asdict(judged.summary) if judged.summary else None)
        self._insert(
            "judgement",
            *judged.where,
            facts_key,
            versions.extractor,
            versions.rulebook,
            judged.outcomes,
            summary,
        )
        self.put_verdicts(judged.where, judged.verdicts, versions)

    def put_verdicts(self, where: Where, verdicts: Iterable[StoredVerdict], versions: Versions) -> None:
        """Keep the verdicts of one entry."""
        for verdict in verdicts:
            self._insert(
                "verdict",
                *where,
                verdict.policy,
                _verdict_version(versions),
                verdict.edition,
                verdict.overall,
                json.dumps(dict(verdict.axes)),
                json.dumps(verdict.deciding),
            )

    def put_smoke(self, where: Where, smoke: StoredSmoke) -> None:
        """Keep the smoke run of one entry."""
        self._insert("smoke", *where, smoke.key, smoke.judge, smoke.document, smoke.recording)

    def put_probe(self, where: Where, probe: StoredSmoke) -> None:
        """Keep the probe of one entry."""
        self._insert("probe", *where, probe.key, probe.judge, probe.document, probe.recording)

    def _insert(self, table: str, *values: object) -> None:
        places = ", ".join("?" * len(values))
        self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({places})", values)

    def forget_crashes(self) -> None:
        """Forget what crashed, so that it is tried again."""
        with self.transaction():
            self._db.execute("DELETE FROM facts WHERE record IS NULL")
            self._db.execute("UPDATE pull SET head_sha = '' WHERE cause <> ''")

    def put_clusters(self, names: Mapping[Where, str], digest: str) -> None:
        """Name the cluster of each entry, and remember what the names were made from."""
        with self.transaction():
            self._db.executemany(
                "UPDATE entry SET cluster = ? WHERE pr = ? AND position = ?",
                [(name, *where) for where, name in names.items()],
            )
            self._insert("run", "clusters", digest)

    def fresh_pulls(self, base: str, extractor: str) -> dict[int, str]:
        """Return head by pull request for those taken in by this code against this base."""
        query = "SELECT pr, head_sha FROM pull WHERE base = ? AND extractor = ?"
        return dict(self._db.execute(query, (base, extractor)))

    def missing_facts(self, extractor: str) -> dict[str, list[Where]]:
        """Return facts key to the entries that need it, in order, where no facts of this code are kept."""
        return self._grouped(
            "SELECT facts_key, pr, position FROM entry JOIN asked USING (pr) WHERE NOT EXISTS"
            " (SELECT 1 FROM facts WHERE key = facts_key AND extractor = ?) ORDER BY pr, position",
            extractor,
        )

    def scripts(self) -> dict[str, str]:
        """Return facts key to the blob of the main script, for the entries of this sweep that have one."""
        query = "SELECT facts_key, script_blob FROM entry JOIN asked USING (pr) WHERE script_blob <> ''"
        return dict(self._db.execute(query))

    def stale_judgements(self, versions: Versions) -> dict[str, list[Where]]:
        """Return facts key to the entries with facts whose judgement is not of this rulebook."""
        return self._grouped(
            "SELECT entry.facts_key, entry.pr, entry.position FROM entry JOIN asked USING (pr)"
            " JOIN facts ON key = entry.facts_key AND facts.extractor = ? AND record IS NOT NULL"
            " LEFT JOIN judgement ON judgement.pr = entry.pr AND judgement.position = entry.position"
            " AND judgement.facts_key = entry.facts_key AND judgement.extractor = facts.extractor"
            " AND judgement.rulebook = ?"
            " WHERE judgement.pr IS NULL ORDER BY entry.pr, entry.position",
            versions.extractor,
            versions.rulebook,
        )

    def _grouped(self, query: str, *values: str) -> dict[str, list[Where]]:
        wanted: dict[str, list[Where]] = {}
        for key, pr, position in self._db.execute(query, values):
            wanted.setdefault(key, []).append((pr, position))
        return wanted

    def stale_verdicts(self, versions: Versions) -> list[Where]:
        """Return the judged entries whose verdicts are not of these policies and this rulebook."""
        query = (
            "SELECT judgement.pr, judgement.position FROM judgement JOIN asked USING (pr)"
            " WHERE NOT EXISTS (SELECT 1 FROM verdict WHERE verdict.pr = judgement.pr"
            " AND verdict.position = judgement.position AND version = ?) ORDER BY 1, 2"
        )
        return [(pr, position) for pr, position in self._db.execute(query, (_verdict_version(versions),))]

    def sketches(self) -> tuple[list[Sketch], str]:
        """Return the sketch of every judged entry that has one, in order, and a digest of them all.

        The digest is empty when the names that are kept were made from exactly these.
        """
        known: dict[str, bytes] = dict(
            self._db.execute("SELECT DISTINCT key, sketch FROM facts WHERE sketch IS NOT NULL").fetchall()
        )
        found = [
            _sketch(item, known[item.entry.facts_key])
            for item in self.judged()
            if item.entry.facts_key in known
        ]
        digest = hashlib.sha256()
        for sketch in found:
            digest.update(f"{sketch.where} {sketch.kind} ".encode() + sketch.hashes)
        named = digest.hexdigest()
        if self.about().get("clusters") == named and all(entry.cluster for entry in self._sketched(known)):
            named = ""
        return found, named

    def _sketched(self, known: Mapping[str, bytes]) -> list[Entry]:
        return [
            entry for entry in self.entries() if entry.state is State.AUDITED and entry.facts_key in known
        ]


def _sketch(judged: Judged, hashes: bytes) -> Sketch:
    entry = judged.entry
    kind = " ".join((judged.verdicts["practice"].legality, *sorted(judged.patterns)))
    return Sketch((entry.pr, entry.position), kind, hashes)


def _verdict_version(versions: Versions) -> str:
    """Return what a verdict hangs on: a changed rulebook changes the outcomes under it."""
    return f"{versions.rulebook}-{versions.policy}"
