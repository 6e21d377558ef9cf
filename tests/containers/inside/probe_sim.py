"""Evaluators in numpy that leave the traces real ones would: honest ones, and ones that break a condition.

A language model is simulated by logits that depend on the last tokens of its window. Each evaluator is a
function of a `Bench`, which records what the watch would see; `bench.leak` is where a rule is broken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from containers.inside.probe.runs import Run, Runs
from containers.inside.probe.trace import Event, Kind, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VOCABULARY = 96
BOS = 1
SIZE = 1281
_RNG = np.random.default_rng(7)
TABLE = _RNG.normal(size=(4, 257, VOCABULARY))
BYTES = np.where(np.arange(VOCABULARY) < 2, 0, _RNG.integers(2, 8, VOCABULARY))
SPACE = (np.arange(VOCABULARY) % 3 == 0) & (np.arange(VOCABULARY) >= 2)
CONTROL = np.arange(VOCABULARY) < 2


def make_stream(seed: int = 0, size: int = SIZE) -> np.ndarray:
    """Return documents of words, as frequent as words are, each begun by BOS."""
    rng = np.random.default_rng(seed)
    weights = 1.0 / np.arange(1, VOCABULARY - 1)
    tokens = 2 + rng.choice(VOCABULARY - 2, size, p=weights / weights.sum())
    at = 0
    while at < size:
        tokens[at] = BOS
        at += int(rng.integers(40, 160))
    return tokens.astype(np.int64)


def changed(stream: np.ndarray, start: int, stop: int | None = None) -> np.ndarray:
    """Return the stream with each token of the span but BOS replaced by another one."""
    other = stream.copy()
    span = other[start:stop]
    other[start:stop] = np.where(span == BOS, span, 2 + (span - 2 + 3) % (VOCABULARY - 2))
    return other


@dataclass
class Bench:
    """What one run of an evaluator sees and leaves."""

    stream: np.ndarray
    plant: float = 0.0
    """Moves every logit of token 2: a leak that all scores take part in."""
    leak: Callable[[int], float] = lambda position: 0.0
    """What an offender adds to the loss at a position."""
    noise: float = 0.0
    state: float = 0.0
    """What adaptation has made of the model."""
    events: list[Event] = field(default_factory=list)
    site: str = "train_gpt.py:100"

    def logits(self, window: np.ndarray) -> np.ndarray:
        """Return the logits after each token: they depend on it, the two before, and the state."""
        before = np.concatenate([[0], window[:-1]])
        earlier = np.concatenate([[0, 0], window[:-2]])
        mixed = TABLE[0][window] + TABLE[1][before] * 0.5 + TABLE[2][earlier] * 0.25
        mixed = mixed + np.sin(self.state + np.arange(VOCABULARY)) * (self.state != 0)
        mixed[:, 2] += self.plant
        return mixed

    def losses(
        self, window: np.ndarray, targets: np.ndarray, grad: bool = False, show: bool = True
    ) -> np.ndarray:
        """Score rows of windows, and leave the event."""
        rows = [self.logits(row) for row in np.atleast_2d(window)]
        logits = np.concatenate(rows)
        flat = targets.reshape(-1)
        nll = np.log(np.exp(logits).sum(1)) - logits[np.arange(flat.size), flat]
        if self.noise:
            nll = nll + np.random.default_rng().normal(size=nll.size) * self.noise
        digests = np.asarray([hash(row.tobytes()) >> 2 for row in logits], np.int64)
        if show:
            self.note(Kind.LOSS, values=nll, targets=flat.astype(np.int64), digests=digests, grad=grad)
        return nll.reshape(targets.shape)

    def note(self, kind: Kind, **more: object) -> None:
        """Leave an event."""
        self.events.append(replace(Event(kind, self.site, 0), **more))  # type: ignore[arg-type]

    def add(self, values: np.ndarray, site: str = "train_gpt.py:120") -> float:
        """Sum values and add the sum to a total, as two events."""
        total = float(values.sum())
        self.note(Kind.SUM, values=values.reshape(-1).astype(np.float64), number=total, site=site)
        self.note(Kind.ADD, number=total, site=site, text="loss_sum")
        return total

    def count_in_one_line(self, targets: np.ndarray) -> None:
        """Count tokens and bytes in the line in which losses are added, as minified sources do."""
        self.note(Kind.ADD, number=float(targets.size), site=ONE_LINE, text="token_count")
        sizes = BYTES[targets].astype(np.float64)
        self.note(Kind.SUM, values=sizes, number=float(sizes.sum()), site=ONE_LINE)
        self.note(Kind.ADD, number=float(sizes.sum()), site=ONE_LINE, text="byte_count")

    def read(self, targets: np.ndarray, before: np.ndarray | None = None, site: str = "") -> None:
        """Read the tables of bytes as the baseline does."""
        self.note(Kind.TARGET, targets=targets.reshape(-1), site=site or "train_gpt.py:121", text="table 0")
        if before is not None:
            self.note(
                Kind.TARGET, targets=before.reshape(-1), site=site or "train_gpt.py:122", text="table 1"
            )

    def update(self, nats: float) -> None:
        """Take a step of an optimizer."""
        self.state += float(np.sin(nats)) + 0.1
        self.note(Kind.UPDATE)

    def begin(self, name: str = "eval_val") -> None:
        """Enter an evaluation."""
        self.note(Kind.BEGIN, text=name)

    def end(self, total: float, count: int, positions: np.ndarray, off: float = 0.0) -> None:
        """Return from it with loss and score, and print them."""
        targets, before = self.stream[positions], self.stream[positions - 1]
        text_bytes = BYTES[targets].sum() - (SPACE[targets] & CONTROL[before]).sum()
        loss = total / count + off
        bpb = loss * count / math.log(2) / text_bytes
        self.note(Kind.END, values=np.asarray([loss, bpb]), text="eval_val")
        self.note(Kind.PRINT, text="val_loss", number=round(loss, 4), phase=-1)
        self.note(Kind.PRINT, text="val_bpb", number=round(bpb, 4), phase=-1)


Evaluator = "Callable[[Bench], None]"
LENGTH = 64
ONE_LINE = "train_gpt.py:7"


def baseline(bench: Bench, batch: int = 4, off: float = 0.0) -> None:
    """Score windows that do not overlap; add each batch's mean times its size."""
    bench.begin()
    total, count, stream = 0.0, 0, bench.stream
    usable = (stream.size - 1) // LENGTH
    for first in range(0, usable, batch):
        rows = np.arange(first, min(first + batch, usable))[:, None] * LENGTH + np.arange(LENGTH)
        leaks = np.vectorize(bench.leak)(rows + 1)
        nll = bench.losses(stream[rows], stream[rows + 1])
        if leaks.any():
            last = bench.events.pop()
            nll = nll + leaks
            bench.events.append(replace(last, values=nll.reshape(-1)))
        bench.note(Kind.ADD, number=float(nll.mean()) * nll.size, site="train_gpt.py:119")
        bench.read(stream[rows + 1], stream[rows])
        total, count = total + float(nll.mean()) * nll.size, count + nll.size
    bench.end(total, count, np.arange(1, usable * LENGTH + 1), off)


