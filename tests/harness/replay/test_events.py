"""The event log: bounded, readable after a kill."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from harness.replay import events
from harness.replay.events import Event, EventLog, Seen, read_events

if TYPE_CHECKING:
    from pathlib import Path


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    written = [Event(0.0, Seen.LAUNCHED, {"pid": 3}), Event(1.25, Seen.LINE, {"text": "step:1"})]
    with path.open("w") as stream:
        log = EventLog(stream)
        for event in written:
            log.add(event)
    assert list(read_events(path)) == written


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(Event(1.0, Seen.LAUNCHED, {}).as_line() + '{"t":2.0,"se')
    assert [event.seconds for event in read_events(path)] == [1.0]


def test_what_is_no_event_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("[]\n")
    with pytest.raises(ValueError, match="event 1"):
        list(read_events(path))


def test_the_end_is_written_beyond_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_EVENTS", 2)
    stream = io.StringIO()
    log = EventLog(stream)
    for number in range(5):
        log.add(Event(float(number), Seen.LINE, {"text": "x"}))
    log.add(Event(9.0, Seen.ENDED, {"exit_code": 0}))
    assert stream.getvalue().count("\n") == 3
    assert log.dropped == 3
    assert '"ended"' in stream.getvalue().splitlines()[-1]
