"""A door in front of Prism. Prism follows redirects and reads archives as text; the door lets it check such a
request, and then answers as GitHub does: with the way to where the archive lies. All else passes through.
"""

from __future__ import annotations

import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ARCHIVE = re.compile(r"/repos/o/n/actions/artifacts/(\d+)/zip")
_OWN = frozenset({"transfer-encoding", "connection", "content-length", "content-encoding"})


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    prism: int
    fake: str

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def pass_on(self) -> None:
        """Let Prism answer, and put the redirect back that it followed."""
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        connection = http.client.HTTPConnection("127.0.0.1", self.prism, timeout=60)
        left = {"host", "accept-encoding"}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in left}
        connection.request(self.command, self.path, data or None, kept)
        answer = connection.getresponse()
        body, archive = answer.read(), _ARCHIVE.fullmatch(self.path)
        if archive and answer.status == 200:
            self.send_response(302)
            self.send_header("location", f"{self.fake}/blob/{archive[1]}")
            body = b""
        else:
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
        if answer.status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        connection.close()

    do_GET = do_POST = do_PATCH = do_DELETE = pass_on  # noqa: N815


def serve_door(prism: int, fake: str) -> ThreadingHTTPServer:
    """Serve the door on a free port, in the background."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"prism": prism, "fake": fake}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
