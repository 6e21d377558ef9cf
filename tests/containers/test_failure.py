"""What engines really said (Docker 20.10, Podman 4.3; taken down word for word), and what it is called."""

from __future__ import annotations

import pytest

from containers.failure import FailureKind, classify

CAPTURED = [
    (
        FailureKind.NO_ENGINE,
        "Error while fetching server API version: "
        "('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))",
    ),
    (
        FailureKind.NO_ENGINE,
        "Error while fetching server API version: HTTPConnectionPool(host='127.0.0.1', port=1): Max "
        'retries exceeded with url: /version (Caused by NewConnectionError("HTTPConnection('
        "host='127.0.0.1', port=1): "
        'Failed to establish a new connection: [Errno 111] Connection refused"))',
    ),
    (
        FailureKind.NO_PERMISSION,
        "Error while fetching server API version: "
        "('Connection aborted.', PermissionError(13, 'Permission denied'))",
    ),
    (FailureKind.NO_IMAGE, "No such image: referee-smoke:nosuchimage"),
    (FailureKind.NO_IMAGE, "Error: inspecting object: nosuch:x: image not known"),
    (FailureKind.NO_IMAGE, "Error: nosuch:x: image not known"),
    (FailureKind.NO_RUNTIME, "Unknown runtime specified runsc"),
    (
        FailureKind.NO_RUNTIME,
        "Error: no valid executable found for OCI runtime /usr/bin/runsc: invalid argument",
    ),
    (
        FailureKind.NO_COMMAND,
        "failed to create shim task: OCI runtime create failed: runc create failed: unable to start "
        'container process: exec: "/nonexistent": stat /nonexistent: no such file or directory: unknown',
    ),
    (
        FailureKind.NOT_SUPPORTED,
        "failed to create shim task: OCI runtime create failed: runc create failed: string SCMP_ACT_NOPE is "
        "not a valid action for seccomp: unknown",
    ),
    (
        FailureKind.NOT_SUPPORTED,
        "Error: OCI runtime error: crun: cgroups in hybrid mode not supported, drop all "
        "controllers from cgroupv2",
    ),
    (
        FailureKind.NOT_SUPPORTED,
        "Error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied",
    ),
    (FailureKind.NOT_SUPPORTED, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"),
    (FailureKind.NOT_SUPPORTED, "Minimum memory limit allowed is 6MB"),
    (FailureKind.NOT_SUPPORTED, 'invalid tmpfs option ["nope" "1"]'),
    (
        FailureKind.ENGINE_LOST,
        "Container e579c0ef7c986acf504c501007ab797f342f466779c655426ae27fa723606e32 is not running",
    ),
    (
        FailureKind.ENGINE_LOST,
        "No such container: e579c0ef7c986acf504c501007ab797f342f466779c655426ae27fa723606e32",
    ),
    (
        FailureKind.NO_SPACE,
        'Error: writing blob: adding layer with blob "sha256:8259dceb": processing tar file(write '
        "/usr/share/locale/ro/LC_MESSAGES/apt.mo: no space left on device): exit status 1",
    ),
]


@pytest.mark.parametrize(("kind", "message"), CAPTURED, ids=lambda value: str(value)[:40])
def test_captured_message(kind, message):
    assert classify(message).kind is kind
    assert classify(message).hint


def test_an_unknown_message_is_kept_word_for_word():
    failure = classify("something\nnobody has seen")
    assert failure.kind is FailureKind.UNKNOWN
    assert failure.message == "something nobody has seen"


def test_a_long_message_is_cut():
    assert len(classify("x" * 10_000).message) == 400
