"""`referee train`: train the reference in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    preset: Annotated[str, typer.Option(help="Preset (micro, tiny, record), or a TOML file.")] = "tiny",
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Data directory; the tiny set is made there.")
    ] = Path("data"),
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the run (default: runs/reference/PRESET).")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed of the weights.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a setting, such as model.backout=true."),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=8, metavar="N", help="Processes, one a GPU, started by torchrun.")
    ] = 1,
) -> None:
    """Train the reference: data, run, artifact, score.

    Leaves with 0, with 2 after a mistake of usage, with 3 when the artifact is over its cap.
    """
    from harness.reference import launch

    arguments = ["train", "--preset", preset, "--data", str(data)]
    arguments += [] if out is None else ["--out", str(out)]
    arguments += [] if seed is None else ["--seed", str(seed)]
    for override in set_ or ():
        arguments += ["--set", override]
    raise typer.Exit(launch(arguments, processes))


__all__ = ["train"]
