"""`referee sweep`: every pull request of a mirror, resumable."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.smoke import Isolation

if TYPE_CHECKING:
    from harness.probe.probing import ProbeSetup
    from harness.smoke.workshop import Setup


class ExecutorName(StrEnum):
    """Where the work is done."""

    LOCAL = "local"
    RAY = "ray"


class ExportFormat(StrEnum):
    """What the results are written as beside the database."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def sweep(
    repo: Annotated[str, typer.Option(metavar="DIR", help="Clone or bare mirror with refs/pull/*/head.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where results are kept; run again to resume.")],
    prs: Annotated[
        str | None, typer.Option(metavar="RANGES", help="Pull requests, such as 1-200,305 (default: all).")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The pull requests that a file of labels names; --probe takes the folders that it names.",
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Heads committed that day (UTC) or later."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="REF", help="What to compare with (default: main).")
    ] = None,
    export: Annotated[
        list[ExportFormat] | None, typer.Option(help="Also write sweep.FORMAT; may be repeated.")
    ] = None,
    executor: Annotated[
        ExecutorName, typer.Option(help="This machine, or a Ray cluster (RAY_ADDRESS, else a local one).")
    ] = ExecutorName.LOCAL,
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Workers (default: all cores).")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Time for one folder.")] = 20.0,
    memory_mb: Annotated[int, typer.Option(min=200, help="Memory for one worker.")] = 600,
    retry_crashed: Annotated[
        bool, typer.Option("--retry-crashed", help="Try again what crashed before.")
    ] = False,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Also run each folder's own code in a locked box.")
    ] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Also probe each folder's own evaluation in a locked box.")
    ] = False,
    smoke_jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Boxes at a time.")] = 2,
    isolation: Annotated[
        Isolation | None, typer.Option(help="What the boxes are made with (default: docker, else podman).")
    ] = None,
    runtime: Annotated[
        str | None, typer.Option(metavar="NAME", help="OCI runtime of the boxes, such as runsc.")
    ] = None,
    floor: Annotated[
        bool, typer.Option("--floor", help="Afterwards time ast.parse alone over the same scripts.")
    ] = False,
) -> None:
    """Audit every pull request of a mirror; what is known already costs nothing.

    Leaves with 0 when every pull request was looked at, 130 after Ctrl-C (what was finished is kept), 2 after
    a mistake of usage.
    """
    from harness.sweep.executor import Limits
    from harness.sweep.progress import TerminalProgress, print_report
    from harness.sweep.sweeper import Request
    from harness.sweep.sweeper import sweep as carry_out

    if sum(choice is not None for choice in (prs, labels)) > 1:
        from audits.errors import UserError

        raise UserError("--prs and --labels do not go together", "give one of them")
    request = Request(
        repo=repo,
        out=out,
        prs=prs,
        labels=labels,
        since=since.date() if since else None,
        base=base,
        executor=executor.value,
        jobs=jobs,
        limits=Limits(seconds, memory_mb),
        retry_crashed=retry_crashed,
        smoke=_smoke_setup(isolation, runtime) if smoke else None,
        probe=_probe_setup(isolation, runtime) if probe else None,
        smoke_jobs=smoke_jobs,
        measure_floor=floor,
    )
    with TerminalProgress() as progress:
        report = carry_out(request, progress)
    _write_exports(out, [format_.value for format_ in export or ()])
    print_report(report, out)
    raise typer.Exit(130 if report.interrupted else 0)


def _smoke_setup(isolation: Isolation | None, runtime: str | None) -> Setup:
    from containers.smoke_job import SmokeOptions
    from harness.smoke.workshop import Setup

    return Setup(isolation.value if isolation else None, SmokeOptions(runtime=runtime))


def _probe_setup(isolation: Isolation | None, runtime: str | None) -> ProbeSetup:
    from containers.probe_job import ProbeOptions
    from harness.probe.probing import ProbeSetup

    return ProbeSetup(isolation.value if isolation else None, ProbeOptions(runtime=runtime))


def _write_exports(out: Path, formats: list[str]) -> None:
    if not formats:
        return
    from harness.rundir import SweepDir
    from harness.sweep.export import export as write
    from harness.sweep.reader import Reader

    reader = Reader.open(out)
    for format_ in formats:
        write(reader, SweepDir(out).export(format_), format_)
    reader.close()


__all__ = ["sweep"]
