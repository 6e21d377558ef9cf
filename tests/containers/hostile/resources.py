"""Attacks that try to use up the machine, or never to end."""

from __future__ import annotations

from containers.request import GIB, MIB
from containers.result import Ending
from tests.containers.hostile.attack import Attack, Weakening, limits

FORK_BOMB = Attack(
    "fork bomb",
    """
    import os
    while True:
        try:
            os.fork()
        except OSError:
            pass
    """,
    ending=Ending.TIMED_OUT,
    limits=limits(wall_seconds=4),
    seen=lambda result: result.observed.forks_refused > 0 and result.observed.peak_pids <= 64,
)
MANY_PROCESSES = Attack(
    "more processes than allowed",
    """
    import os, time
    made = 0
    try:
        while made < 100:
            if os.fork() == 0:
                time.sleep(5)
                os._exit(0)
            made += 1
        print("BROKE", made)
    except OSError as error:
        print(made, error)
    """,
    seen=lambda result: result.observed.forks_refused > 0,
    weakened=Weakening("the limit on processes", limits=limits(pids=200)),
)
THREADS = Attack(
    "more threads than allowed",
    """
    import threading, time
    try:
        for number in range(100):
            threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
        print("BROKE", number)
    except RuntimeError as error:
        print(number, error)
    """,
    weakened=Weakening("the limit on processes", limits=limits(pids=200)),
)
MEMORY = Attack(
    "more memory than allowed",
    """
    hoard = [bytearray(32 << 20) for _ in range(16)]
    print("BROKE", len(hoard))
    """,
    ending=Ending.OUT_OF_MEMORY,
    signal=9,
    seen=lambda result: result.observed.oom_kills >= 1,
    weakened=Weakening("the limit on memory", limits=limits(memory_bytes=GIB)),
)
MEMORY_BY_CHILDREN = Attack(
    "memory, spread over children that never want to die",
    """
    import os, signal, time
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("-1000")
        print("BROKE the kernel will spare us")
    except OSError as error:
        print(error)
    for number in range(20):
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            hoard = bytearray(40 << 20)
            time.sleep(60)
    time.sleep(60)
    """,
    ending=Ending.TIMED_OUT,
    limits=limits(wall_seconds=5),
    seen=lambda result: result.observed.oom_kills >= 1 and result.observed.complete,
)
DISK = Attack(
    "more disk than allowed",
    """
    import os
    total = 0
    for folder in ("/scratch", "/tmp", "/dev/shm", "/var/tmp", "/dev/mqueue", "/run", "/var/log"):
        try:
            with open(folder + "/fill", "wb", buffering=0) as file:
                while total < 200 << 20:
                    total += file.write(bytes(1 << 20))
        except OSError as error:
            print(folder, error)
    if total >= 200 << 20:
        print("BROKE", total)
    """,
    seen=lambda result: result.observed.scratch_full,
    weakened=Weakening("the fixed size of scratch", limits=limits(scratch_bytes=190 * MIB, memory_bytes=GIB)),
)
INODES = Attack(
    "more files than allowed",
    """
    made = 0
    try:
        while made < 120_000:
            open(f"/scratch/{made}", "w").close()
            made += 1
        print("BROKE", made)
    except OSError as error:
        print(made, error)
    """,
    limits=limits(memory_bytes=GIB, wall_seconds=150),
    seen=lambda result: result.observed.scratch_full and len(result.observed.files) == 2000,
    weakened=Weakening(
        "the limit on files",
        {"Tmpfs": {"/scratch": "rw,mode=1777,size=256m", "/tmp": "rw,mode=1777,size=8m"}},
        limits=limits(memory_bytes=GIB, wall_seconds=150),
    ),
)
SPARSE = Attack(
    "a file of a terabyte for whoever reads it",
    """
    import os
    with open("/scratch/model.ptz", "wb") as file:
        file.truncate(1 << 40)
    os.mkfifo("/scratch/wait.ptz")
    """,
    seen=lambda result: (
        [(file.size_bytes, file.sha256) for file in result.observed.files] == [(1 << 40, None)]
    ),
)
OUTPUT = Attack(
    "a flood of output",
    """
    while True:
        print("x" * 65536)
    """,
    ending=Ending.FLOODED,
    limits=limits(output_bytes=100_000),
    seen=lambda result: len(result.output) < 101_000,
)
REPORTS = Attack(
    "a flood of reports",
    """
    import os, socket
    for _ in range(20):
        try:
            line = socket.socket(socket.AF_UNIX)
            line.connect(os.environ["REFEREE_REPORT"])
            line.sendall(b'{"event": "x"}\\n' * 50_000)
        except OSError as error:
            print(error)
    """,
    limits=limits(report_bytes=20_000, wall_seconds=60),
    seen=lambda result: len(result.report) <= 20_000 // 14 and result.observed.report_lines_dropped > 10_000,
)
SLEEP = Attack(
    "sleep past the limit",
    """
    import time
    time.sleep(4)
    print("BROKE the time was up")
    """,
    ending=Ending.TIMED_OUT,
    limits=limits(wall_seconds=2),
    weakened=Weakening("the limit on wall clock time", limits=limits(wall_seconds=10)),
)
NO_SIGNALS = Attack(
    "ignore every signal",
    """
    import signal, time
    for number in signal.valid_signals():
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
    while True:
        time.sleep(1)
    """,
    ending=Ending.TIMED_OUT,
    limits=limits(wall_seconds=2),
)
ATTACKS = (
    FORK_BOMB,
    MANY_PROCESSES,
    THREADS,
    MEMORY,
    MEMORY_BY_CHILDREN,
    DISK,
    INODES,
    SPARSE,
    OUTPUT,
    REPORTS,
    SLEEP,
    NO_SIGNALS,
)
