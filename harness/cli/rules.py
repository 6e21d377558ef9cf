"""`referee rules`: what the rulebook says, and RULES.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from audits.rule import Rule


def rules(
    rule_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Explain one rule in full.")] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Write the rulebook as RULES.md has it.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
) -> None:
    """List the rules, or explain one."""
    from audits.rules import discover
    from audits.rules_docs import render_list, render_rule, render_rulebook

    known = discover()
    if rule_id is not None:
        text = render_rule(_find(rule_id))
    else:
        text = render_rulebook(known) if markdown else render_list(known)
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


def _find(rule_id: str) -> Rule:
    """Return the rule called `rule_id`, or say which ones come close."""
    import difflib

    from audits.errors import UserError
    from audits.rules import discover

    known = {rule.id: rule for rule in discover()}
    if rule_id in known:
        return known[rule_id]
    near = difflib.get_close_matches(rule_id, known, n=3) or sorted(known)[:3]
    raise UserError(
        f"there is no rule called {rule_id!r}", f"did you mean {', '.join(near)}? `referee rules` lists all"
    )
