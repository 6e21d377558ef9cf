"""Lines and their arrival."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.replay.lines import LINE_BYTES, Line, LineCutter


def cut(*chunks: tuple[float, bytes]) -> list[Line]:
    cutter = LineCutter()
    lines = [line for seconds, chunk in chunks for line in cutter.feed(seconds, chunk)]
    return [*lines, *cutter.close(99.0)]


def test_a_line_arrives_with_the_last_byte_of_its_text() -> None:
    lines = cut((1.0, b"step:"), (2.0, b"1\nstep:2"), (3.0, b"\n\n"))
    assert lines == [Line(2.0, "step:1"), Line(2.0, "step:2"), Line(3.0, "")]


def test_a_long_line_is_kept_in_part_and_holds_no_memory() -> None:
    cutter = LineCutter()
    for _ in range(1000):
        assert list(cutter.feed(1.0, b"x" * 10_000)) == []
    assert len(cutter._held) == LINE_BYTES
    assert [len(line.text) for line in cutter.feed(2.0, b"\nnext\n")] == [LINE_BYTES, 4]


def test_what_a_terminal_overwrote_is_gone() -> None:
    assert cut((1.0, b" 10%\r 20%\r done\r\n")) == [Line(1.0, " done")]


def test_the_rest_without_a_line_end_is_a_line() -> None:
    assert cut((1.0, b"killed")) == [Line(1.0, "killed")]


@given(st.binary(max_size=300), st.integers(min_value=1, max_value=7))
def test_where_chunks_end_does_not_matter(data: bytes, size: int) -> None:
    whole = [line.text for line in cut((1.0, data))]
    pieces = [(1.0, data[at : at + size]) for at in range(0, len(data), size)]
    assert [line.text for line in cut(*pieces)] == whole
