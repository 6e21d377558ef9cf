"""`referee pack`: the reference as one script, weighed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    """How the script is written."""

    SOURCE = "source"
    MINIFIED = "minified"
    LZMA = "lzma"
    BROTLI = "brotli"


def pack(
    artifact: Annotated[
        Path | None, typer.Argument(metavar="ARTIFACT", help="Artifact to weigh with its code.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Configuration when there is no artifact.")] = "record",
    form: Annotated[Form, typer.Option(help="Form of the script that is written.")] = Form.SOURCE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the script here.")
    ] = None,
) -> None:
    """Pack the reference into one script and print its bytes under each reading of the cap.

    Leaves with 0, with 2 after a mistake of usage, with 3 when what would be shipped is over the cap.
    """
    from harness.reference import launch

    arguments = ["pack", "--preset", preset, "--form", form.value]
    arguments += [] if output is None else ["--output", str(output)]
    arguments += [] if artifact is None else [str(artifact)]
    raise typer.Exit(launch(arguments))


__all__ = ["pack"]
