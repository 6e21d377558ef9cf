"""Write the measured part of docs/probe.md from a probing sweep and the labels it was made over.

    python scripts/probe_table.py RUN --labels FILE [--date DAY]

Leaves with 1 where a row is unexplained or an explanation has lost its case, after writing the page.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from audits.errors import UserError
from harness.probe.explained import Explanations, read_explanations
from harness.probe.measured import rows_of
from harness.probe.page import Page, replace_measured
from harness.rundir import SweepDir
from harness.score.labels import read_label_file
from harness.sweep.reader import Reader

ROOT = Path(__file__).resolve().parents[1]
EXPLANATIONS = ROOT / "tests" / "containers" / "probe_explanations.toml"
PAGE = ROOT / "docs" / "probe.md"


def main() -> int:
    """Write the page and say what is open."""
    options = _options()
    try:
        page = _page(options)
        text = replace_measured(options.output.read_text(encoding="utf-8"), page)
    except UserError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return 2
    options.output.write_text(text, encoding="utf-8")
    print(f"{options.output}: {len(page.rows)} rows")
    missing, lost = page.explained.missing(page.rows), page.explained.stale(page.rows)
    for case in missing:
        print(f"unexplained: {case}")
    for case in lost:
        print(f"explains nothing: {case}")
    return 1 if missing or lost else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="directory of `referee sweep --probe`")
    parser.add_argument("--labels", type=Path, required=True, help="gold labels, one JSON object a line")
    parser.add_argument("--explanations", type=Path, default=EXPLANATIONS)
    parser.add_argument("--output", type=Path, default=PAGE)
    parser.add_argument("--date", help="day on the page (default: of the sweep)")
    return parser.parse_args()


def _page(options: argparse.Namespace) -> Page:
    labels = read_label_file(options.labels)
    if not labels.gold:
        raise UserError(f"{options.labels} holds no gold labels")
    with closing(Reader.open(options.run)) as reader:
        rows = rows_of(reader, labels.gold)
    explained = read_explanations(options.explanations) if options.explanations.is_file() else Explanations()
    day = options.date or _swept_on(options.run)
    return Page(rows, explained, day, labels.name)


def _swept_on(directory: Path) -> str:
    return datetime.fromtimestamp(SweepDir(directory).store.stat().st_mtime, UTC).date().isoformat()


if __name__ == "__main__":
    sys.exit(main())
