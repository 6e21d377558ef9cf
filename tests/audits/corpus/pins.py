"""Verdicts of real pull requests, pinned: any change of a rule shows as a diff of `verdicts.jsonl`.

`make pin MIRROR=DIR LABELS="FILE FILE"` rewrites the file: the five seeds, every even-numbered pull request
that the labels name, and those that are pinned already. `make corpus MIRROR=DIR` sweeps them again and
compares.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.score.labels import read_label_file
from harness.sweep.reader import Reader
from harness.sweep.records import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sweep.records import Entry, Judged

PINS = Path(__file__).with_name("verdicts.jsonl")
SEEDS = (339, 895, 1073, 1231, 1629)
POLICY = "practice"
# Pins are about what is judged, not about how fast: nothing shall crash on a busy machine.
LIMITS = ("--seconds", "120", "--memory-mb", "1500")
_ENTRY = "from harness.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Pin:
    """The verdict on one record folder of one head."""

    pr: int
    head_sha: str
    folder: str
    """Name of the folder; empty where the pull request holds nothing to audit."""
    legality: str
    """A call, or the state of a folder without one: CRASHED, NOTHING_TO_AUDIT."""
    limits: str
    metric: str
    overall: str
    patterns: tuple[str, ...]
    """Reachable ones, sorted."""


def read_pins(path: Path = PINS) -> dict[int, list[Pin]]:
    """Return the pinned verdicts by pull request; none where nothing is pinned yet."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = [json.loads(line) for line in lines if line.strip()]
    return by_pull(Pin(**{**row, "patterns": tuple(row["patterns"])}) for row in rows)


def write_pins(pins: Iterable[Pin], path: Path = PINS) -> None:
    """Write pins in a stable order, one a line."""
    ordered = sorted(pins, key=lambda pin: (pin.pr, pin.folder))
    path.write_text("".join(json.dumps(asdict(pin)) + "\n" for pin in ordered), encoding="utf-8")


def by_pull(pins: Iterable[Pin]) -> dict[int, list[Pin]]:
    """Return pins by pull request, in order of their folders."""
    found: dict[int, list[Pin]] = {}
    for pin in sorted(pins, key=lambda pin: (pin.pr, pin.folder)):
        found.setdefault(pin.pr, []).append(pin)
    return found


def sweep_pins(mirror: str, prs: Iterable[int], directory: Path) -> dict[int, list[Pin]]:
    """Sweep exactly these pull requests into `directory` and return their verdicts."""
    numbers = ",".join(str(pr) for pr in sorted(prs))
    command = ("sweep", "--repo", mirror, "--prs", numbers, "--out", str(directory), *LIMITS)
    subprocess.run([sys.executable, "-c", _ENTRY, *command], check=True, stdout=subprocess.DEVNULL)
    reader = Reader.open(directory)
    try:
        return by_pull(_pins_of(reader))
    finally:
        reader.close()


def differences(pinned: list[Pin], found: list[Pin]) -> list[str]:
    """Return what is not as it was pinned, a line each; `pinned` and `found` are of one pull request."""
    before, after = _numbered(pinned), _numbered(found)
    lines: list[str] = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        where = f"#{(*pinned, *found)[0].pr} {key[0]}".rstrip()
        if was is None or now is None:
            lines.append(f"{where}: {'no longer there' if now is None else 'new'}")
            continue
        for name in ("legality", "limits", "metric", "overall"):
            if getattr(was, name) != getattr(now, name):
                lines.append(f"{where}: {name} {getattr(was, name)} -> {getattr(now, name)}")
        gone, come = set(was.patterns) - set(now.patterns), set(now.patterns) - set(was.patterns)
        if gone or come:
            signed = [f"-{name}" for name in sorted(gone)] + [f"+{name}" for name in sorted(come)]
            lines.append(f"{where}: patterns {' '.join(signed)}")
    return lines


def head_moved(pinned: list[Pin], found: list[Pin]) -> bool:
    """Tell whether the mirror holds another head than the one that was pinned."""
    return {pin.head_sha for pin in pinned} != {pin.head_sha for pin in found}


def _numbered(pins: list[Pin]) -> dict[tuple[str, int], Pin]:
    """Return pins by folder; two folders of one name, in two tracks, are told apart by their order."""
    found: dict[tuple[str, int], Pin] = {}
    for pin in pins:
        found[pin.folder, sum(pin.folder == name for name, _ in found)] = pin
    return found


def _pins_of(reader: Reader) -> Iterable[Pin]:
    judged = {(item.entry.pr, item.entry.position): item for item in reader.judged()}
    entries: dict[int, list[Entry]] = {}
    for entry in reader.entries():
        entries.setdefault(entry.pr, []).append(entry)
    for pull in reader.pulls():
        if pull.pr not in entries:
            yield _without(pull.pr, pull.head_sha, "", pull.state)
        for entry in entries.get(pull.pr, []):
            item = judged.get((entry.pr, entry.position))
            yield _pin(item) if item else _without(pull.pr, pull.head_sha, entry.folder, entry.state)


def _pin(item: Judged) -> Pin:
    verdict = item.verdicts[POLICY]
    return Pin(
        pr=item.entry.pr,
        head_sha=item.head_sha,
        folder=item.entry.folder,
        legality=verdict.axes["legality"],
        limits=verdict.axes["limits"],
        metric=verdict.axes["metric"],
        overall=verdict.overall,
        patterns=tuple(sorted(item.patterns)),
    )


def _without(pr: int, head_sha: str, folder: str, state: State) -> Pin:
    word = state.value.upper()
    return Pin(pr, head_sha, folder, word, word, word, word, ())


def main() -> None:
    """Pin again what is pinned, the seeds, and what the labels name."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("labels", nargs="*", type=Path, help="files of labels")
    parser.add_argument("--mirror", default=os.environ.get("REFEREE_MIRROR"), help="mirror with its pulls")
    options = parser.parse_args()
    if not options.mirror:
        parser.error("needs a mirror of openai/parameter-golf: --mirror DIR or REFEREE_MIRROR=DIR")
    files = [read_label_file(path) for path in options.labels]
    labelled = {label.pr for file in files for label in file.gold}
    labelled |= {label.pr for file in files for label in file.community}
    pinned = read_pins()
    wanted = {pr for pr in labelled if pr % 2 == 0} | {*SEEDS} | pinned.keys()
    with tempfile.TemporaryDirectory() as directory:
        found = sweep_pins(options.mirror, wanted, Path(directory))
    for pr in sorted(pinned.keys() & found.keys()):
        print(*differences(pinned[pr], found[pr]), sep="\n", end="\n" if pinned[pr] != found[pr] else "")
    lost = {pr: pins for pr, pins in pinned.items() if pr not in found}
    if lost:
        print(f"not in this mirror, left as they were: {', '.join(f'#{pr}' for pr in sorted(lost))}")
    write_pins(pin for pins in (*found.values(), *lost.values()) for pin in pins)
    print(f"{PINS.name}: {sum(map(len, found.values()))} folders of {len(found)} pull requests")


if __name__ == "__main__":
    main()
