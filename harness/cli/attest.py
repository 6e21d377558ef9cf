"""`referee attest` and `referee verify`: sign what a replay found, and check it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def attest(
    directory: Annotated[
        Path, typer.Argument(metavar="RUNDIR", help="Directory that `referee replay` wrote.")
    ],
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ed25519 key (PEM); without it Sigstore signs, in CI.")
    ] = None,
    new_key: Annotated[bool, typer.Option("--new-key", help="Make the key first, at --key.")] = False,
) -> None:
    """Sign a statement over every file of a replay (in-toto, DSSE)."""
    from audits.errors import UserError
    from harness.attest import attest as sign_directory
    from harness.attest.envelope import make_key
    from harness.rundir import ReplayDir

    if new_key:
        if key is None:
            raise UserError("where should the new key lie?", "pass --key FILE")
        make_key(key)
    typer.echo(f"signed: {sign_directory(ReplayDir(directory), key)}")


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The attestation.json of a replay.")],
    directory: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Run directory (default: where the bundle lies).")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Public key that you trust (PEM).")] = None,
    identity: Annotated[
        str | None, typer.Option(metavar="ID", help="Sigstore: the workflow that must have signed.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(metavar="URL", help="Sigstore: who vouches for it.")] = None,
) -> None:
    """Check a signed replay, and say what that proves. Leaves with 0, or 11 when something does not hold."""
    from harness.attest import verify as check
    from harness.attest.verifying import DOES_NOT_PROVE, PROVES
    from harness.errors import ExitCode
    from harness.report.escape import one_line

    checked = check(bundle, directory, key, identity, issuer)
    for problem in checked.problems[:50]:
        typer.echo(f"does not hold: {one_line(problem)}")
    if checked.problems:
        raise typer.Exit(int(ExitCode.VIOLATION))
    typer.echo(f"holds: {one_line(checked.verdict)}, signed by {one_line(checked.signer)}")
    typer.echo("this proves:")
    for line in PROVES:
        typer.echo(f"  {line}")
    typer.echo("it does not prove:")
    for line in DOES_NOT_PROVE:
        typer.echo(f"  {line}")


__all__ = ["attest", "verify"]
