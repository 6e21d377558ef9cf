"""Draw the pull requests of the measured smoke run, and write them to tests/containers/sample.toml.

    python scripts/smoke_sample.py MIRROR    draw and write
    python scripts/smoke_sample.py --list    print the numbers that were drawn, for `referee sweep --prs`
    python scripts/smoke_sample.py --lines FILE    print those on which a file of labels has a smoke line

Promises the same sample from the same mirror: even numbers are shuffled with a fixed seed, and the first
hundred that hold a record folder with a script are taken. Nothing else of a pull request is looked at.
"""

from __future__ import annotations

import random
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from audits.errors import UserError
from audits.intake import load
from harness.score.labels import read_label_file
from harness.smoke.community import lines_of
from harness.sweep.targets import heads

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20260504
WANTED = 100
FOUNDING = (339, 895, 1073, 1231, 1629)
"""The entries with which this project began; they are run on top of the sample."""
SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "containers" / "sample.toml"
_HEADER = """\
# The pull requests of the measured smoke run (docs/smoke.md), drawn by scripts/smoke_sample.py: even numbers
# of the mirror, shuffled with the seed, the first {wanted} that hold a record folder with a script.
"""


def draw(mirror: str, seed: int = SEED, wanted: int = WANTED) -> list[int]:
    """Return the sample, by number."""
    even = [number for number in heads(mirror) if number % 2 == 0]
    random.Random(seed).shuffle(even)
    found: list[int] = []
    for number in _with_folders(mirror, even):
        found.append(number)
        if len(found) == wanted:
            break
    return sorted(found)


def _with_folders(mirror: str, numbers: list[int]) -> Iterator[int]:
    """Yield those that hold a record folder with a script."""
    for number in numbers:
        try:
            submissions = load(None, repo=mirror, pr=number).submissions
        except UserError:
            continue
        if any(entry.track is not None and entry.main_script is not None for entry in submissions):
            yield number


def text_of(sample: list[int], seed: int = SEED) -> str:
    """Return the file."""
    rows = [sample[start : start + 12] for start in range(0, len(sample), 12)]
    listed = "\n".join("    " + ", ".join(map(str, row)) + "," for row in rows)
    head = _HEADER.format(wanted=len(sample))
    return f"{head}seed = {seed}\nfounding = {list(FOUNDING)}\nsample = [\n{listed}\n]\n"


def drawn(path: Path = SAMPLE) -> list[int]:
    """Return the numbers of the file, the founding entries among them."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return sorted({*document["sample"], *document["founding"]})


def main(arguments: list[str]) -> int:
    """Write the sample of a mirror."""
    if arguments[:1] == ["--lines"] and len(arguments) == 2:
        print(",".join(str(line.pr) for line in lines_of(read_label_file(Path(arguments[1])).community)))
        return 0
    if len(arguments) != 1:
        print("usage: python scripts/smoke_sample.py MIRROR | --list | --lines FILE", file=sys.stderr)
        return 2
    if arguments == ["--list"]:
        print(",".join(map(str, drawn())))
        return 0
    sample = draw(arguments[0])
    SAMPLE.write_text(text_of(sample), encoding="utf-8")
    print(f"{SAMPLE}: {len(sample)} pull requests")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
