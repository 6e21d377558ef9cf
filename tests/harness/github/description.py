"""GitHub's published OpenAPI description, cut to the operations that we use, as npm ships it."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

NPM = Path(__file__).resolve().parents[2] / "npm"
MODULES = NPM / "node_modules"
PUBLISHED = MODULES / "@octokit" / "openapi" / "generated" / "api.github.com.json"
_REPO = "/repos/{owner}/{repo}"
_ARCHIVE = f"{_REPO}/actions/artifacts/{{artifact_id}}/{{archive_format}}"
PATHS = (
    f"{_REPO}/pulls",
    f"{_REPO}/pulls/{{pull_number}}",
    f"{_REPO}/pulls/{{pull_number}}/files",
    f"{_REPO}/issues/{{issue_number}}/comments",
    f"{_REPO}/issues/comments/{{comment_id}}",
    f"{_REPO}/issues/{{issue_number}}/labels",
    f"{_REPO}/issues/{{issue_number}}/labels/{{name}}",
    f"{_REPO}/labels",
    f"{_REPO}/labels/{{name}}",
    f"{_REPO}/check-runs",
    f"{_REPO}/check-runs/{{check_run_id}}",
    f"{_REPO}/commits/{{ref}}/check-runs",
    f"{_REPO}/code-scanning/sarifs",
    f"{_REPO}/actions/runs/{{run_id}}/artifacts",
    _ARCHIVE,
    "/user",
)


@cache
def node_problem() -> str:
    """Return what is missing to run something from npm, empty when nothing is."""
    if not PUBLISHED.exists():
        return "needs `npm ci` in tests/npm"
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "needs Node 20"
    major = int(said.lstrip("v").split(".")[0])
    return "" if major >= 20 else f"needs Node 20, this is {said.strip()}"


@cache
def description() -> dict[str, Any]:
    """Return the description with nothing but those operations and what they refer to."""
    whole = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    cut = {**whole, "paths": {path: whole["paths"][path] for path in PATHS}, "components": {}}
    # OpenAPI cannot say that a parameter holds slashes, as this one does: so its folders are spelled out.
    cut["paths"][f"{_REPO}/contents/.referee/rulings/{{path}}"] = whole["paths"][f"{_REPO}/contents/{{path}}"]
    # Prism follows the redirect to where an archive lies, and hands on what it finds there.
    archive = json.loads(json.dumps(cut["paths"][_ARCHIVE]))
    archive["get"]["responses"]["200"] = {"description": "The archive"}
    cut["paths"][_ARCHIVE] = archive
    cut.pop("webhooks", None)
    cut.pop("x-webhooks", None)
    waiting, seen = _references(cut["paths"]), set[str]()
    while waiting:
        reference = waiting.pop()
        if reference in seen:
            continue
        seen.add(reference)
        kind, name = reference.split("/")[2:4]
        found = whole["components"][kind][name]
        cut["components"].setdefault(kind, {})[name] = found
        waiting |= _references(found)
    return cut


def example(name: str) -> Any:
    """Return one of the description's own examples."""
    return json.loads(json.dumps(description()["components"]["examples"][name]["value"]))


def _references(node: Any) -> set[str]:
    """Return everything that a part of the description refers to."""
    if isinstance(node, dict):
        own = (
            {node["$ref"]}
            if isinstance(node.get("$ref"), str) and node["$ref"].startswith("#/components/")
            else set()
        )
        return own.union(*(_references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(_references(value) for value in node))
    return set()