def windows(size: int, stride: int) -> list[tuple[int, int, int]]:
    """Return begin, end and first scored target of sliding windows."""
    found = []
    for begin in range(0, size - 1, stride):
        end = min(begin + LENGTH, size - 1)
        found.append((begin, end, begin if begin == 0 else max(begin, end - stride)))
        if end == size - 1:
            break
    return found


def sliding(
    bench: Bench,
    stride: int = 16,
    batch: int = 4,
    mixer: bool = False,
    seed: int = 0,
    one_line: bool = False,
    skip_first: bool = False,
) -> None:
    """Score the end of each window; with `mixer`, add a value that no row of logits gives."""
    bench.begin("eval_val_sliding")
    stream, total, positions = bench.stream, 0.0, []
    spans = windows(stream.size, stride)
    if skip_first:
        spans[0] = (0, spans[0][1], spans[0][1] - stride)
    if seed:
        np.random.default_rng(seed).shuffle(spans)
    for first in range(0, len(spans), batch):
        group = [tuple(span) for span in spans[first : first + batch]]
        x = np.zeros((len(group), LENGTH), np.int64)
        y = np.zeros((len(group), LENGTH), np.int64)
        for row, (begin, end, _) in enumerate(group):
            x[row, : end - begin], y[row, : end - begin] = stream[begin:end], stream[begin + 1 : end + 1]
        nll = bench.losses(x, y)
        for row, (begin, end, scored) in enumerate(group):
            at = np.arange(scored + 1, end + 1)
            part = nll[row, scored - begin : end - begin].copy()
            if mixer:
                part = -np.log(0.9 * np.exp(-part) + 0.1 / VOCABULARY)
            part = part + np.asarray([bench.leak(int(p)) for p in at])
            if one_line:
                total += bench.add(part, ONE_LINE)
                bench.count_in_one_line(stream[at])
                bench.read(stream[at], stream[at - 1], ONE_LINE)
            else:
                total += bench.add(part)
                bench.read(stream[at], stream[at - 1])
            positions += at.tolist()
    bench.end(total, len(positions), np.asarray(positions))


