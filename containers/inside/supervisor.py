"""PID 1 of the box: watches the submission from another user's process and owns the channel to the host.

Its stdout goes to the host and nowhere else; the submission's user can neither open it nor signal this
process. It promises to report only what it saw itself, plus lines it was handed on the report socket, which
it passes on unread and marked as such. It needs no fork, no thread and little memory once it runs, so a fork
bomb or a full box does not silence it. It never judges, and it does not stop anything: the host kills the
box.

Lines to the host are JSON objects: {"ready": 1} or {"failed": why}, then {"report": text} as they come and
{"seen": {...}} now and then, {"end": {...}} last. Lines from the host: "end" asks for the last look; end of
input means that the host is gone, and ends the box; "run" starts the command where the engine cannot.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import shutil
import socket
import struct
import sys
import time
from typing import Any

# Started as a file, without site-packages and without the submission's user ever choosing a path.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from referee_inside import gauges, scratch, spawn

SOCKET = "/tmp/.referee/report"
_TICK_SECONDS = 0.1
_SNAPSHOT_SECONDS = 2.0
_GRACE_SECONDS = 0.3
"""How long processes may take to go once the command has ended, before they count as left behind."""
_MAX_LINE = 1 << 20
_MAX_CONNECTIONS = 64
_PR_SET_DUMPABLE = 4


class Reports:
    """The socket on which the instrumented process tells what it measured; anything may be written to it."""

    def __init__(self, selector: selectors.BaseSelector, limit_bytes: int) -> None:
        """Listen where everybody may connect and nobody but us may rename or remove the socket."""
        folder = os.path.dirname(SOCKET)
        os.mkdir(folder, 0o755)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(SOCKET)
        os.chmod(SOCKET, 0o777)
        self.listener.listen(_MAX_CONNECTIONS)
        self.listener.setblocking(False)
        self.selector = selector
        self.pending: dict[socket.socket, bytes] = {}
        self.senders: dict[socket.socket, int] = {}
        self.room = limit_bytes
        self.dropped = 0
        selector.register(self.listener, selectors.EVENT_READ, self.accept)

    def accept(self, _: object) -> None:
        """Take a new connection, or refuse it when there are too many."""
        try:
            connection, _address = self.listener.accept()
            sender = sender_of(connection)
        except OSError:
            return
        if len(self.pending) >= _MAX_CONNECTIONS:
            connection.close()
            return
        connection.setblocking(False)
        self.pending[connection] = b""
        self.senders[connection] = sender
        self.selector.register(connection, selectors.EVENT_READ, self.read)

    def read(self, connection: socket.socket) -> None:
        """Pass on whole lines; close a connection that ended or sends a line without end."""
        try:
            data = connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        *lines, rest = (self.pending[connection] + data).split(b"\n")
        for line in lines:
            self.pass_on(line, self.senders[connection])
        if not data or len(rest) > _MAX_LINE:
            if rest:
                self.pass_on(rest, self.senders[connection])
            self.selector.unregister(connection)
            del self.pending[connection], self.senders[connection]
            connection.close()
        else:
            self.pending[connection] = rest

    def pass_on(self, line: bytes, sender: int) -> None:
        """Hand one line to the host while there is room for it."""
        if not line.strip():
            return
        if len(line) > min(self.room, _MAX_LINE):
            self.dropped += 1
            return
        self.room -= len(line)
        say({"report": line.decode("utf-8", "replace"), "sender": sender})

    def drain(self) -> None:
        """Read what the last moment left in the sockets."""
        for _ in range(1000):
            ready = [key for key, _ in self.selector.select(0) if key.fileobj is not sys.stdin]
            if not ready:
                return
            for key in ready:
                key.data(key.fileobj)


def sender_of(connection: socket.socket) -> int:
    """Return the process that opened a connection, as the kernel tells it: a sender cannot choose it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("3i", credentials)[0])


def say(record: dict[str, Any]) -> None:
    """Write one line to the host."""
    data = json.dumps(record).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


class Supervisor:
    """The loop: reports as they come, gauges every tick, the last look when the host asks."""

    def __init__(self, report_bytes: int, started: spawn.Command | None) -> None:
        """Open the report socket; `started` is the command where we have to start it ourselves."""
        self.started = started
        self.selector = selectors.DefaultSelector()
        self.reports = Reports(self.selector, report_bytes)
        self.selector.register(sys.stdin, selectors.EVENT_READ, self.command)
        self.gauges = gauges.Gauges(started.ended if started else None)
        self.asked = False
        self.host_gone = False
        self.typed = b""

    def command(self, _: object) -> None:
        """Read what the host asks for."""
        data = os.read(0, 4096)
        self.typed += data
        self.asked = self.asked or b"end" in self.typed
        if self.started is not None and b"run" in self.typed:
            self.started.start()
        self.host_gone = not data

    def run(self) -> None:
        """Watch until the host asks for the end or is gone."""
        say({"ready": 1})
        next_tick = next_snapshot = time.monotonic()
        while not (self.asked or self.host_gone):
            for key, _ in self.selector.select(max(0.0, next_tick - time.monotonic())):
                key.data(key.fileobj)
            now = time.monotonic()
            if now >= next_tick:
                self.gauges.look()
                next_tick = now + _TICK_SECONDS
            if now >= next_snapshot:
                say({"seen": self.seen()})
                next_snapshot = now + _SNAPSHOT_SECONDS
        if self.asked:
            say({"end": {**self.last_look(), **self.seen()}})

    def seen(self) -> dict[str, Any]:
        """Return the gauges and the count of lines dropped."""
        return {**self.gauges.readings(), "report_lines_dropped": self.reports.dropped}

    def last_look(self) -> dict[str, Any]:
        """Return what is left of the run: processes and files."""
        deadline = time.monotonic() + _GRACE_SECONDS
        left = gauges.others()
        while left and time.monotonic() < deadline:
            time.sleep(0.02)
            left = gauges.others()
        self.selector.unregister(sys.stdin)
        self.reports.drain()
        self.gauges.look()
        return {"left_behind": left, **scratch.list_files()}


def main() -> None:
    """Close ourselves to inspection, then supervise."""
    # Under a user of its own nobody may look at this process anyway. Where an engine has one user only, this
    # keeps ptrace and /proc/1 shut.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    report_bytes, program, *spawned = sys.argv[1:]
    # Only we can tell a program that is not there from one that ends with the same exit code.
    if shutil.which(program) is None:
        say({"failed": f"exec: {program}: no such file or directory"})
        return
    command = spawn.Command(int(spawned[0]), int(spawned[1]), spawned[2:]) if spawned else None
    Supervisor(int(report_bytes), command).run()


if __name__ == "__main__":
    main()
