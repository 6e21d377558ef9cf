"""What a watch has seen, in SQLite: by pull request and head, how its review ended. Kept across restarts."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audits.errors import UserError

if TYPE_CHECKING:
    from types import TracebackType

_SCHEMA = """
CREATE TABLE IF NOT EXISTS review (
    repository TEXT NOT NULL,
    pr INTEGER NOT NULL,
    head_sha TEXT NOT NULL,
    rulebook TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('published', 'reviewed', 'failed')),
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    tries INTEGER NOT NULL,
    at REAL NOT NULL,
    url TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (repository, pr, head_sha, rulebook)
)
"""
_APPLICATION_ID = 0x52464657
RETRY_SECONDS = 900.0
"""First wait before a failed review is tried again; doubled each time."""
MAX_TRIES = 6


@dataclass(frozen=True, slots=True)
class Seen:
    """How the review of one head ended."""

    repository: str
    pr: int
    head_sha: str
    rulebook: str
    status: str
    """`published`, `reviewed` (nothing posted) or `failed`."""
    verdict: str
    """The verdict, empty when there is none."""
    reason: str
    """Why it failed, else empty."""
    tries: int
    at: float
    """Seconds since 1970."""
    url: str = ""
    """The comment, empty when there is none."""

    def settled(self, now: float) -> bool:
        """Tell whether nothing is to be done (yet)."""
        if self.status != "failed":
            return True
        return self.tries >= MAX_TRIES or now < self.at + RETRY_SECONDS * 2 ** (self.tries - 1)


class State:
    """The database of one watch."""

    def __init__(self, path: Path) -> None:
        """Open or create it; a file that is something else is refused."""
        try:
            self._db = sqlite3.connect(path, timeout=30)
            (known,) = self._db.execute("PRAGMA application_id").fetchone()
            (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise UserError(f"cannot open {path}: {error}", "choose another --state") from error
        if known != _APPLICATION_ID and tables:
            raise UserError(f"{path} is no state of a watch", "choose another --state")
        self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        self._db.execute(_SCHEMA)
        self._db.commit()

    def __enter__(self) -> State:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database."""
        self._db.close()

    def find(self, repository: str, pr: int, head_sha: str, rulebook: str) -> Seen | None:
        """Return how the review of one head ended, None when there was none."""
        row = self._db.execute(
            "SELECT * FROM review WHERE repository = ? AND pr = ? AND head_sha = ? AND rulebook = ?",
            (repository, pr, head_sha, rulebook),
        ).fetchone()
        return Seen(*row) if row else None

    def keep(self, seen: Seen) -> None:
        """Write how a review ended, over what was known of the same head."""
        values = [getattr(seen, name) for name in Seen.__slots__]
        marks = ", ".join("?" * len(values))
        with self._db:
            self._db.execute(f"INSERT OR REPLACE INTO review VALUES ({marks})", values)

    def latest(self) -> tuple[Seen, ...]:
        """Return the last review of every pull request, by number."""
        rows = self._db.execute(
            "SELECT * FROM review AS r WHERE at = (SELECT max(at) FROM review"
            " WHERE repository = r.repository AND pr = r.pr) ORDER BY repository, pr"
        )
        return tuple(Seen(*row) for row in rows)


def now() -> float:
    """Return the time as it is kept."""
    return time.time()
