"""Attacks that try to gain rights, or to reach the kernel, the host's files and its devices."""

from __future__ import annotations

from containers.result import Ending
from tests.containers.hostile.attack import SIGSYS, Attack, Weakening

_NO_FILTER = {"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}
_FILTER = "the filter of system calls"
_SYSCALL = """
    import ctypes, os, platform
    libc = ctypes.CDLL(None, use_errno=True)
    NUMBERS = {"ptrace": (101, 117), "process_vm_readv": (310, 270), "userfaultfd": (323, 282), "mount": (165, 40),
               "io_uring_setup": (425, 425), "add_key": (248, 217), "open_by_handle_at": (304, 265),
               "perf_event_open": (298, 241), "bpf": (321, 280), "unshare": (272, 97), "clone3": (435, 435)}
    def call(name, *arguments):
        number = NUMBERS[name][platform.machine() == "aarch64"]
        ctypes.set_errno(0)
        result = libc.syscall(number, *arguments)
        print(name, result, os.strerror(ctypes.get_errno()))
        return result
"""

PTRACE = Attack(
    "ptrace of another process",
    _SYSCALL
    + """
    import time
    child = os.fork()
    if child == 0:
        time.sleep(10)
        os._exit(0)
    if call("ptrace", 16, child, None, None) == 0:
        print("BROKE attached")
    """,
    ending=Ending.SIGNALLED,
    signal=SIGSYS,
    weakened=Weakening(_FILTER, _NO_FILTER, needs="ptrace of one's own children"),
    labels=("ESCAPE_ATTEMPT",),
)
READ_MEMORY = Attack(
    "reading another process's memory",
    _SYSCALL
    + """
    import time
    secret = ctypes.create_string_buffer(b"secret")
    child = os.fork()
    if child == 0:
        time.sleep(10)
        os._exit(0)
    class Vector(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
    mine = ctypes.create_string_buffer(6)
    to = Vector(ctypes.addressof(mine), 6)
    what = Vector(ctypes.addressof(secret), 6)
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    if call("process_vm_readv", ctypes.c_long(child), ctypes.byref(to), one, ctypes.byref(what), one, none) == 6:
        print("BROKE", mine.raw)
    """,
    ending=Ending.SIGNALLED,
    signal=SIGSYS,
    weakened=Weakening(_FILTER, _NO_FILTER, needs="process_vm_readv of one's own children"),
    labels=("ESCAPE_ATTEMPT",),
)
FAULTS = Attack(
    "userfaultfd, which makes races in the kernel easy",
    _SYSCALL
    + """
    if call("userfaultfd", 1) >= 0:
        print("BROKE")
    """,
    ending=Ending.SIGNALLED,
    signal=SIGSYS,
    weakened=Weakening(_FILTER, _NO_FILTER, needs="userfaultfd in the kernel"),
)
NAMESPACE = Attack(
    "a user namespace of one's own",
    _SYSCALL
    + """
    if call("unshare", 0x10000000) == 0:
        print("BROKE", open("/proc/self/status").read().split("CapEff:")[1].split()[0])
    """,
    ending=Ending.SIGNALLED,
    signal=SIGSYS,
    weakened=Weakening(_FILTER, _NO_FILTER, needs="user namespaces for everybody"),
    labels=("ESCAPE_ATTEMPT",),
)
CLONE = Attack(
    "a namespace through clone and clone3",
    _SYSCALL
    + """
    raw = platform.machine() == "aarch64"
    child = libc.syscall(220 if raw else 56, 0x10000000 | 17, None, None, None, None)
    if child == 0:
        os._exit(0)
    print("clone", child)
    if child > 0:
        print("BROKE clone")
    class Arguments(ctypes.Structure):
        _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "pidfd", "child", "parent", "signal", "a", "b", "c")]
    arguments = Arguments(flags=0x10000000, signal=17)
    child = call("clone3", ctypes.byref(arguments), ctypes.sizeof(arguments))
    if child == 0:
        os._exit(0)
    if child > 0:
        print("BROKE clone3")
    """,
    weakened=Weakening(_FILTER, _NO_FILTER, needs="user namespaces for everybody"),
)
MOUNT = Attack(
    "mounting a file system",
    _SYSCALL
    + """
    if call("mount", b"none", b"/scratch", b"tmpfs", 0, None) == 0:
        print("BROKE")
    """,
    ending=Ending.SIGNALLED,
    signal=SIGSYS,
)
HANDLES = Attack(
    "opening the host's files by their handles",
    _SYSCALL
    + """
    if call("open_by_handle_at", 3, ctypes.create_string_buffer(64), 0) >= 0:
        print("BROKE")
    """,
    ending=Ending.SIGNALLED,
    signal=SIGSYS,
)
BPF = Attack(
    "a program in the kernel",
    _SYSCALL
    + """
    if call("bpf", 0, ctypes.create_string_buffer(128), 128) >= 0:
        print("BROKE")
    """,
    ending=Ending.SIGNALLED,
    signal=SIGSYS,
)
IO_URING = Attack(
    "io_uring, which goes round filters",
    _SYSCALL
    + """
    if call("io_uring_setup", 8, ctypes.create_string_buffer(256)) >= 0:
        print("BROKE")
    """,
    weakened=Weakening(_FILTER, _NO_FILTER, needs="io_uring in the kernel"),
)
KEYRING = Attack(
    "the kernel's keyring, which boxes share",
    _SYSCALL
    + """
    if call("add_key", b"user", b"referee-hostile", b"secret", 6, -2) > 0:
        print("BROKE")
    """,
    weakened=Weakening(_FILTER, _NO_FILTER, needs="keyrings in the kernel"),
)
PERF = Attack(
    "performance counters of the whole machine",
    _SYSCALL
    + """
    attributes = ctypes.create_string_buffer(128)
    ctypes.memmove(attributes, (1).to_bytes(4, "little") + (128).to_bytes(4, "little"), 8)
    if call("perf_event_open", attributes, -1, 0, -1, 0) >= 0:
        print("BROKE")
    """,
)
SETUID = Attack(
    "becoming root through setuid",
    """
    import glob, os, stat, subprocess
    own = "/scratch/own"
    open(own, "w").write("#!/bin/sh\\nid")
    os.chmod(own, 0o6755)
    print(oct(os.stat(own).st_mode), subprocess.run([own], capture_output=True).stdout)
    for program in ("/usr/bin/su", "/bin/su"):
        if not os.path.exists(program) or not os.stat(program).st_mode & stat.S_ISUID:
            continue
        running = subprocess.Popen([program], stdin=subprocess.PIPE)
        for _ in range(100):
            status = dict(line.split(":", 1) for line in open(f"/proc/{running.pid}/status"))
            if status["Name"].strip() == "su":
                break
        print(status["Uid"].split())
        if status["Uid"].split()[1] == "0":
            print("BROKE effective user 0 in", program)
    os.setuid(0)
    print("BROKE setuid")
    """,
    ending=Ending.SIGNALLED,
    signal=SIGSYS,
    weakened=Weakening(
        "no-new-privileges and the filter",
        {"SecurityOpt": ["seccomp=unconfined"]},
        needs="a setuid su in the image",
    ),
    labels=("ESCAPE_ATTEMPT",),
)
CAPABILITIES = Attack(
    "giving oneself capabilities",
    """
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
    if libc.capset(header, data) == 0:
        print("BROKE capset")
    for number in range(41):
        if libc.prctl(47, 2, number, 0, 0) == 0:
            print("BROKE ambient", number)
    for action in (lambda: os.chroot("/scratch"), lambda: os.chown("/job", 0, 0), lambda: os.nice(-5)):
        try:
            action()
            print("BROKE did what takes a capability")
        except OSError as error:
            print(error)
    """,
    weakened=Weakening(
        "dropped capabilities and a user without rights", {"CapDrop": [], "CapAdd": ["SYS_NICE"]}, "0"
    ),
)
DEVICES = Attack(
    "devices of the host",
    """
    import os, stat
    for name in ("/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/nvidia0", "/dev/fuse", "/dev/kvm", "/dev/loop0"):
        try:
            os.close(os.open(name, os.O_RDONLY))
            print("BROKE", name)
        except OSError as error:
            print(error)
    for kind, major, minor in ((stat.S_IFBLK, 254, 0), (stat.S_IFCHR, 1, 1)):
        try:
            os.mknod("/scratch/device", kind | 0o600, os.makedev(major, minor))
            print("BROKE made", major, minor)
        except OSError as error:
            print(error)
    """,
    ending=Ending.SIGNALLED,
    signal=SIGSYS,
    weakened=Weakening(
        "dropped capabilities, a user without rights and the filter",
        {"CapDrop": [], "CapAdd": ["MKNOD"], **_NO_FILTER},
        "0",
    ),
    labels=("ESCAPE_ATTEMPT",),
)
HOST_FILES = Attack(
    "reading the host's files",
    """
    import os
    for root in ("", "/proc/1/root", "/proc/self/root", "/submission/..", "/job/../../..", "/proc/1/cwd/..", "/host"):
        for path in ("{canary}/secret", "/var/run/docker.sock", "/etc/shadow", "/root/.ssh/id_rsa"):
            try:
                with open(root + path, "rb") as file:
                    print("BROKE", root, path, file.read(20))
            except OSError as error:
                print(root + path, error.strerror)
    """,
    weakened=Weakening("a root of its own", {"Binds": ["{canary}:{canary}:ro"]}),
    labels=("ESCAPE_ATTEMPT",),
)
WRITE = Attack(
    "writing outside scratch",
    """
    import os
    folders = "/ /etc /etc/cron.d /usr/bin /opt/inside/referee_inside /opt/referee/bin /submission /job /var/tmp /root"
    for folder in [*folders.split(), "/run", "/var/spool", "/sys/fs/cgroup", "/proc/sys/kernel", "/dev"]:
        try:
            with open(folder + "/referee-hostile", "w") as file:
                file.write("x")
            print("BROKE", folder)
        except OSError as error:
            print(folder, error.strerror)
    """,
    weakened=Weakening("the read-only root", {"ReadonlyRootfs": False}),
    labels=("ESCAPE_ATTEMPT",),
)
KERNEL_FILES = Attack(
    "the kernel's switches in /proc and /sys",
    """
    import glob
    names = ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/vm/overcommit_memory", "/proc/kcore",
             "/proc/sys/kernel/hostname", "/sys/kernel/uevent_helper", "/proc/self/uid_map", "/proc/1/oom_score_adj"]
    names += glob.glob("/sys/fs/cgroup/**/release_agent", recursive=True)
    names += glob.glob("/sys/fs/cgroup/**/memory.limit_in_bytes", recursive=True)
    names += glob.glob("/sys/fs/cgroup/**/memory.max", recursive=True) + glob.glob("/sys/fs/cgroup/**/pids.max", recursive=True)
    for name in names:
        try:
            with open(name, "r+") as file:
                file.write("0")
            print("BROKE", name)
        except OSError as error:
            print(name, error.strerror)
    """,
)
SHARED_MEMORY = Attack(
    "shared memory of the host",
    """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    found = libc.shmget({port}, 0, 0)
    print(found, ctypes.get_errno())
    if found >= 0:
        print("BROKE", found)
    """,
    weakened=Weakening("shared memory of its own", {"IpcMode": "host"}),
)
ATTACKS = (
    PTRACE,
    READ_MEMORY,
    FAULTS,
    NAMESPACE,
    CLONE,
    MOUNT,
    HANDLES,
    BPF,
    IO_URING,
    KEYRING,
    PERF,
    SETUID,
    CAPABILITIES,
    DEVICES,
    HOST_FILES,
    WRITE,
    KERNEL_FILES,
    SHARED_MEMORY,
)
