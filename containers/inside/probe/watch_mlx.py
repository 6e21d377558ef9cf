"""Watch MLX compute token losses, as `watch_losses` watches torch; begun when a source imports MLX.

Compilation is off, so that values are known where they are computed. Inside `mx.vmap` nobody may look at
values: losses made there are not recorded, so that nothing adds up to a number made of them.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from ..shim.patching import put
from . import watch_losses, watch_sums
from .recorder import RECORDER
from .trace import SMOOTHED

_Function = Callable[..., Any]
before: list[_Function] = []
"""What is done to MLX's logits, entries last, before a loss is computed from them: a planted leak."""


class Gradients:
    """Whether MLX is computing gradients, and whether it has since somebody asked."""

    def __init__(self) -> None:
        self.depth = 0
        self.taken = False

    def during(self, real: _Function) -> _Function:
        """Return a function that computes gradients when it is called."""

        @functools.wraps(real)
        def call(*args: Any, **kwargs: Any) -> Any:
            self.depth += 1
            try:
                return real(*args, **kwargs)
            finally:
                self.depth -= 1
                self.taken = True

        return call

    def made_by(self, real: _Function) -> _Function:
        """Return a function that returns one which computes gradients."""

        @functools.wraps(real)
        def make(*args: Any, **kwargs: Any) -> Any:
            return self.during(real(*args, **kwargs))

        return make

    def install(self, mx: Any) -> None:
        """Begin to count."""
        for name in ("grad", "value_and_grad"):
            put(mx, name, self.made_by(getattr(mx, name)))
        for name in ("vjp", "jvp"):
            put(mx, name, self.during(getattr(mx, name)))


