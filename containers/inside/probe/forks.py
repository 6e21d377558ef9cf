"""Score one position once for each entry of the vocabulary, from one state: fork where an evaluation begins.

In each fork the token at the position is another, wherever an array or the shard holds the stream. What was
derived from the stream before the evaluation began stays as it was.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import torch

from ..channel import CHANNEL
from ..data.shards import HEADER_INTS
from .headline import Span, is_returned_as, spans_of
from .recorder import RECORDER
from .sharpen import sharpen
from .trace import Event, Kind, Trace
from .watches import Recipe, Source, Watched, matching, read

SECONDS = 200.0
"""Processor time that the replays of one run may take, judged by the first."""
entered: list[Callable[[], None]] = []
"""Called in each fork, first."""
_SHARE = 0.5
"""Of the stream: arrays that hold less of it are batches, made anew by each evaluation."""


class ReplaysDoneError(BaseException):
    """All replays are made; the run need not go on."""


class Replays:
    """The replays of one evaluation of this process."""

    def __init__(self, phase: int, position: int, size: int, stream: np.ndarray) -> None:
        self.phase = phase
        self.position = position
        self.size = size
        """Entries that are tried: those of the vocabulary, or of the rows of logits where these are wider."""
        self.stream = stream
        self.shard = ""
        """The validation shard that the run has read."""
        self.recipe: Recipe | None = None
        self._writer = -1
        self._entry = 0
        """Index of the event that the evaluation begins with."""

    def begun(self, _: Any) -> None:
        """Make the replays where the evaluation begins."""
        if RECORDER.phase != self.phase or self._writer >= 0:
            return
        self._entry = len(RECORDER.events) - 1
        places = list(places_of(self.stream, self.position))
        sharpened = sharpen(self.size)  # before the freeze, which hides the models
        gc.freeze()  # or every collection in a replay copies what it shares with the others
        RECORDER.facts["replays"] = told = dict[str, float]()
        told.update(position=self.position, arrays=len(places), sharpened=sharpened)
        before = sum(os.times()[:4])
        self._replay(places, None)
        each = sum(os.times()[:4]) - before
        if self._writer < 0 and self.recipe is not None:
            told.update(seconds=round(each * self.size, 1), entries=self.size)
            if each * self.size <= SECONDS:
                self._all(places)
        if self._writer < 0:
            raise ReplaysDoneError

    def _all(self, places: list[tuple[np.ndarray, int]]) -> None:
        for token in range(self.size):
            values = self._replay(places, token)
            if self._writer >= 0:
                return
            if values is not None:
                RECORDER.put(Event(Kind.SUM, "replay", self.phase, float(token), values=values))
        self._set(places, int(self.stream[self.position]))

    def _replay(self, places: list[tuple[np.ndarray, int]], token: int | None) -> np.ndarray | None:
        """Return what one replay scored, None where it failed; the first finds out what to read.

        Returns twice: in the replay itself, too, which goes on into the evaluation.
        """
        reader, writer = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._enter(places, token, writer)
            return None
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            data = pipe.read(1 << 26)
        _, status = os.waitpid(pid, 0)
        if status or not data:
            return None
        if token is None:
            source, site, masked, width = data.decode().split("\0")
            self.size = max(self.size, int(width))
            self.recipe = Recipe(Source(source), site, masked == "1")
            return np.zeros(0)
        return np.frombuffer(data, np.float64)

    def _enter(self, places: list[tuple[np.ndarray, int]], token: int | None, writer: int) -> None:
        """Make this process a replay: it goes on into the evaluation, and ends behind it."""
        for listener in entered:
            listener()
        CHANNEL.path = ""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        self._writer = writer
        gc.disable()
        RECORDER.events[:] = RECORDER.events[self._entry : self._entry + 1]
        if token is not None:
            try:
                self._set(places, token)
            except (OverflowError, ValueError):
                os._exit(1)  # an array of theirs is too narrow for what no text holds

    def _set(self, places: list[tuple[np.ndarray, int]], token: int) -> None:
        for array, index in places:
            array[index] = token
        if self.shard:
            with contextlib.suppress(OSError), open(self.shard, "r+b") as file:
                file.seek(4 * HEADER_INTS + 2 * self.position)
                file.write(int(token).to_bytes(2, "little"))

    def done(self, _: list[float]) -> None:
        """End a replay behind the evaluation, with what it scored."""
        if self._writer < 0 or RECORDER.phase == self.phase:
            return
        status = 1
        with contextlib.suppress(Exception):
            data = self._answer()
            while data:
                data = data[os.write(self._writer, data) :]
            status = 0
        os._exit(status)

    def _answer(self) -> bytes:
        trace = Trace(tuple(RECORDER.events))
        span = next(span for span in spans_of(trace) if span.phase == self.phase)
        if self.recipe is not None:
            watched = read(trace, span, self.recipe)
            return b"" if watched is None else watched.values.tobytes()
        found = matching(trace, span, lambda seen: _gives(seen, span))
        if found is None:
            return b""
        recipe = found.recipe
        told = (recipe.source.value, recipe.site, int(recipe.without_zeros), RECORDER.width)
        return "\0".join(map(str, told)).encode()


def _gives(seen: Watched, span: Span) -> bool:
    """Return whether values have one of the numbers returned as their mean."""
    mean = float(seen.values.mean())
    return any(is_returned_as(mean, number) for number in span.numbers)


def places_of(stream: np.ndarray, position: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield each array of this process that holds the stream, with the index of the position in it."""
    seen: set[tuple[int, int, str]] = set()
    for array in _arrays():
        key = (array.__array_interface__["data"][0], array.size, array.dtype.str)
        if key in seen or array.size < _SHARE * stream.size or array.size > stream.size:
            continue
        seen.add(key)
        for shift in range(2):
            held = stream[shift : shift + array.size]
            index = position - shift
            if held.size == array.size and index < array.size and np.array_equal(array, held):
                yield array, index


def _arrays() -> Iterator[np.ndarray]:
    """Yield every writable array of whole numbers, and every tensor as one, flat and sharing its memory."""
    for holder in [*gc.get_objects(), *_frames()]:
        for item in (holder, *gc.get_referents(holder)):
            array = _as_array(item)
            if array is not None:
                yield array


def _as_array(item: Any) -> np.ndarray | None:
    kind = type(item)
    try:
        if kind is torch.Tensor and item.is_cpu and not item.is_floating_point() and item.is_contiguous():
            array = item.detach().numpy().reshape(-1)
        elif issubclass(kind, np.ndarray) and item.flags.c_contiguous:
            array = np.asarray(item).reshape(-1)
        else:
            return None
    except Exception:
        return None
    return array if array.dtype.kind in "iu" and array.flags.writeable else None


def _frames() -> list[Any]:
    """Return the local names of all frames that are running."""
    frame: FrameType | None = sys._getframe(1)
    found = []
    while frame is not None:
        found.append(dict(frame.f_locals))
        frame = frame.f_back
    return found
