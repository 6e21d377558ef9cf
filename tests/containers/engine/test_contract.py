"""The contract of a box, the same for every engine."""

from __future__ import annotations

import dataclasses
import hashlib
import os

import pytest

from containers.engine import run
from containers.engine.interface import SUBMISSION_USER, SUPERVISOR_USER
from containers.failure import FailureKind
from containers.request import MIB
from containers.result import Ending
from tests.containers.boxes import SMALL, request, run_code


@pytest.fixture(scope="module", params=["docker", "podman", "bubblewrap"])
def box(request, engine_named):
    engine = engine_named(request.param)
    fixture = {"docker": "image"}.get(request.param, f"{request.param}_image")
    return engine, request.getfixturevalue(fixture)


def answer(box, code, **more):
    """Return what the code printed, having ended well."""
    result = run_code(*box, code, **more)
    assert result.failure is None, result.failure
    assert (result.ending, result.exit_code) == (Ending.EXITED, 0), result.output.decode()
    return result.output.decode().strip()


def test_files_lie_where_they_should(box):
    code = """
        import json, os
        print(open("/submission/data/part.txt").read(), json.load(open("/job/job.json"))["seed"], os.getcwd())
    """
    assert answer(box, code) == "part 1 /scratch"


def lacks(result, words):
    """Whether the engine says that it lacks a lock; without saying so it has to hold."""
    return any(words in text for text in result.missing_isolation)


@pytest.mark.parametrize("code", [0, 1, 3, 42, 127])
def test_exit_code_is_the_engines(box, code):
    result = run_code(*box, f"import os; os._exit({code})")
    assert (result.ending, result.exit_code) == (Ending.EXITED, code)


