"""How much an audit costs next to parsing: `python -m tests.audits.bench --repo MIRROR`.

Facts and all rules of a main script are timed against `ast.parse` on the same bytes, interleaved, so that a
busy machine slows both. Intake reads the repository and is not part of the ratio; the command as a whole is.
"""

from __future__ import annotations

import argparse
import ast
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LIMIT = 5.0
CLI_LIMIT = 1.5
REPEATS = 3


class Timing(NamedTuple):
    """Milliseconds of one script."""

    pull: int
    size: int
    parse: float
    audit: float

    @property
    def ratio(self) -> float:
        """Audit over parse."""
        return self.audit / self.parse


def pulls(repo: Path) -> list[int]:
    """Return the even-numbered pull requests of a mirror, spread evenly over time."""
    import pygit2

    numbers = []
    for name in pygit2.Repository(str(repo)).references:
        parts = name.split("/")
        if name.startswith("refs/pull/") and name.endswith("/head") and int(parts[2]) % 2 == 0:
            numbers.append(int(parts[2]))
    numbers.sort()
    middle = [number for place, number in enumerate(numbers) if place % 3 == 0]
    return middle + [number for number in numbers if number not in set(middle)]


def measure(repo: Path, wanted: int) -> Iterator[Timing]:
    """Time the main scripts of pull requests until `wanted` distinct ones are done."""
    from audits.errors import UserError
    from audits.intake import load
    from audits.runner import audit

    seen: set[str] = set()
    for pull in pulls(repo):
        if len(seen) >= wanted:
            return
        try:
            submissions = load(None, repo=str(repo), pr=pull).submissions
        except UserError:
            continue
        for submission in submissions[:1]:
            main = submission.file(submission.main_script) if submission.main_script else None
            if main is None or main.blob_id in seen or main.size < 2_000:
                continue
            result = audit(submission)
            layer = result.facts.code.main if result.facts else None
            source = layer.source if layer else ""
            if not _parses(source):
                continue
            seen.add(main.blob_id)
            runs = [_once(submission, source) for _ in range(REPEATS)]
            yield Timing(pull, len(source), min(run[0] for run in runs), min(run[1] for run in runs))


def _parses(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return len(source) > 2_000


def _once(submission: object, source: str) -> tuple[float, float]:
    from audits.runner import audit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = time.perf_counter()
        ast.parse(source)
        parsed = time.perf_counter()
        result = audit(submission)  # type: ignore[arg-type]
    timings = result.timings_ms
    return (parsed - started) * 1000, timings.get("facts", 0.0) + timings.get("rules", 0.0)


def command_seconds(repo: Path, numbers: list[int]) -> list[float]:
    """Time whole `referee audit` calls in processes of their own."""
    found = []
    for pull in numbers:
        started = time.perf_counter()
        arguments = ["audit", "--repo", str(repo), "--pr", str(pull), "--format", "json", "--no-exit-codes"]
        command = [sys.executable, "-c", "from harness.cli import main; main()", *arguments]
        done = subprocess.run(command, check=False, capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"the command failed on #{pull}: {done.stderr.decode()[-500:]}")
        found.append(time.perf_counter() - started)
    return found


def main() -> int:
    """Print the figures; the exit status says whether they keep the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--repo", default=os.environ.get("REFEREE_MIRROR"), help="mirror of openai/parameter-golf"
    )
    parser.add_argument("--scripts", type=int, default=100)
    parser.add_argument("--calls", type=int, default=10)
    options = parser.parse_args()
    if not options.repo:
        parser.error("name a mirror with --repo or REFEREE_MIRROR")
    repo = Path(options.repo)
    timings = list(measure(repo, options.scripts))
    if not timings:
        parser.error(f"{repo} holds no pull request with a readable script")
    ratio = statistics.median(entry.ratio for entry in timings)
    print(
        f"scripts: {len(timings)}, median {statistics.median(entry.size for entry in timings) / 1000:.0f} KB"
    )
    for name, values in (
        ("ast.parse", [t.parse for t in timings]),
        ("facts + rules", [t.audit for t in timings]),
    ):
        print(f"{name}: median {statistics.median(values):.1f} ms, slowest {max(values):.1f} ms")
    slowest = max(timings, key=lambda entry: entry.ratio)
    print(f"ratio: median {ratio:.2f} (limit {LIMIT}), highest {slowest.ratio:.2f} (#{slowest.pull})")
    seconds = command_seconds(repo, [entry.pull for entry in timings[: options.calls]])
    call = statistics.median(seconds) if seconds else 0.0
    print(f"command: median {call:.2f} s (limit {CLI_LIMIT}), slowest {max(seconds, default=0.0):.2f} s")
    return 0 if ratio <= LIMIT and call <= CLI_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
