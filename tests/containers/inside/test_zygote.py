"""The parent that forks a child a stage: what it takes for a stage that is done, and for one that is not."""

from __future__ import annotations

import pytest

COMMON = """
import json, os, sys
from referee_inside import zygote
{body}
ended = zygote.run(stage, 5.0)
print(json.dumps([ended.ok, (ended.error or {{}}).get("class"), ended.facts]))
"""
HONEST = "def stage():\n    return {'figures': {'dim': 3}}"
SILENT = "def stage():\n    os._exit(0)"
FAILED = "def stage():\n    raise KeyError('w')"
KILLED = "import signal\ndef stage():\n    os.kill(os.getpid(), signal.SIGKILL)"
FORGED = """
def stage():
    answer = json.dumps({'ok': True, 'facts': {'figures': {'dim': 4096}}}).encode()
    for handle in range(3, 32):
        try:
            os.write(handle, len(answer).to_bytes(4, 'big') + answer)
        except OSError:
            pass
    os._exit(0)
"""
ENDLESS = "def stage():\n    while True:\n        pass"


@pytest.mark.parametrize(
    ("body", "ok", "kind"),
    [
        (HONEST, True, None),
        (SILENT, False, "ExitedEarly"),
        (FAILED, False, "KeyError"),
        (KILLED, False, "Killed"),
        (FORGED, False, "ForgedAnswer"),
        (ENDLESS, False, "StageTimeoutError"),
    ],
    ids=["honest", "silent", "failed", "killed", "forged", "endless"],
)
def test_only_a_child_that_says_so_itself_has_done_its_stage(inside, body, ok, kind):
    said, error, facts = inside.code(COMMON.format(body=body))
    assert (said, error) == (ok, kind)
    assert facts == ({"figures": {"dim": 3}} if ok else {})


def test_a_child_does_not_speak_through_its_parents_connection(inside):
    """The supervisor knows a sender by who opened the connection, so that must be the child itself."""
    body = """
    import json, os, socket, struct, tempfile, threading

    folder = tempfile.mkdtemp()
    os.environ["REFEREE_REPORT"] = folder + "/report"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.environ["REFEREE_REPORT"])
    listener.listen(8)
    from referee_inside.channel import Channel

    channel = Channel(os.environ["REFEREE_REPORT"])
    os.register_at_fork(after_in_child=channel.forget)
    channel.send("figure", name="parent")
    child = os.fork()
    if child == 0:
        channel.send("figure", name="child")
        os._exit(0)
    os.waitpid(child, 0)
    senders = []
    for _ in range(2):
        connection, _address = listener.accept()
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        senders.append(struct.unpack("3i", credentials)[0])
    print(json.dumps([senders[0] == os.getpid(), senders[1] == child]))
    """
    assert inside.code(body) == [True, True]


SLOW_TO_LISTEN = """
import json, select
from referee_inside import zygote
real = select.select

def late(reading, writing, failing, seconds):
    if seconds:  # nothing within the time asked for, and all of it just after
        zygote.os.waitid(zygote.os.P_ALL, 0, zygote.os.WEXITED | zygote.os.WNOWAIT)
        return [], [], []
    return real(reading, writing, failing, seconds)

zygote.select.select = late
ended = zygote.run(lambda: {"said": 1}, 5.0)
print(json.dumps({"ok": ended.ok, "facts": ended.facts}))
"""


def test_an_answer_that_came_between_two_looks_is_read(inside):
    assert inside.code(SLOW_TO_LISTEN) == {"ok": True, "facts": {"said": 1}}
