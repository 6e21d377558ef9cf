"""`referee probe`: run a submission's own evaluation on streams that differ, and compare."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import Base, Folder, Output, PullRequest, Ref, Repo, Targets
from harness.cli.smoke import Isolation, SmokeFormat


def probe(
    targets: Targets = None,
    repo: Repo = None,
    pr: PullRequest = None,
    ref: Ref = None,
    folder: Folder = None,
    base: Base = None,
    format_: Annotated[SmokeFormat, typer.Option("--format", help="Output format.")] = SmokeFormat.TEXT,
    output: Output = None,
    isolation: Annotated[
        Isolation | None,
        typer.Option(help="What the box is made with (default: docker, else podman)."),
    ] = None,
    runtime: Annotated[
        str | None, typer.Option(metavar="NAME", help="OCI runtime, such as runsc (gVisor).")
    ] = None,
    seconds: Annotated[float, typer.Option(min=30, help="Time for all runs of one submission.")] = 600.0,
    memory_mb: Annotated[int, typer.Option(min=512, help="Memory for them.")] = 4096,
    no_exit_codes: Annotated[
        bool, typer.Option("--no-exit-codes", help="Leave with 0 whatever the verdict.")
    ] = False,
) -> None:
    """Run a submission's own evaluation several times in a locked box, on streams that differ, and compare.

    Leaves with 0 CLEAN, 11 LEAK, 10 BLIND or UNCLEAR, 13 nothing to run, 14 when there is no box;
    1 is a bug of ours, 2 a mistake of usage.
    """
    from containers.probe_job import ProbeOptions
    from containers.request import MIB, Limits
    from harness.auditing import Request
    from harness.probe.command import run_probe
    from harness.smoke.workshop import Setup

    request = Request(targets=tuple(targets or ()), repo=repo, pr=pr, ref=ref, folder=folder, base=base)
    limits = Limits(wall_seconds=seconds, memory_bytes=memory_mb * MIB)
    options = ProbeOptions(limits, min(150.0, seconds), runtime)
    setup = Setup(isolation.value if isolation else None)
    code = run_probe(request, setup, options, format_.value, output)
    raise typer.Exit(0 if no_exit_codes and code >= 10 else int(code))


__all__ = ["probe"]
