"""Triton kernels on the CPU: by Triton's own interpreter, one configuration tried of those offered.

The interpreter runs each program of the grid in turn, so it is for small shapes only; kernels that scripts
launch a thousand times a step have eager twins (`twins.py`).
"""

from __future__ import annotations

from typing import Any

from .patching import put, used

PART = "triton"


def install() -> None:
    """Make Triton pick its first configuration instead of measuring on a GPU."""
    try:
        from triton.runtime import autotuner
        from triton.runtime.interpreter import InterpretedFunction
    except ImportError:
        return

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        config = self.configs[0]
        used(PART, "interpreter")
        return self.fn.run(*args, **kwargs, **config.all_kwargs())

    put(autotuner.Autotuner, "run", run)
    real = InterpretedFunction.run

    def interpreted(self: Any, *args: Any, **kwargs: Any) -> Any:
        used(PART, "interpreter")
        return real(self, *args, **kwargs)

    put(InterpretedFunction, "run", interpreted)
