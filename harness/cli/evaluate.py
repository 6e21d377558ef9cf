"""`referee evaluate`: score an artifact of the reference in a process of its own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class MethodName(StrEnum):
    """How the validation split is scored."""

    PLAIN = "plain"
    SLIDING = "sliding"
    SCORE_FIRST_TTT = "score-first-ttt"
    LORA_TTT = "lora-ttt"
    CONTEXT_SLOT = "context-slot"
    HEDGE_MIXER = "hedge-mixer"


def evaluate(
    artifact: Annotated[
        Path | None, typer.Argument(metavar="ARTIFACT", help="What `referee train` wrote.")
    ] = None,
    data: Annotated[Path, typer.Option(metavar="DIR", help="Data directory, as for `referee train`.")] = Path(
        "data"
    ),
    method: Annotated[MethodName, typer.Option(help="How tokens are predicted.")] = MethodName.PLAIN,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Setting of the method, such as stride=64."),
    ] = None,
    nll: Annotated[
        Path | None, typer.Option(metavar="FILE.npy", help="Write the loss of every token, float64.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.json", help="Write the result as JSON too.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="cpu|cuda", help="Where (default: cuda where there is one).")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="bf16|fp32", help="Of matrix products on a CPU (default: fp32).")
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show the methods, their settings and what each promises.")
    ] = False,
) -> None:
    """Score an artifact on the whole validation split; bytes are counted independently of any submission.

    Leaves with 0, with 2 after a mistake of usage, with 3 when the artifact is damaged.
    """
    from harness.reference import launch

    arguments = ["evaluate", *([] if artifact is None else [str(artifact)])]
    arguments += ["--data", str(data), "--method", method.value]
    for setting in set_ or ():
        arguments += ["--set", setting]
    for name, value in (
        ("--nll", nll),
        ("--output", output),
        ("--device", device),
        ("--precision", precision),
    ):
        arguments += [] if value is None else [name, str(value)]
    arguments += ["--list"] if list_ else []
    raise typer.Exit(launch(arguments))


__all__ = ["evaluate"]
