"""Write docs/smoke.md from a smoke sweep of the sample, and one of what the community's lines are about.

    python scripts/smoke_docs.py RUN [--community RUN2 --labels FILE] [--date DAY]

Leaves with 1 where something is unexplained or an explanation has lost its case, after writing the page.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from audits.errors import UserError
from harness.rundir import SweepDir
from harness.score.labels import read_label_file
from harness.smoke.community import Compared, compare, disagreements, lines_of
from harness.smoke.explained import Explanations, read_explanations
from harness.smoke.measured import Run, runs_of
from harness.smoke.page import Page, render_page, unexplained
from harness.sweep.reader import Reader

ROOT = Path(__file__).resolve().parents[1]
EXPLANATIONS = ROOT / "tests" / "containers" / "smoke_explanations.toml"
PAGE = ROOT / "docs" / "smoke.md"


def main() -> int:
    """Write the page and say what is open."""
    options = _options()
    try:
        page = _page(options)
    except UserError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return 2
    options.output.write_text(render_page(page), encoding="utf-8")
    print(f"{options.output}: {len(page.runs)} runs, {len(page.compared)} lines of the community")
    open_cases, lost = unexplained(page), page.explained.stale(page.runs, disagreements(page.compared))
    for case in open_cases:
        print(f"unexplained: {case}")
    for case in lost:
        print(f"explains nothing: {case}")
    return 1 if open_cases or lost else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="directory of `referee sweep --smoke` over the sample")
    parser.add_argument("--community", type=Path, help="directory of a sweep over what the lines are about")
    parser.add_argument("--labels", type=Path, help="labels with a `smoke` field, one JSON object a line")
    parser.add_argument("--explanations", type=Path, default=EXPLANATIONS)
    parser.add_argument("--output", type=Path, default=PAGE)
    parser.add_argument("--date", help="day on the page (default: of the sweep)")
    return parser.parse_args()


def _page(options: argparse.Namespace) -> Page:
    runs = _runs(options.run)
    if not runs:
        raise UserError(f"{options.run} holds no smoke runs")
    explained = read_explanations(options.explanations) if options.explanations.is_file() else Explanations()
    return Page(runs, explained, _compared(options, runs), options.date or _swept_on(options.run))


def _compared(options: argparse.Namespace, runs: tuple[Run, ...]) -> tuple[Compared, ...]:
    """Return the community's lines with our runs, those of the sample where the second sweep has none."""
    if options.labels is None:
        return ()
    more = _runs(options.community) if options.community is not None else ()
    known = {run.pr for run in more}
    labels = read_label_file(options.labels).community
    return compare(lines_of(labels), (*more, *(run for run in runs if run.pr not in known)))


def _runs(directory: Path) -> tuple[Run, ...]:
    with closing(Reader.open(directory)) as reader:
        return runs_of(reader)


def _swept_on(directory: Path) -> str:
    return datetime.fromtimestamp(SweepDir(directory).store.stat().st_mtime, UTC).date().isoformat()


if __name__ == "__main__":
    sys.exit(main())
