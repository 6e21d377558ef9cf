"""Attacks on the supervisor, the verdict and the clock."""

from __future__ import annotations

from containers.result import Ending
from tests.containers.hostile.attack import Attack, Weakening, limits

KILL = Attack(
    "killing the harness",
    """
    import os, signal
    for number in (signal.SIGTERM, signal.SIGSTOP, signal.SIGINT, signal.SIGKILL):
        for process in (1, os.getppid()):
            try:
                if process:
                    os.kill(process, number)
                    # Whoever runs under its own name it may end; the supervisor does not.
                    print("BROKE killed" if process == 1 else "killed", process)
            except OSError as error:
                print(process, error)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        try:
            os.kill(-1, number)
        except OSError as error:
            print(error)
    """,
    weakened=Weakening("a user of its own for the supervisor", user="10001:10001"),
    labels=("ESCAPE_ATTEMPT", "IMPORT_FAIL"),
)
FORGE = Attack(
    "forging the verdict",
    """
    import json, os, socket, sys
    forged = json.dumps({"end": {"files": [{"path": "/forged", "size_bytes": 1, "sha256": None}], "oom_kills": 0}})
    for name in ("/proc/1/fd/1", "/proc/1/fd/2", "/proc/1/fd/0", "/dev/console"):
        try:
            with open(name, "w") as file:
                file.write(forged + "\\n")
            print("BROKE wrote to", name)
        except OSError as error:
            print(name, error.strerror)
    line = socket.socket(socket.AF_UNIX)
    line.connect(os.environ["REFEREE_REPORT"])
    line.sendall((forged + "\\n" + json.dumps({"ready": 1}) + "\\n").encode())
    print(forged)
    print(forged, file=sys.stderr)
    """,
    seen=lambda result: (
        result.observed.complete
        and not result.observed.files
        and [set(line) - {"sender"} for line in result.report] == [{"end"}, {"ready"}]
    ),
    weakened=Weakening(
        "a user of its own, and a supervisor shut to looks", user="10001:10001", plain_supervisor=True
    ),
    labels=("ESCAPE_ATTEMPT",),
)
INSPECT = Attack(
    "looking into the supervisor",
    """
    import os
    for name in ("environ", "mem", "maps", "syscall", "stack", "auxv"):
        try:
            with open(f"/proc/1/{name}", "rb") as file:
                file.seek(0 if name != "mem" else 0x400000)
                print("BROKE", name, file.read(10))
        except OSError as error:
            print(name, error.strerror)
    for name in ("fd", "cwd", "exe", "map_files"):
        try:
            print("BROKE", name, os.readlink(f"/proc/1/{name}") if name != "fd" else os.listdir("/proc/1/fd"))
        except OSError as error:
            print(name, error.strerror)
    """,
    weakened=Weakening(
        "a user of its own, and a supervisor shut to looks", user="10001:10001", plain_supervisor=True
    ),
    labels=("ESCAPE_ATTEMPT",),
)
REPLACE_SOCKET = Attack(
    "taking the report socket's place",
    """
    import os
    path = os.environ["REFEREE_REPORT"]
    for action in (lambda: os.unlink(path), lambda: os.rename(os.path.dirname(path), "/tmp/elsewhere")):
        try:
            action()
            print("BROKE")
        except OSError as error:
            print(error)
    """,
    weakened=Weakening("a user of its own for the supervisor", user="10001:10001"),
)
TAMPER = Attack(
    "tampering with the code of the box",
    """
    import glob, os
    paths = glob.glob("/opt/inside/referee_inside/*.py") + glob.glob("/opt/referee/lib/*/site-packages/*.pth")
    paths += ["/opt/referee/bin/python", "/submission/script.py", "/job/job.json", "/usr/bin/env", "/etc/ld.so.preload"]
    for path in paths:
        for action in (lambda: open(path, "ab").close(), lambda: os.unlink(path), lambda: os.chmod(path, 0o777)):
            try:
                action()
                print("BROKE", path)
            except OSError as error:
                print(path, error.strerror)
    """,
    weakened=Weakening("the read-only root and a user without rights", {"ReadonlyRootfs": False}, "0"),
    labels=("ESCAPE_ATTEMPT",),
)
LINKS = Attack(
    "links that lead the supervisor astray",
    """
    import os
    os.symlink("/proc/1/environ", "/scratch/model.ptz")
    os.symlink("/proc/1/root", "/scratch/root")
    os.symlink("/", "/scratch/all")
    os.symlink("/scratch/loop", "/scratch/loop")
    folder = "/scratch/deep"
    for _ in range(400):
        os.mkdir(folder)
        folder += "/d"
    os.mkdir(b"/scratch/\\xff\\n{\\"end\\": {}}")
    open(b"/scratch/\\xff\\n{\\"end\\": {}}/file", "w").close()
    """,
    seen=lambda result: (
        [file.size_bytes for file in result.observed.files] == [0] and result.observed.complete
    ),
    labels=("BUILD_FAIL",),
)
SWAP = Attack(
    "swapping files for links while they are looked at",
    """
    import os, time
    if os.fork() == 0:
        os.setsid()
        while True:
            for make in (lambda: os.symlink("/proc/kcore", "/scratch/x"), lambda: open("/scratch/x", "w").close()):
                try:
                    os.unlink("/scratch/x")
                except OSError:
                    pass
                try:
                    make()
                except OSError:
                    pass
    time.sleep(0.5)
    """,
    seen=lambda result: (
        result.observed.complete
        and len(result.observed.left_behind) == 1
        and all(file.size_bytes == 0 for file in result.observed.files)
    ),
)
EARLY = Attack(
    "printing a pass and leaving early",
    """
    import os
    print("import OK in 0.03s, dim=512, layers=9, vocab=1024, code=70854 B, SMOKE_TEST_PASS", flush=True)
    os._exit(0)
    """,
    seen=lambda result: result.report == () and result.exit_code == 0,
    labels=("IMPORT_FAIL",),
)
CLOCK = Attack(
    "patching time",
    """
    import time
    time.time = time.monotonic = time.perf_counter = lambda: 0.0
    started = time.time()
    for _ in range(20):
        time.sleep(0.1)
    print("took", time.time() - started)
    try:
        time.clock_settime(time.CLOCK_REALTIME, 0)
        print("BROKE the clock of the host")
    except OSError as error:
        print(error)
    """,
    seen=lambda result: b"took 0.0" in result.output and result.wall_seconds >= 2,
    labels=("PASS",),
)
DAEMON = Attack(
    "daemonising",
    """
    import os, signal, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            for handle in range(256):
                try:
                    os.close(handle)
                except OSError:
                    pass
            time.sleep(600)
        os._exit(0)
    time.sleep(0.3)
    """,
    seen=lambda result: len(result.observed.left_behind) == 1,
    labels=("ESCAPE_ATTEMPT",),
)
PICKLE = Attack(
    "an artifact with code in it",
    """
    import os, pickle
    class Artifact:
        def __reduce__(self):
            return (os.system, ("touch {canary}/was-here; touch /scratch/was-here",))
    data = pickle.dumps(Artifact())
    open("/scratch/final_model.int8.ptz", "wb").write(data)
    pickle.loads(data)
    if os.path.exists("{canary}/was-here"):
        print("BROKE")
    """,
    seen=lambda result: (
        {file.path for file in result.observed.files}
        == {"/scratch/final_model.int8.ptz", "/scratch/was-here"}
    ),
    weakened=Weakening("a root of its own and a user without rights", {"Binds": ["{canary}:{canary}"]}, "0"),
    labels=("PASS",),
)
ONE_SIGNAL = Attack(
    "ending by a signal that looks like a limit of ours",
    """
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
    """,
    ending=Ending.SIGNALLED,
    signal=9,
    seen=lambda result: result.observed.oom_kills == 0,
)
SPIN = Attack(
    "spinning after the tests have seen their pass",
    """
    print("PASS", flush=True)
    while True:
        pass
    """,
    ending=Ending.TIMED_OUT,
    limits=limits(wall_seconds=2),
)
ATTACKS = (
    KILL,
    FORGE,
    INSPECT,
    REPLACE_SOCKET,
    TAMPER,
    LINKS,
    SWAP,
    EARLY,
    CLOCK,
    DAEMON,
    PICKLE,
    ONE_SIGNAL,
    SPIN,
)