class MlxLosses:
    """The losses that MLX computes in this process."""

    def __init__(self, mx: Any, gradients: Gradients) -> None:
        self.mx = mx
        self.gradients = gradients
        self._inside = 0
        """Calls of ours under way, in which nothing is watched or moved."""

    def install(self, nn: Any) -> None:
        """Replace the functions that losses come from, and leave nothing to be compiled."""
        mx = self.mx
        mx.disable_compile()
        put(mx, "enable_compile", lambda: None)
        put(nn.losses, "cross_entropy", self._cross_entropy(nn.losses.cross_entropy))
        put(mx, "take_along_axis", self._take(mx.take_along_axis))
        for owner, name in (
            (mx, "logsumexp"), (mx, "softmax"), (mx.array, "logsumexp"), (nn, "log_softmax"),
            (nn.layers.activations, "log_softmax"), (nn, "softmax"), (nn.layers.activations, "softmax"),
        ):  # fmt: skip
            put(owner, name, self._normalising(getattr(owner, name)))
        watch_sums.readers.append(self.entries)

    def _cross_entropy(self, real: _Function) -> _Function:
        @functools.wraps(real)
        def call(logits: Any, targets: Any, *args: Any, **kwargs: Any) -> Any:
            axis = kwargs.get("axis", args[1] if len(args) > 1 else -1)
            if self._inside or not self._are_losses(logits, targets, axis):
                return real(logits, targets, *args, **kwargs)
            given = self._planted(logits)
            smoothed = kwargs.get("label_smoothing", args[2] if len(args) > 2 else 0.0)
            with self._ours():
                result = real(given, targets, *args, **kwargs)
                values = real(given, targets, label_smoothing=smoothed)
                self._record(given, targets, values, text=SMOOTHED if smoothed else "")
            return result

        return call

    def _take(self, real: _Function) -> _Function:
        @functools.wraps(real)
        def call(a: Any, indices: Any, axis: Any = None, **more: Any) -> Any:
            if self._inside or not self._picks(a, indices, axis):
                return real(a, indices, axis, **more)
            with self._ours():
                given = self._planted(a) if before and self._are_logits(a) else a
                result = real(given, indices, axis, **more)
                total = self.mx.logsumexp(given, axis=-1)
                self._record(given, indices, result, total)
            return result

        return call

    def _normalising(self, real: _Function) -> _Function:
        """Return a function over the last axis that a planted leak reaches."""

        @functools.wraps(real)
        def call(a: Any, *args: Any, **kwargs: Any) -> Any:
            axis = kwargs.get("axis", args[0] if args else None)
            if before and not self._inside and self._are_rows(a) and axis in (-1, a.ndim - 1):
                a = self._planted(a)
            with self._ours():
                return real(a, *args, **kwargs)

        return call

    def _planted(self, logits: Any) -> Any:
        """Return logits that may be scored, with what a planted leak adds; those of training stay."""
        if RECORDER.phase >= 0 or not self.gradients.depth:
            for change in before:
                logits = change(logits)
        return logits

    def _record(self, rows: Any, targets: Any, values: Any, total: Any = None, text: str = "") -> None:
        """Put one event for many tokens; `total` where the values are entries that were taken of rows."""
        grad = self.gradients.depth > 0
        try:
            found, wanted = self.tensor(rows), self.tensor(targets).reshape(-1)
            entries, sums = self.tensor(values).reshape(-1), None if total is None else self.tensor(total)
        except ValueError:  # inside a transformation in which nobody may look
            return
        found = found.reshape(-1, rows.shape[-1])
        if sums is None:
            watch_losses.record(found, wanted, entries, grad, text)
        else:
            watch_losses.chosen(found, wanted, entries, grad, sums.reshape(-1))

    def tensor(self, array: Any) -> torch.Tensor:
        """Return a copy for torch, of the same kind; raises ValueError where MLX has no values yet."""
        if array.dtype == self.mx.bfloat16:
            return torch.from_numpy(np.array(array.astype(self.mx.float32))).bfloat16()
        return torch.from_numpy(np.array(array))

    def entries(self, value: Any) -> np.ndarray | None:
        """Return the entries of an array of MLX that may hold losses, None for anything else."""
        if not isinstance(value, self.mx.array) or value.size > watch_sums.LARGEST:
            return None
        if not self.mx.issubdtype(value.dtype, self.mx.floating):
            return None
        try:
            return np.array(value.astype(self.mx.float32))
        except ValueError:  # inside a transformation in which nobody may look
            return None

    @contextlib.contextmanager
    def _ours(self) -> Iterator[None]:
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    def _are_losses(self, logits: Any, targets: Any, axis: int) -> bool:
        """Return whether these are rows of logits and a target for each."""
        return (
            RECORDER.open
            and isinstance(logits, self.mx.array)
            and isinstance(targets, self.mx.array)
            and logits.ndim >= 2
            and axis in (-1, logits.ndim - 1)
            and logits.shape[-1] >= watch_losses.SMALLEST_VOCABULARY
            and targets.ndim == logits.ndim - 1
            and self.mx.issubdtype(targets.dtype, self.mx.integer)
            and targets.size > 0
        )

    def _picks(self, a: Any, indices: Any, axis: Any) -> bool:
        """Return whether one entry is taken of each row of the vocabulary."""
        return (
            self._are_rows(a)
            and axis in (-1, a.ndim - 1)
            and isinstance(indices, self.mx.array)
            and indices.shape == (*a.shape[:-1], 1)
            and indices.size > 0
        )

    def _are_rows(self, a: Any) -> bool:
        """Return whether an array holds rows as wide as the vocabulary."""
        return (
            RECORDER.open
            and isinstance(a, self.mx.array)
            and a.ndim > 0
            and bool(RECORDER.vocabulary)
            and watch_losses.is_wide(a.shape[-1])
            and self.mx.issubdtype(a.dtype, self.mx.floating)
        )

    def _are_logits(self, a: Any) -> bool:
        """Return whether entries have both signs, which probabilities and their logarithms do not."""
        try:
            return bool((a.min() < 0).item()) and bool((a.max() > 0).item())
        except ValueError:
            return False
