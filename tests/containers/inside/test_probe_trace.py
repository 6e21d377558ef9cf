"""A trace comes back as it was written, and bytes of a stranger are a ValueError."""

from __future__ import annotations

import io
import zipfile
from dataclasses import astuple

import pytest

np = pytest.importorskip("numpy", reason="needs numpy (pip install -e '.[cpu]')")

from containers.inside.probe import trace as traces  # noqa: E402
from containers.inside.probe.trace import Event, Kind, Trace, decode, encode  # noqa: E402


def test_a_trace_comes_back_as_it_was_written() -> None:
    written = Trace(
        (
            Event(Kind.BEGIN, "train_gpt.py:12", 0, text="eval_val"),
            Event(
                Kind.LOSS,
                phase=0,
                values=np.array([1.5, 2.25]),
                targets=np.array([7, 9]),
                digests=np.array([-(2**62), 3]),
                shape=(1, 2),
                grad=True,
                state=2**61,
            ),
            Event(Kind.ADD, "train_gpt.py:40", 0, number=float("inf")),
        ),
        {"optimizer_steps": 3},
    )
    read = decode(encode(written))
    assert [shown(event) for event in read.events] == [shown(event) for event in written.events]
    assert read.facts == {"optimizer_steps": 3}


def shown(event: Event) -> list[object]:
    return [item.tolist() if isinstance(item, np.ndarray) else item for item in astuple(event)]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x04N."])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a trace"):
        decode(data)


def test_pickled_arrays_are_refused() -> None:
    made = io.BytesIO()
    columns = {name: np.zeros(0) for name in ("values", "targets", "digests")}
    np.savez(made, document=np.array([{"events": []}], dtype=object), **columns)
    with pytest.raises(ValueError, match="not a trace"):
        decode(made.getvalue())


def test_what_grows_when_unpacked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MAX_BYTES", 100_000)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("document.npy", b"\0" * 200_000)
    assert len(made.getvalue()) < 100_000
    with pytest.raises(ValueError, match="not a trace"):
        decode(made.getvalue())


def test_a_span_outside_its_column_is_refused() -> None:
    document = b'{"events": [["sum", "", 0, "1.0", [0, 9], null, null, [], false, 0, ""]], "facts": {}}'
    made = io.BytesIO()
    columns = {"targets": np.zeros(0, np.int64), "digests": np.zeros(0, np.int64)}
    np.savez(made, document=np.frombuffer(document, np.uint8), values=np.ones(3), **columns)
    with pytest.raises(ValueError, match="not a trace"):
        decode(made.getvalue())
    np.savez(made := io.BytesIO(), document=np.frombuffer(document, np.uint8), values=np.ones(9), **columns)
    assert decode(made.getvalue()).events[0].kind is Kind.SUM
