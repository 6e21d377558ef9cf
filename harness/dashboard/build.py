"""Carry out `referee dashboard`: read the sweep, write every page and asset, put the site in its place.

Promises that a site is replaced as a whole or not at all, and that a directory which is no site of ours is
left alone.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from audits.errors import UserError
from harness.dashboard.field import Field, Row, load_field
from harness.dashboard.kept_reviews import KeptReview, read_kept
from harness.dashboard.labels import NO_LABELS, Labels, read_labels
from harness.dashboard.overviews import write_overviews, write_rules
from harness.dashboard.payload import entries_payload, script
from harness.dashboard.workers import Mate, PullTask, write_pulls
from harness.sweep.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

MARKER = "assets/site.js"
"""The file by which a site of ours is known."""
_ASSETS = ("site.css", "site.js", "icon.svg")


@dataclass(frozen=True, slots=True)
class Built:
    """What was written."""

    out: Path
    pulls: int
    folders: int
    pages: int
    seconds: float


def build_site(
    run_dir: Path, out: Path, label_files: Sequence[Path] = (), jobs: int = 1, reviews: Sequence[Path] = ()
) -> Built:
    """Write the site of one sweep to `out`."""
    started = perf_counter()
    _require_ours(out)
    _require_charts()
    with closing(Reader.open(run_dir)) as store:
        field = load_field(store)
        labels = read_labels(store, label_files) if label_files else NO_LABELS
    kept = read_kept(reviews)
    if not field.pulls:
        raise UserError(f"{run_dir} was asked for no pull request", "referee sweep --repo MIRROR --out DIR")
    fresh = out.with_name(f".{out.name}.partial")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        cases = write_pulls(run_dir, fresh, _tasks(field, labels, kept), jobs)
        write_overviews(fresh, field, labels, kept)
        write_rules(fresh, field, labels, cases)
        _write_assets(fresh, field)
        shutil.rmtree(out, ignore_errors=True)
        fresh.rename(out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}", "choose another --output") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    pages = sum(1 for _ in out.rglob("*.html"))
    return Built(out, len(field.pulls), len(field.rows), pages, perf_counter() - started)


def _require_ours(out: Path) -> None:
    """Refuse to replace what is no site of ours."""
    if out.exists() and not (out.is_dir() and ((out / MARKER).is_file() or not any(out.iterdir()))):
        raise UserError(f"{out} is there and is no dashboard", "choose another --output, or remove it")


def _require_charts() -> None:
    try:
        import altair  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise UserError(
            "the dashboard draws charts with Altair", "pip install 'golf-referee[site]'"
        ) from error


def _tasks(field: Field, labels: Labels, kept: Sequence[KeptReview]) -> list[PullTask]:
    """Return what the workers need, one task a pull request."""
    clusters = field.clusters()
    mates = {
        name: [Mate(*row.where, row.entry.folder, row.call()) for row in rows if row.entry]
        for name, rows in clusters.items()
    }
    by_pull: dict[int, list[Row]] = {}
    for row in field.rows:
        by_pull.setdefault(row.pull.pr, []).append(row)
    numbers = list(by_pull)
    opinions: dict[int, list[Any]] = {}
    for opinion in labels.opinions:
        opinions.setdefault(opinion.pr, []).append(opinion)
    return [
        PullTask(
            rows=tuple(rows),
            clusters=tuple(_company(row, mates) for row in rows),
            opinions=tuple(opinions.get(pr, [])),
            reviews=tuple(review for review in kept if review.pr == pr),
            before=numbers[index - 1] if index else None,
            after=numbers[index + 1] if index + 1 < len(numbers) else None,
        )
        for index, (pr, rows) in enumerate(by_pull.items())
    ]


def _company(row: Row, mates: dict[str, list[Mate]]) -> tuple[str, tuple[Mate, ...]]:
    """Return the cluster of a folder and the others in it."""
    name = row.entry.cluster if row.entry else ""
    if name not in mates:
        return "", ()
    return name, tuple(mate for mate in mates[name] if (mate.pr, mate.position) != row.where)


def _write_assets(out: Path, field: Field) -> None:
    """Write style, script, data and the chart library; nothing is loaded from anywhere else."""
    import vl_convert

    assets = out / "assets"
    for name in _ASSETS:
        source = files("harness.dashboard").joinpath("assets", name)
        (assets / name).write_bytes(source.read_bytes())
    data = script("REFEREE_ENTRIES", entries_payload(field))
    (assets / "entries.js").write_text(data, encoding="utf-8")
    library = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub forgets the default
    (assets / "vega.js").write_text(f"(()=>{{{library}}})();\n", encoding="utf-8")
    # GitHub Pages is not to run the pages through Jekyll.
    (out / ".nojekyll").write_bytes(b"")
