"""Write the two workflows into a challenge's repository, pinned to the commit that this file lies in.

Refuses a checkout that nobody else can fetch: one with local changes, or without a GitHub remote.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ("referee-review.yml", "referee-publish.yml")
_REMOTE = re.compile(r"(?:https://github\.com/|(?:ssh://)?git@github\.com[:/])([\w.-]+/[\w.-]+?)(?:\.git)?/?")


def main(arguments: list[str] | None = None) -> int:
    """Write the files and say what is left to do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("challenge", type=Path, help="root of the challenge's checkout")
    challenge = parser.parse_args(arguments).challenge
    if not (challenge / ".git").exists():
        return _complain(f"{challenge} is not the root of a checkout")
    repository, commit = _remote(), _git("rev-parse", "HEAD")
    if repository is None:
        return _complain("this checkout of Referee has no GitHub remote called origin")
    if _git("status", "--porcelain", "--untracked-files=no"):
        return _complain("this checkout of Referee has changes that are not committed")
    folder = challenge / ".github" / "workflows"
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_text(pinned(name, repository, commit), encoding="utf-8")
    print(f"{folder}: {', '.join(FILES)}, with {repository} at {commit[:12]}")
    return 0


def pinned(name: str, repository: str, commit: str) -> str:
    """Return a workflow that takes Referee from one commit of one repository."""
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    for key, value in (("REFEREE_REPOSITORY", repository), ("REFEREE_SHA", commit)):
        text, count = re.subn(rf"^  {key}: .*$", f"  {key}: {value}", text, flags=re.MULTILINE)
        if count != 1:
            raise RuntimeError(f"{name} has {count} lines for {key}")
    return text


def _remote() -> str | None:
    """Return `owner/name` of the remote, None where it is not on GitHub."""
    found = _REMOTE.fullmatch(_git("config", "--get", "remote.origin.url"))
    return found[1] if found else None


def _git(*arguments: str) -> str:
    """Return what git says about the checkout of Referee, empty where it says nothing."""
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _complain(what: str) -> int:
    print(f"challenge_ci: {what}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