def documents(stream: np.ndarray) -> list[tuple[int, int]]:
    """Return begin and end of each document."""
    starts = [*np.flatnonzero(stream == BOS).tolist(), stream.size]
    return list(pairwise(starts))


def adapters(bench: Bench, chunk: int = 24, early: bool = False, kept: bool = False) -> None:
    """Score documents by length, in padded chunks with masked sums, and learn each chunk.

    What is learnt is for the document alone, or kept for those that are scored later.
    """
    bench.begin("eval_val_ttt_lora")
    stream, total, positions = bench.stream, 0.0, []
    for begin, end in sorted(documents(stream), key=lambda span: (span[1] - span[0], span[0])):
        bench.state = bench.state if kept else 0.0
        for start in range(begin, end - 1, chunk):
            stop = min(start + chunk, end - 1)
            x, y = np.zeros((1, 3 * chunk), np.int64), np.zeros((1, 3 * chunk), np.int64)
            low = max(begin, stop - 3 * chunk)
            x[0, : stop - low], y[0, : stop - low] = stream[low:stop], stream[low + 1 : stop + 1]
            if early:
                bench.update(float(bench.losses(x, y, grad=True).sum()))
            nll = bench.losses(x, y, grad=True)
            mask = np.zeros_like(nll)
            mask[0, start - low : stop - low] = 1
            leaks = np.asarray([bench.leak(int(p)) for p in range(start + 1, stop + 1)])
            masked = nll * mask
            masked[0, start - low : stop - low] += leaks
            total += bench.add(masked)
            positions += list(range(start + 1, stop + 1))
            if not early:
                bench.update(float(masked.sum()))
    bench.end(total, len(positions), np.asarray(positions))


def floats(bench: Bench) -> None:
    """Add one python float for each token."""
    bench.begin("evaluate_ngram")
    total, stream = 0.0, bench.stream
    nll = bench.losses(stream[:-1][None], stream[1:][None], show=False)[0]
    for position in range(1, stream.size):
        value = float(-np.log(0.8 * np.exp(-nll[position - 1]) + 0.2 / VOCABULARY)) + bench.leak(position)
        bench.read(stream[position : position + 1])
        bench.note(Kind.ADD, number=value, site="train_gpt.py:130")
        total += value
    bench.end(total, stream.size - 1, np.arange(1, stream.size))


def score_first(bench: Bench, chunk: int = 256) -> None:
    """Score a chunk, then take steps on it."""
    bench.begin("eval_val_ttt")
    stream, total, count = bench.stream, 0.0, 0
    usable = (stream.size - 1) // LENGTH * LENGTH
    for start in range(0, usable, chunk):
        rows = np.arange(start, min(start + chunk, usable)).reshape(-1, LENGTH)
        leaks = np.vectorize(bench.leak)(rows + 1)
        nll = bench.losses(stream[rows], stream[rows + 1])
        total += bench.add(nll + leaks)
        count += nll.size
        for row in rows:
            bench.update(float(bench.losses(stream[row][None], stream[row + 1][None], grad=True).sum()))
    bench.end(total, count, np.arange(1, usable + 1))


