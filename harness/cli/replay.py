"""`referee replay`: run a record again under enforced limits."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ReplayFormat(StrEnum):
    """How the outcome is printed."""

    TEXT = "text"
    JSON = "json"


def replay(
    target: Annotated[str, typer.Argument(metavar="FOLDER", help="The record folder to run again.")],
    profile: Annotated[
        str, typer.Option(metavar="NAME", help="Machine it is held to: h100x8, gpu1 or cpu-tiny.")
    ] = "h100x8",
    seeds: Annotated[
        str | None, typer.Option(metavar="N,N", help="Seeds to run (default: those a score is claimed for).")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with datasets/ and tokenizers/ (default: ./data)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Run directory (default: runs/replay-NAME).")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on in a run directory; finished seeds are not run again.")
    ] = False,
    command: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="Script and arguments, instead of the documented ones."),
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Lay a variable over the documented ones.")
    ] = None,
    nproc: Annotated[
        int | None, typer.Option(metavar="N", help="Processes (default: the profile's).")
    ] = None,
    isolation: Annotated[
        str | None, typer.Option(metavar="NAME", help="docker, podman or bubblewrap (default: what answers).")
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE",
            help="Run with the packages of this image (default: smoke's own; for GPUs see docs/replay.md).",
        ),
    ] = None,
    split_eval: Annotated[
        bool,
        typer.Option(
            "--split-eval", help="Score again in a second box that sees the artifact, no training data."
        ),
    ] = False,
    eval_env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="With --split-eval: makes the script score a saved artifact."
        ),
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Train the reference first: how fast is this machine?")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a machine that differs from the profile.")
    ] = False,
    hash_all: Annotated[
        bool, typer.Option("--hash-all", help="Digest training shards too (minutes on a full data set).")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print plan and preflight, run nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before running.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a live view.")] = False,
    on: Annotated[
        str | None,
        typer.Option(metavar="CLOUD", help="Rent the machine there by SkyPilot: runpod, lambda, ..."),
    ] = None,
    hourly: Annotated[
        float | None, typer.Option(metavar="USD", help="With --on: price of the machine an hour.")
    ] = None,
    max_cost: Annotated[
        float, typer.Option(metavar="USD", help="With --on: start nothing that may cost more.")
    ] = 60.0,
    remote_data: Annotated[
        str, typer.Option(metavar="WHERE", help="With --on: hub:VARIANT, or a bucket with the data.")
    ] = "hub:sp1024",
    bucket: Annotated[
        str | None,
        typer.Option(metavar="URI", help="With --on: keep the run there, and survive a lost machine."),
    ] = None,
    spot: Annotated[bool, typer.Option("--spot", help="With --on: take a spot machine.")] = False,
    format_: Annotated[ReplayFormat, typer.Option("--format", help="Output format.")] = ReplayFormat.TEXT,
) -> None:
    """Run a record again under enforced limits and say whether it reproduces.

    Leaves with 0 REPRODUCED, 10 NOT_REPRODUCED or INFRA_FAULT, 11 INVALID or LIMIT_EXCEEDED, 13 NOT_RUN.
    """
    from harness.replay.command import Wishes, run_replay

    wishes = Wishes(
        target=target,
        profile=profile,
        seeds=seeds,
        data=data,
        out=out,
        resume=resume,
        command=command,
        environment=tuple(env or ()),
        nproc=nproc,
        isolation=isolation,
        image=image,
        split_eval=split_eval,
        eval_environment=tuple(eval_env or ()),
        calibrate=calibrate,
        strict=strict,
        hash_all=hash_all,
        dry_run=dry_run,
        yes=yes,
        plain=plain,
        json=format_ is ReplayFormat.JSON,
        on=on,
        hourly_usd=hourly,
        max_usd=max_cost,
        remote_data=remote_data,
        bucket=bucket,
        spot=spot,
    )
    raise typer.Exit(int(run_replay(wishes)))


__all__ = ["replay"]
