"""Compile the profile of system calls for engines that take it as a program: bubblewrap.

Uses libseccomp through ctypes, as no package of ours needs it otherwise. Promises the same decisions as
Docker and Podman take from the same file; where libseccomp is missing it says so and the caller names the
missing lock.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import tempfile
from typing import Any

from containers.engine.seccomp import profile_text

_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_EPERM = 1
_OPERATORS = {"SCMP_CMP_EQ": 4, "SCMP_CMP_MASKED_EQ": 7}
_UNKNOWN = -1


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def compile_profile() -> bytes | None:
    """Return the filter as a BPF program for this machine, None without libseccomp."""
    name = ctypes.util.find_library("seccomp")
    if name is None:
        return None
    library = _open(name)
    profile = json.loads(profile_text())
    context = library.seccomp_init(ctypes.c_uint32(_action(profile["defaultAction"], _EPERM)))
    try:
        for group in profile["syscalls"]:
            _add(library, context, group)
        with tempfile.TemporaryFile() as file:
            if library.seccomp_export_bpf(context, file.fileno()) != 0:
                return None
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(context)


def _open(name: str) -> ctypes.CDLL:
    library = ctypes.CDLL(name)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_release.restype = None
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    ]
    return library


def _add(library: ctypes.CDLL, context: int, group: dict[str, Any]) -> None:
    action = _action(group["action"], group.get("errnoRet", _EPERM))
    compared = [
        _Comparison(rule["index"], _OPERATORS[rule["op"]], rule["value"], rule["valueTwo"])
        for rule in group["args"]
    ]
    array = (_Comparison * len(compared))(*compared)
    for name in group["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        # Negative numbers are calls of other machines; the kernel of this one has no such call.
        if number == _UNKNOWN or number < 0:
            continue
        if library.seccomp_rule_add_array(context, action, number, len(compared), array) != 0:
            raise OSError(f"libseccomp takes no rule for {name}")


def _action(name: str, errno: int) -> int:
    if name == "SCMP_ACT_ERRNO":
        return _ERRNO | errno
    return {"SCMP_ACT_ALLOW": _ALLOW, "SCMP_ACT_KILL_PROCESS": _KILL_PROCESS}[name]
