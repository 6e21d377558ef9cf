"""A GitHub of one repository that keeps state, makes faults on demand, and answers with the description's
own examples. In front of it stands Prism, which holds every request and every answer against the schema.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.harness.github.description import example

BOT = "github-actions[bot]"
BASE_ID, FORK_ID = 1296269, 4711


@dataclass
class Fault:
    """What goes wrong, how often, at which requests."""

    method: str
    path: str
    kind: str
    """`rate`, `secondary`, `drop` (no answer), `drop-after` (done, no answer), `hook`, or a status."""
    times: int = 1
    hook: Any = None
    """What happens at the fake just before the request is answered."""


@dataclass
class FakeGitHub:
    """The state of the repository `o/n`."""

    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    files: dict[int, list[str]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    last_comment: int = 0
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    on_issue: dict[int, list[str]] = field(default_factory=dict)
    checks: dict[int, dict[str, Any]] = field(default_factory=dict)
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    sarifs: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    archives: dict[int, bytes] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    author: str = BOT
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add_pull(self, number: int, sha: str, files: list[str], fork: int | None = FORK_ID) -> dict[str, Any]:
        """Open a pull request from the branch `entry` of a fork."""
        pull = example("pull-request") | {"number": number, "state": "open", "changed_files": len(files)}
        pull["requested_teams"] = []
        pull["head"] |= {"sha": sha, "ref": "entry", "label": "author:entry"}
        pull["head"]["repo"] = None if fork is None else {**pull["head"]["repo"], "id": fork}
        pull["base"] |= {"ref": "main"}
        pull["base"]["repo"]["id"] = BASE_ID
        self.pulls[number], self.files[number] = pull, files
        return pull

    def add_upload(self, run: int, archive: bytes, size: int | None = None) -> None:
        """Let a run have uploaded an archive."""
        number = 100 + len(self.archives)
        made = example("artifact-paginated")["artifacts"][0] | {"id": number, "expired": False}
        made["name"] = "referee-run"
        made["size_in_bytes"] = len(archive) if size is None else size
        self.artifacts.setdefault(run, []).append(made)
        self.archives[number] = archive

    def add_comment(self, body: str, author: str) -> int:
        """Let somebody comment."""
        self.last_comment += 1
        number = self.last_comment
        made = example("issue-comment") | {"id": number, "body": body}
        made["user"] = {**made["user"], "login": author}
        self.comments[number] = made
        return number

    def fault(self, method: str, path: str, kind: str, times: int = 1, hook: Any = None) -> None:
        """Let the next matching requests go wrong."""
        self.faults.append(Fault(method, path, kind, times, hook))

    def next_fault(self, method: str, path: str) -> Fault | None:
        """Return the fault that a request meets, which is then used up."""
        for entry in self.faults:
            if entry.times and entry.method == method and re.search(entry.path, path):
                entry.times -= 1
                return entry
        return None

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Return status and document."""
        for route_method, pattern, handler in _ROUTES:
            found = re.fullmatch(r"/repos/o/n" + pattern, path)
            if found and route_method == method:
                return handler(self, *found.groups(), query=query, body=body)  # type: ignore[no-any-return]
        if path == "/user":
            user = example("private-user-response-with-public-profile-information")
            return 200, user | {"login": self.author}
        return 404, {"message": "Not Found"}


