"""The `referee` command: one file per subcommand, imported for its options only.

Promises that a caller's mistake takes one line and a hint, that our own bug keeps its traceback, and that
nothing heavy is imported before a subcommand runs.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from audits.errors import UserError
from harness.cli.attest import attest, verify
from harness.cli.audit import audit
from harness.cli.compare import compare, report
from harness.cli.dashboard import dashboard
from harness.cli.evaluate import evaluate
from harness.cli.pack import pack
from harness.cli.probe import probe
from harness.cli.publish import publish
from harness.cli.replay import replay
from harness.cli.review import review
from harness.cli.rules import rules
from harness.cli.schema import schema
from harness.cli.score import score
from harness.cli.smoke import smoke
from harness.cli.sweep import sweep
from harness.cli.train import train
from harness.cli.watch import watch
from harness.errors import ExitCode

app = typer.Typer(
    name="referee",
    help="Audit Parameter Golf submissions without running them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(attest)
app.command()(audit)
app.command()(compare)
app.command()(dashboard)
app.command()(evaluate)
app.command()(pack)
app.command()(probe)
app.command()(publish)
app.command()(replay)
app.command()(report)
app.command()(review)
app.command()(rules)
app.command()(schema)
app.command()(score)
app.command()(smoke)
app.command()(sweep)
app.command()(train)
app.command()(watch)
app.command()(verify)


def _print_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from harness.version import version

        typer.echo(f"referee {version()}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Audit Parameter Golf submissions without running them."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        app(prog_name="referee")
    except UserError as error:
        sys.exit(report_mistake(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        import traceback

        traceback.print_exc()
        print("referee: this is a bug of Referee, not of the submission", file=sys.stderr)
        sys.exit(ExitCode.TOOL_ERROR)


def report_mistake(error: UserError) -> ExitCode:
    """Print a caller's mistake on one line with its hint."""
    from harness.report.escape import one_line

    hint = f" ({one_line(error.hint, 300)})" if error.hint else ""
    print(f"referee: {one_line(error.message, 500)}{hint}", file=sys.stderr)
    return ExitCode.USAGE


__all__ = ["app", "main"]