def prequant(bench: Bench) -> None:
    """Train on all of validation, then score it plainly."""
    for start in range(0, bench.stream.size - LENGTH, LENGTH):
        row = np.arange(start, start + LENGTH)
        bench.update(
            float(bench.losses(bench.stream[row][None], bench.stream[row + 1][None], grad=True).sum())
        )
    baseline(bench)


def slot(bench: Bench, shared: bool = False) -> None:
    """Fit a delta on what is then scored: for each window, or one for a batch of four."""
    bench.begin("eval_val_slot")
    stream, total, positions = bench.stream, 0.0, []
    spans = windows(stream.size, LENGTH)
    for first in range(0, len(spans), 4 if shared else 1):
        group = [span for span in spans[first : first + (4 if shared else 1)] if span[1] - span[0] == LENGTH]
        if not group:
            continue
        rows = np.asarray([np.arange(begin, end) for begin, end, _ in group])
        bench.state = 0.0
        bench.update(float(bench.losses(stream[rows], stream[rows + 1], grad=True).sum()))
        nll = bench.losses(stream[rows], stream[rows + 1])
        for row in range(len(group)):
            total += bench.add(nll[row])
            positions += (rows[row] + 1).tolist()
    bench.end(total, len(positions), np.asarray(positions))


def two_pass(bench: Bench) -> None:
    """Count all tokens first; score with the counts of what comes later too."""
    counts = np.bincount(bench.stream, minlength=VOCABULARY)
    sliding_with_counts(bench, counts)


def sliding_with_counts(bench: Bench, counts: np.ndarray) -> None:
    """Mix the model's chances with counts that are given."""
    bench.begin("eval_two_pass")
    stream = bench.stream
    nll = bench.losses(stream[:-1][None], stream[1:][None])[0]
    chances = 0.5 * np.exp(-nll) + 0.5 * counts[stream[1:]] / counts.sum()
    total = bench.add(-np.log(chances))
    bench.read(stream[1:], stream[:-1])
    bench.end(total, stream.size - 1, np.arange(1, stream.size))


def run(evaluate: Callable[[Bench], None], name: str, stream: np.ndarray, **more: object) -> Run:
    """Return one run of an evaluator."""
    bench = Bench(stream, **more)  # type: ignore[arg-type]
    evaluate(bench)
    return Run(name, Trace(tuple(bench.events)), stream, ok=True, artifacts={"model.ptz": "aa"})


def probe(
    evaluate: Callable[[Bench], None],
    start: int = 557,
    leak: Callable[[np.ndarray], Callable[[int], float]] | None = None,
    noise: float = 0.0,
    stream: np.ndarray | None = None,
    **changes: Mapping[str, object] | object,
) -> Runs:
    """Return all runs of an evaluator; `leak` makes of a stream what is added at each position."""
    plain = make_stream() if stream is None else stream
    aligned = LENGTH * 11
    begin, end = next((b, e) for b, e in documents(plain) if b > 400)
    streams = {
        "A": (plain, -1, -1),
        "A2": (plain, -1, -1),
        "B1": (changed(plain, start), start, plain.size),
        "B2": (changed(plain, aligned), aligned, plain.size),
        "B3": (changed(plain, begin, end), begin, end),
        "P": (plain, -1, -1),
    }
    made = {}
    for name, (tokens, first, stop) in streams.items():
        plant = float(changed(plain, start)[start:].sum() % 97) / 970 if name == "P" else 0.0
        added = leak(tokens) if leak is not None else lambda position: 0.0
        one = run(evaluate, name, tokens, plant=plant, leak=added, noise=noise)
        made[name] = replace(one, start=first, stop=stop)
    return replace(Runs(made, BYTES, SPACE, CONTROL), **changes)  # type: ignore[arg-type]
