"""Keep the README's `--help` excerpts equal to what the command prints.

Run it to rewrite the excerpts; with `--check` it only exits 1 when they differ.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
WIDTH = "100"
BLOCK = re.compile(r"(<!-- help: (referee[a-z ]*) -->\n)(.*?)(<!-- /help -->)", re.DOTALL)
ENTRY = "import sys; sys.argv[0] = 'referee'; from harness.cli import main; main()"


def help_text(command: str) -> str:
    """Return what `command --help` prints on a plain terminal of fixed width."""
    plain = {"COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH, "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    kept = {key: value for key, value in os.environ.items() if key not in {"FORCE_COLOR", "GITHUB_ACTIONS"}}
    result = subprocess.run(
        [sys.executable, "-c", ENTRY, *command.split()[1:], "--help"],
        env={**kept, **plain},
        cwd=README.parent,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return "\n".join(line.rstrip() for line in result.stdout.strip("\n").splitlines())


def render(readme: str) -> str:
    """Return the README with every excerpt replaced by the present help."""

    def replace(match: re.Match[str]) -> str:
        return f"{match[1]}```text\n$ {match[2]} --help\n{help_text(match[2])}\n```\n{match[4]}"

    return BLOCK.sub(replace, readme)


def main() -> int:
    """Rewrite or compare, as asked."""
    present = README.read_text(encoding="utf-8")
    wanted = render(present)
    if "--check" in sys.argv[1:]:
        return int(present != wanted)
    README.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
