"""`referee smoke`: run a submission's own code in a locked box, at tiny scale."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from harness.cli.options import Base, Folder, Output, PullRequest, Ref, Repo, Targets


class Isolation(StrEnum):
    """What the box is made with."""

    DOCKER = "docker"
    PODMAN = "podman"
    BUBBLEWRAP = "bubblewrap"


class SmokeFormat(StrEnum):
    """How a smoke run is printed."""

    TEXT = "text"
    JSON = "json"


def smoke(
    targets: Targets = None,
    repo: Repo = None,
    pr: PullRequest = None,
    ref: Ref = None,
    folder: Folder = None,
    base: Base = None,
    format_: Annotated[SmokeFormat, typer.Option("--format", help="Output format.")] = SmokeFormat.TEXT,
    output: Output = None,
    build: Annotated[
        bool, typer.Option("--build", help="Show how the image is built; without a target do only that.")
    ] = False,
    isolation: Annotated[
        Isolation | None,
        typer.Option(help="What the box is made with (default: docker, else podman)."),
    ] = None,
    runtime: Annotated[
        str | None, typer.Option(metavar="NAME", help="OCI runtime, such as runsc (gVisor).")
    ] = None,
    seconds: Annotated[float, typer.Option(min=5, help="Time for one run.")] = 300.0,
    memory_mb: Annotated[int, typer.Option(min=512, help="Memory for one run.")] = 4096,
    no_exit_codes: Annotated[
        bool, typer.Option("--no-exit-codes", help="Leave with 0 whatever the label.")
    ] = False,
) -> None:
    """Run submissions in a locked box: import, build, train a few steps, save, reload, evaluate.

    Leaves with 0 PASS, 12 when the submission's own code fails, 10 when a person should look
    (TIMEOUT, RESOURCE, SHIM_GAP, ESCAPE_ATTEMPT), 13 nothing to run, 14 when there is no box;
    1 is a bug of ours, 2 a mistake of usage.
    """
    from containers.request import MIB, Limits
    from containers.smoke_job import SmokeOptions
    from harness.auditing import Request
    from harness.smoke.command import run_smoke
    from harness.smoke.workshop import Setup

    request = Request(targets=tuple(targets or ()), repo=repo, pr=pr, ref=ref, folder=folder, base=base)
    limits = Limits(wall_seconds=seconds, memory_bytes=memory_mb * MIB)
    setup = Setup(
        isolation.value if isolation else None,
        SmokeOptions(limits, run_seconds=min(150.0, seconds), runtime=runtime),
    )
    code = run_smoke(request, setup, format_.value, output, build=build)
    raise typer.Exit(0 if no_exit_codes and code >= 10 else int(code))


__all__ = ["smoke"]