def _list_pulls(fake: FakeGitHub, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    wanted = query.get("head")
    kept = [p for p in fake.pulls.values() if p["state"] == query.get("state", "open")]
    kept = [p for p in kept if wanted is None or (p["head"]["repo"] and p["head"]["label"] == wanted)]
    simple = example("pull-request-simple-items")[0] | {"requested_teams": []}
    shown = [{**simple, **{key: pull[key] for key in simple if key in pull}} for pull in kept]
    return 200, _page(shown, query)


def _get_pull(fake: FakeGitHub, number: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    pull = fake.pulls.get(int(number))
    return (200, pull) if pull else (404, {"message": "Not Found", "documentation_url": "x"})


def _list_files(fake: FakeGitHub, number: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    entry = example("diff-entry-items")[0]
    return 200, _page([{**entry, "filename": name} for name in fake.files[int(number)]], query)


def _list_comments(fake: FakeGitHub, number: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    return 200, _page(list(fake.comments.values()), query)


def _create_comment(fake: FakeGitHub, number: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    if len(body["body"]) > 65_536:
        return 422, {"message": "Body is too long (maximum is 65536 characters)"}
    return 201, fake.comments[fake.add_comment(body["body"], fake.author)]


def _update_comment(fake: FakeGitHub, number: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    fake.comments[int(number)]["body"] = body["body"]
    return 200, fake.comments[int(number)]


def _delete_comment(fake: FakeGitHub, number: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    if fake.comments.pop(int(number), None) is None:
        return 404, {"message": "Not Found"}
    return 204, None


def _create_check(fake: FakeGitHub, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    number = len(fake.checks) + 1
    made = example("check-run") | {"id": number, "pull_requests": []}
    kept = ("name", "head_sha", "external_id", "status", "details_url")
    made |= {key: body[key] for key in kept if key in body}
    made |= {"conclusion": body.get("conclusion")}
    fake.checks[number] = made
    return 201, _annotated(fake, number, body)


def _update_check(fake: FakeGitHub, number: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    fake.checks[int(number)] |= {key: body[key] for key in ("status", "conclusion") if key in body}
    return 200, _annotated(fake, int(number), body)


def _annotated(fake: FakeGitHub, number: int, body: Any) -> Any:
    notes = body["output"].get("annotations", [])
    fake.batches.append(notes)
    made = fake.checks[number]
    made["output"] = {
        **made["output"],
        "title": body["output"]["title"],
        "summary": body["output"]["summary"],
    }
    return made


def _list_checks(fake: FakeGitHub, ref: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    kept = [c for c in fake.checks.values() if c["head_sha"] == ref and c["name"] == query.get("check_name")]
    return 200, {"total_count": len(kept), "check_runs": _page(kept, query)}


def _list_labels(fake: FakeGitHub, number: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    return 200, _page([fake.labels[name] for name in fake.on_issue.get(int(number), [])], query)


def _add_labels(fake: FakeGitHub, number: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    have = fake.on_issue.setdefault(int(number), [])
    have += [name for name in body["labels"] if name not in have]
    return 200, [fake.labels[name] for name in have]


def _remove_label(
    fake: FakeGitHub, number: str, name: str, *, query: dict[str, str], body: Any
) -> tuple[int, Any]:
    fake.on_issue[int(number)].remove(unquote(name))
    return 200, [fake.labels[entry] for entry in fake.on_issue[int(number)]]


def _get_label(fake: FakeGitHub, name: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    found = fake.labels.get(unquote(name))
    return (200, found) if found else (404, {"message": "Not Found"})


def _create_label(fake: FakeGitHub, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    fake.labels[body["name"]] = example("label") | body
    return 201, fake.labels[body["name"]]


def _upload_sarif(fake: FakeGitHub, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    fake.sarifs.append(body)
    return 202, example("code-scanning-sarif-upload")


def _list_artifacts(fake: FakeGitHub, run: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    kept = fake.artifacts.get(int(run), [])
    return 200, {"total_count": len(kept), "artifacts": _page(kept, query)}


def _get_content(fake: FakeGitHub, path: str, *, query: dict[str, str], body: Any) -> tuple[int, Any]:
    data = fake.contents.get(unquote(path))
    if data is None:
        return 404, {"message": "Not Found"}
    made = example("content-file-response-if-content-is-a-file")
    return 200, made | {"content": base64.b64encode(data).decode(), "path": path}


_ROUTES = (
    ("GET", r"/pulls", _list_pulls),
    ("GET", r"/pulls/(\d+)", _get_pull),
    ("GET", r"/pulls/(\d+)/files", _list_files),
    ("GET", r"/issues/(\d+)/comments", _list_comments),
    ("POST", r"/issues/(\d+)/comments", _create_comment),
    ("PATCH", r"/issues/comments/(\d+)", _update_comment),
    ("DELETE", r"/issues/comments/(\d+)", _delete_comment),
    ("GET", r"/issues/(\d+)/labels", _list_labels),
    ("POST", r"/issues/(\d+)/labels", _add_labels),
    ("DELETE", r"/issues/(\d+)/labels/([^/]+)", _remove_label),
    ("GET", r"/labels/([^/]+)", _get_label),
    ("POST", r"/labels", _create_label),
    ("POST", r"/check-runs", _create_check),
    ("PATCH", r"/check-runs/(\d+)", _update_check),
    ("GET", r"/commits/([^/]+)/check-runs", _list_checks),
    ("POST", r"/code-scanning/sarifs", _upload_sarif),
    ("GET", r"/actions/runs/(\d+)/artifacts", _list_artifacts),
    ("GET", r"/contents/(.+)", _get_content),
)


def _page(items: list[Any], query: dict[str, str]) -> list[Any]:
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return items[(page - 1) * size : page * size]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeGitHub

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        with self.fake.lock:
            self.fake.seen.append((self.command, parts.path))
            fault = self.fake.next_fault(self.command, parts.path)
            if fault and fault.hook:
                fault.hook()
            if fault and fault.kind != "hook" and self._fail(fault):
                return
            if self._archive(parts.path):
                return
            body = json.loads(data) if data else None
            status, document = self.fake.answer(self.command, parts.path, query, body)
        if fault and fault.kind == "drop-after":
            self._drop()
            return
        self._send(status, b"" if document is None else json.dumps(document).encode(), "application/json")

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def _archive(self, path: str) -> bool:
        """Send the way to an archive, which lies elsewhere as with GitHub, or the archive itself."""
        asked = re.search(r"/actions/artifacts/(\d+)/zip$", path)
        if asked:
            host, port = self.server.server_address[:2]
            self._send(302, b"", "text/plain", {"location": f"http://{host!s}:{port}/blob/{asked[1]}"})
            return True
        stored = re.fullmatch(r"/blob/(\d+)", path)
        if stored:
            self._send(200, self.fake.archives[int(stored[1])], "application/zip")
        return stored is not None

    def _fail(self, fault: Fault) -> bool:
        """Answer with the fault; False when the request is carried out all the same."""
        if fault.kind == "drop":
            self._drop()
        elif fault.kind == "rate":
            self._error(
                403,
                "API rate limit exceeded",
                {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 1)},
            )
        elif fault.kind == "secondary":
            self._error(403, "You have exceeded a secondary rate limit.", {"retry-after": "1"})
        elif fault.kind.isdigit():
            self._error(int(fault.kind), "Validation Failed" if fault.kind == "422" else "fault", {})
        else:
            return False
        return True

    def _error(self, status: int, message: str, headers: dict[str, str]) -> None:
        self._send(status, json.dumps({"message": message}).encode(), "application/json", headers)

    def _drop(self) -> None:
        """Close the connection in the middle of things."""
        self.close_connection = True
        self.connection.close()

    def _send(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": kind,
            "content-length": str(len(data)),
            **(headers or {}),
        }.items():
            if status != 204 or not name.startswith("content-"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def serve(fake: FakeGitHub) -> ThreadingHTTPServer:
    """Serve a fake on a free port, in the background."""
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
