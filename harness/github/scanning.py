"""Hand results to code scanning: the checked results of an upload under our own tool description."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING

from harness.github.client import status_of

if TYPE_CHECKING:
    from harness.github.client import Client
    from harness.github.pulls import Pull
    from harness.github.sarif_model import SarifFile

_UNAVAILABLE = frozenset({403, 404, 413, 503})
"""Code scanning is not switched on, or not for this repository, or not now."""


def clean_sarif(sarif: SarifFile) -> str:
    """Return the log with our tool in place of whatever tool the upload names."""
    from audits.rules import discover
    from harness.report.sarif import render_sarif
    from harness.version import version

    ours = json.loads(render_sarif([], discover(), version()))
    index = {rule["id"]: n for n, rule in enumerate(ours["runs"][0]["tool"]["driver"]["rules"])}
    results = []
    for result in sarif.runs[0].results:
        told = result.model_dump(exclude_none=True, exclude_defaults=True)
        told.pop("ruleIndex", None)
        if result.ruleId in index:
            told["ruleIndex"] = index[result.ruleId]
        results.append(told)
    ours["runs"][0]["results"] = results
    return json.dumps(ours)


def upload(client: Client, pull: Pull, sarif: SarifFile) -> str:
    """Upload the results of a pull request's head; return what came of it, in words."""
    packed = base64.b64encode(gzip.compress(clean_sarif(sarif).encode(), mtime=0)).decode()
    try:
        client.api.rest.code_scanning.upload_sarif(
            client.owner,
            client.name,
            commit_sha=pull.head_sha,
            ref=f"refs/pull/{pull.number}/head",
            sarif=packed,
            tool_name="Referee",
        )
    except Exception as fault:
        status = status_of(fault)
        if status not in _UNAVAILABLE:
            raise
        return f"code scanning did not take the results (HTTP {status})"
    return f"{len(sarif.runs[0].results)} results handed to code scanning"
