"""Find what a sweep says about the folder or pull request that a label points at.

Promises an answer to every label: where nothing was audited it says so and why, and nothing else is put in
its place. A label names a folder where it can; else the folder that holds the named file answers; else the
whole pull request, by the worst of its folders, unless the file lies in a record folder that was left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.verdict import AxisCall
from harness.sweep.records import State

if TYPE_CHECKING:
    from harness.score.labels import CommunityLabel, GoldLabel
    from harness.sweep.reader import Reader
    from harness.sweep.records import Entry, Judged

_IN_FOLDER = re.compile(r"records/[^/]+/[^/]+/.")
NOT_AUDITED = "NOT_AUDITED"
"""The call where a label points at something that the sweep has no verdict on."""
CALLS = (*(call.value for call in AxisCall), NOT_AUDITED)
"""Every call, worst first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sweep says where one label points."""

    judged: tuple[Judged, ...]
    """One folder, or all of a pull request; empty when nothing was audited."""
    missing: str
    """Why there is no verdict, else empty."""
    head_sha: str
    """Head that was swept, empty when the pull request was not."""
    moved: bool
    """The label was given to another head."""
    policy: str

    def call(self, axis: str) -> str:
        """Return the worst call on `axis`, NOT_AUDITED without a verdict."""
        return min((self._call(item, axis) for item in self.judged), key=CALLS.index, default=NOT_AUDITED)

    def deciding(self, axis: str) -> Judged | None:
        """Return the folder whose call is the answer."""
        return min(self.judged, key=lambda item: CALLS.index(self._call(item, axis)), default=None)

    @property
    def patterns(self) -> frozenset[str]:
        """Return the names of every reachable pattern."""
        return frozenset(name for item in self.judged for name in item.patterns)

    def _call(self, item: Judged, axis: str) -> str:
        return str(item.verdicts[self.policy].axes[axis])


class Answers:
    """The verdicts of one sweep, to be asked by label."""

    def __init__(self, store: Reader, policy: str) -> None:
        self._policy = policy
        self._pulls = {pull.pr: pull for pull in store.pulls()}
        self._entries: dict[int, list[Entry]] = {}
        for entry in store.entries():
            self._entries.setdefault(entry.pr, []).append(entry)
        self._judged = {(item.entry.pr, item.entry.position): item for item in store.judged()}

    def to_gold(self, label: GoldLabel) -> Answer:
        """Return the answer on the labelled folder."""
        entries = self._entries.get(label.pr, [])
        if label.folder:
            found = _in_track([e for e in entries if _is_folder(e, label.folder)], label.track)
            found = found or _holding(entries, _join(label.folder, label.file))
        else:
            found = _with_script(entries, label.file)
        return self._answer(label.pr, label.head_sha, found, f"no folder {label.folder or label.file!r}")

    def to_community(self, label: CommunityLabel) -> Answer:
        """Return the answer on the file that was spoken of, else on the whole pull request."""
        entries = self._entries.get(label.pr, [])
        held = _holding(entries, label.file) if label.file else []
        head = label.head_sha or ""
        if label.file and entries and not held and _IN_FOLDER.match(_plain(label.file)):
            nothing = self._answer(label.pr, head, [], f"the folder of {_plain(label.file)} was left out")
            # At another head the folder may have had another name.
            if head and not nothing.moved:
                return nothing
        found = held or _with_script(entries, label.file) if label.file else []
        return self._answer(label.pr, head, found or entries, "no record folder")

    def _answer(self, pr: int, head_sha: str, entries: list[Entry], nothing: str) -> Answer:
        pull = self._pulls.get(pr)
        head = pull.head_sha if pull else ""
        moved = bool(head and head_sha) and not head.startswith(head_sha.lower())
        judged = tuple(self._judged[where] for e in entries if (where := (e.pr, e.position)) in self._judged)
        missing = ""
        # A crashed folder among audited ones may hide an offence, but what the others show still stands.
        if not judged:
            if pull is None:
                missing = "the pull request was not swept"
            else:
                missing = "; ".join(_why_not(entry) for entry in entries) or pull.cause or nothing
        return Answer(judged, missing, head, moved, self._policy)


def _why_not(entry: Entry) -> str:
    return f"crashed: {entry.cause}" if entry.state is State.CRASHED else f"{entry.path}: {entry.state.value}"


def _is_folder(entry: Entry, folder: str) -> bool:
    wanted = folder.strip("/")
    return wanted in (entry.folder, entry.path) or entry.path.endswith(f"/{wanted}")


def _in_track(entries: list[Entry], track: str | None) -> list[Entry]:
    """Return those of the labelled track where it tells folders of one name apart."""
    return [entry for entry in entries if entry.track == track] or entries


def _holding(entries: list[Entry], path: str) -> list[Entry]:
    """Return the folder that `path`, relative to the repository or to `records/TRACK`, lies in."""
    wanted = f"/{_plain(path)}"
    holding = [e for e in entries if e.folder and f"/{e.folder}/" in wanted]
    full = [e for e in holding if wanted.startswith(f"/{e.path}/")]
    deepest = max((full or holding), key=lambda entry: len(entry.path), default=None)
    return [deepest] if deepest is not None else []


def _with_script(entries: list[Entry], file: str) -> list[Entry]:
    """Return the folder whose main script is called `file`; the only folder there is answers in any case."""
    if len(entries) <= 1:
        return entries
    wanted = _plain(file)
    alike = [e for e in entries if wanted and e.main_script and e.main_script.endswith(wanted)]
    return alike if len(alike) == 1 else []


def _join(folder: str, file: str) -> str:
    return f"{folder.strip('/')}/{_plain(file)}"


def _plain(file: str) -> str:
    """Return the path alone, without what a reader wrote behind it."""
    words = file.split()
    return words[0].removeprefix("./").strip("/") if words else ""