def test_signal(box):
    result = run_code(*box, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (result.ending, result.signal, result.exit_code) == (Ending.SIGNALLED, 11, None)


def test_wall_clock_limit(box):
    result = run_code(*box, "import time; time.sleep(60)", dataclasses.replace(SMALL, wall_seconds=2))
    assert result.ending is Ending.TIMED_OUT
    assert 2 <= result.wall_seconds < 4
    assert result.observed.complete
    assert any("script.py" in name for name in result.observed.left_behind)


def test_memory_limit(box):
    result = run_code(*box, "x = bytearray(1 << 30); print(len(x))")
    if lacks(result, "memory is limited for each process"):
        assert result.exit_code == 1
        assert b"MemoryError" in result.output
        return
    assert result.ending is Ending.OUT_OF_MEMORY
    assert result.observed.oom_kills >= 1
    assert 200 * MIB < result.observed.peak_memory_bytes <= 256 * MIB


def test_a_child_killed_for_memory_is_seen(box):
    code = """
        import os
        if os.fork() == 0:
            x = bytearray(1 << 30)
        print(os.wait()[1])
    """
    result = run_code(*box, code)
    if lacks(result, "memory is limited for each process"):
        assert b"MemoryError" in result.output
        return
    assert (result.ending, result.exit_code, result.output.strip()) == (Ending.EXITED, 0, b"9")
    assert result.observed.oom_kills == 1


def test_output_is_cut_with_a_note(box):
    limits = dataclasses.replace(SMALL, output_bytes=1000)
    result = run_code(*box, "print('x' * 5000)", limits)
    assert result.ending is Ending.EXITED
    assert result.output_bytes == 5001
    assert result.output.startswith(b"x" * 1000)
    assert result.output.endswith(b"\n[referee: output cut, 4001 bytes dropped after the first 1000]\n")


def test_a_flood_is_stopped(box):
    code = "while True: print('x' * 65536)"
    result = run_code(*box, code, dataclasses.replace(SMALL, output_bytes=100_000))
    assert result.ending is Ending.FLOODED
    assert len(result.output) < 101_000


def test_both_streams_are_kept(box):
    # One may cut into the other's line: they are two streams.
    printed = answer(box, "import sys; print('out', flush=True); print('err', file=sys.stderr)")
    assert "out" in printed
    assert "err" in printed


def test_user_has_no_rights(box):
    code = """
        import os
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        kinds = ("Inh", "Prm", "Eff", "Bnd", "Amb")
        print(os.getuid(), os.geteuid(), *(int(status[f"Cap{kind}"], 16) for kind in kinds))
        print(status["NoNewPrivs"].strip(), status["Seccomp"].strip())
    """
    first, second = answer(box, code).splitlines()
    assert second == "1 2"
    assert first.split()[2:] == ["0"] * 5
    assert "0" not in first.split()[:2]
    assert box[0].name == "bubblewrap" or first.split()[0] == str(SUBMISSION_USER)


def test_supervisor_is_another_user_or_it_says_so(box):
    code = "import os; print(os.stat('/proc/1').st_uid, os.getuid())"
    result = run_code(*box, code)
    supervisor, own = result.output.split()
    said = any("user" in text for text in result.missing_isolation)
    assert said or (int(supervisor), int(own)) == (SUPERVISOR_USER, SUBMISSION_USER)


def test_root_and_submission_are_read_only(box):
    code = """
        import os
        folders = "/ /etc /usr /opt/inside /submission /job /var/tmp /root /proc /run /var/lib /dev"
        for folder in folders.split():
            try:
                open(folder + "/new", "w")
            except OSError:
                continue
            print(folder)
        for path in ("/submission/script.py", "/job/job.json", "/opt/inside/referee_inside/supervisor.py"):
            try:
                os.chmod(path, 0o777)
            except OSError:
                continue
            print(path)
    """
    assert answer(box, code) == ""


def test_scratch_has_a_fixed_size(box):
    code = """
        written = 0
        try:
            with open("/scratch/big", "wb", buffering=0) as file:
                while True:
                    written += file.write(bytes(1 << 20))
        except OSError as error:
            print(error.errno, written >> 20)
    """
    result = run_code(*box, code)
    assert result.output.split() == [b"28", b"32"]
    assert result.observed.scratch_full
    assert result.observed.peak_scratch_bytes >= 32 * MIB


def test_there_is_no_network(box):
    code = """
        import socket
        print([name for _, name in socket.if_nameindex()])
        try:
            socket.create_connection(("192.0.2.1", 80), timeout=3)
        except OSError as error:
            print(error.errno)
    """
    result = run_code(*box, code)
    assert result.output.splitlines()[0] == b"['lo']"
    assert result.output.split()[-1] == b"101"
    assert result.observed.network_attempts >= 1


def test_the_boxs_own_name_is_found_without_asking_anybody(box):
    code = """
        import socket
        own = socket.gethostname()
        for family in (socket.AF_INET, socket.AF_INET6):
            address = socket.getaddrinfo(own, 1, family, socket.SOCK_STREAM)[0][4]
            socket.getnameinfo(address, 0)
        with socket.create_server(("", 0)) as server:
            socket.create_connection((own, server.getsockname()[1]), timeout=2).close()
        print(own, socket.getfqdn() in (own, "localhost"))
    """
    result = run_code(*box, code)
    assert result.output.decode().strip() == "box True"
    assert result.observed.network_attempts == 0


def test_there_are_no_devices(box):
    code = """
        import os
        usual = "null zero full random urandom tty console ptmx stdin stdout stderr fd pts shm mqueue core"
        print(sorted(set(os.listdir("/dev")) - set(usual.split())))
    """
    assert answer(box, code) == "[]"


def test_processes_are_limited(box):
    code = """
        import os, time
        made = 0
        try:
            while made < 100:
                if os.fork() == 0:
                    time.sleep(20)
                    os._exit(0)
                made += 1
        except OSError:
            print(made)
    """
    limits = dataclasses.replace(SMALL, pids=40)
    result = run_code(*box, code, limits)
    if lacks(result, "processes are limited for the user, and not at all for root") and os.geteuid() == 0:
        assert result.output == b""
        assert len(result.observed.left_behind) > 20
        return
    assert 20 < int(result.output.split()[0]) <= 40
    assert result.observed.complete
    assert len(result.observed.left_behind) > 20
    assert result.observed.forks_refused >= 1 or "bubblewrap" in result.engine


def test_reports_are_passed_on_and_the_rest_is_dropped(box):
    code = """
        import os, socket
        line = socket.socket(socket.AF_UNIX)
        line.connect(os.environ["REFEREE_REPORT"])
        line.sendall(b'{"event": "one"}\\nnot json\\n[1]\\n' + b'[' * 100_000 + b'\\n{"event": "two"}')
    """
    result = run_code(*box, code)
    assert [line["event"] for line in result.report] == ["one", "two"]
    assert result.observed.report_lines_dropped == 3


def test_every_report_names_the_process_that_sent_it_whatever_it_claims(box):
    code = """
        import json, os, socket

        def send(event):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(os.environ["REFEREE_REPORT"])
            line = {"event": event, "pid": os.getpid(), "sender": 1}
            connection.sendall(json.dumps(line).encode() + b"\\n")
            return connection

        kept = send("parent")
        if os.fork() == 0:
            send("child")
            os._exit(0)
        os.wait()
    """
    parent, child = sorted(run_code(*box, code).report, key=lambda line: line["event"], reverse=True)
    assert (parent["sender"], child["sender"]) == (parent["pid"], child["pid"])
    assert parent["sender"] != child["sender"]


def test_reports_are_limited(box):
    code = """
        import os, socket
        line = socket.socket(socket.AF_UNIX)
        line.connect(os.environ["REFEREE_REPORT"])
        for _ in range(100):
            line.sendall(b'{"event": "%s"}\\n' % (b"x" * 1000))
    """
    result = run_code(*box, code, dataclasses.replace(SMALL, report_bytes=10_000))
    assert len(result.report) == 9
    assert result.observed.report_lines_dropped == 91


def test_files_left_in_scratch_are_listed(box):
    code = """
        import os
        open("/scratch/model.ptz", "wb").write(b"weights")
        os.makedirs("/scratch/deep/er"); open("/scratch/deep/er/log.txt", "w").write("log")
        os.symlink("/etc/passwd", "/scratch/link")
        os.mkfifo("/scratch/pipe")
        os.mkdir("/scratch/shut", 0)
    """
    result = run_code(*box, code)
    seen = {file.path: (file.size_bytes, file.sha256) for file in result.observed.files}
    assert seen == {
        "/scratch/model.ptz": (7, hashlib.sha256(b"weights").hexdigest()),
        "/scratch/deep/er/log.txt": (3, hashlib.sha256(b"log").hexdigest()),
    }
    assert box[0].name == "bubblewrap" or result.observed.unreadable == ("/scratch/shut",)


def test_variables_reach_the_command_and_ours_win(box):
    variables = (("SEED", "7"), ("REFEREE_REPORT", "/elsewhere"), ("HOME", "/root"))
    code = "import os; print(os.environ['SEED'], os.environ['REFEREE_REPORT'], os.environ['HOME'])"
    assert answer(box, code, environment=variables) == "7 /tmp/.referee/report /scratch"


def test_nothing_of_the_hosts_environment_is_seen(box, monkeypatch):
    monkeypatch.setenv("REFEREE_TEST_SECRET", "s3cret")
    code = (
        "import os; print('REFEREE_TEST_SECRET' in os.environ, 's3cret' in open('/proc/self/environ').read())"
    )
    assert answer(box, code) == "False False"


def test_a_missing_image_is_no_fault_of_the_submission(box):
    result = run_code(box[0], "referee-smoke:nosuchimage", "print(1)")
    assert result.ending is Ending.NEVER_RAN
    assert result.failure.kind is FailureKind.NO_IMAGE


def test_a_missing_command_is_no_fault_of_the_submission(box):
    asked = dataclasses.replace(request(box[1], "print(1)"), command=("/nonexistent/program",))
    result = run(box[0], asked)
    assert result.ending is Ending.NEVER_RAN
    assert result.failure.kind is FailureKind.NO_COMMAND


@pytest.mark.parametrize("code", ["print(1)", "bytearray(1 << 30)"])
def test_nothing_is_left_on_the_host(box, tmp_path, monkeypatch, code):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path)
    assert run_code(*box, code).failure is None
    assert os.listdir(tmp_path) == []


def test_start_and_teardown_take_less_than_two_seconds(box):
    seconds = min(run_code(*box, "pass").overhead_seconds for _ in range(3))
    assert seconds < 2


def test_user_has_a_name(box):
    # torch.compile names its cache after the user, and ends where there is none.
    assert answer(box, "import getpass; print(getpass.getuser())") == "submission"
