"""Triton kernels on the CPU: by an eager twin where there is one, else by Triton's own interpreter.

Of the configurations that an autotuner offers the first is taken. The interpreter runs each program of the
grid in turn, so it is for small shapes only.
"""

from __future__ import annotations

import inspect
from typing import Any

from . import triton_numbers, twins
from .patching import put, used

PART = "triton-interpreter"


def install() -> None:
    """Answer kernel launches."""
    try:
        from triton.runtime import autotuner
        from triton.runtime.interpreter import InterpretedFunction
    except ImportError:
        return
    triton_numbers.install()

    def tuned(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self.fn.run(*args, **kwargs, **self.configs[0].all_kwargs())

    put(autotuner.Autotuner, "run", tuned)
    real = InterpretedFunction.run

    def run(self: Any, *args: Any, grid: Any, warmup: bool = False, **kwargs: Any) -> Any:
        name = self.fn.__name__
        twin = twins.twin_of(self.fn)
        if twin is not None:
            used("triton-twin", name)
            return twin(_bound(self.fn, args, kwargs))
        used(PART, name)
        return real(self, *args, grid=grid, warmup=warmup, **kwargs)

    put(InterpretedFunction, "run", run)


def _bound(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a launch by name, defaults included, options of the launch left out."""
    signature = inspect.signature(function)
    known = {name: value for name, value in kwargs.items() if name in signature.parameters}
    bound = signature.bind(*args, **known)
    bound.apply_defaults()
    return dict(bound.arguments)
