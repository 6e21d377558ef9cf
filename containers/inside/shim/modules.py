"""Packages that need a GPU to be built, answered by our own functions when a script imports them.

A package that is known to need a GPU and has no answer here is reported as a gap when it is imported, and
looks missing to the script, which may have a fallback of its own.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

from . import attention, delta, scans
from .patching import gap, used

Fill = Callable[[types.ModuleType], None]
GPU_ONLY = frozenset(
    "apex bitsandbytes cupy cutlass deep_gemm flashinfer hopper_extensions "
    "megablocks natten pynvml sageattention tilelang transformer_engine xformers".split()
)
"""Top-level names that only exist where there is a GPU."""


def _flash(module: types.ModuleType) -> None:
    module.__dict__.update(attention.FUNCTIONS, __version__="3.0.0")


def _scans(module: types.ModuleType) -> None:
    """Give the scans, and call everything else that is asked for a gap."""

    def missing(name: str) -> Any:
        if not name.startswith("__"):
            gap("module", f"{module.__name__}.{name}")
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    module.__dict__.update(
        selective_scan_fn=scans.selective_scan_fn,
        mamba_chunk_scan_combined=scans.mamba_chunk_scan_combined,
        causal_conv1d_fn=scans.causal_conv1d_fn,
        __version__="2.0.0",
        __getattr__=missing,
    )


def _delta_rule(module: types.ModuleType) -> None:
    module.__dict__.update(
        chunk_gated_delta_rule=delta.gated_delta_rule,
        fused_recurrent_gated_delta_rule=delta.gated_delta_rule,
        naive_recurrent_gated_delta_rule=delta.gated_delta_rule,
        naive_chunk_gated_delta_rule=delta.gated_delta_rule,
    )


def _delta_layers(module: types.ModuleType) -> None:
    """Give the one layer, and others that can be imported beside it."""
    others = "GatedDeltaProduct DeltaNet Mamba2 RWKV7Attention GatedLinearAttention".split()
    module.__dict__.update({name: delta.missing_layer(name) for name in others})
    module.__dict__.update(GatedDeltaNet=delta.GatedDeltaNet)


def _empty(module: types.ModuleType) -> None:
    module.__dict__.update(__version__="0.4.0")


def _window_toolkit(module: types.ModuleType) -> None:
    """Give the constants that editors import by mistake; there is no window here."""
    module.__dict__.update(EXCEPTION=8, READABLE=2, WRITABLE=4, END="end", NO=False, YES=True, X="x", Y="y")


ANSWERS: dict[str, Fill] = {
    "tkinter": _window_toolkit,
    "causal_conv1d": _scans,
    "mamba_ssm": _scans,
    "mamba_ssm.ops": _scans,
    "mamba_ssm.ops.selective_scan_interface": _scans,
    "mamba_ssm.ops.triton": _scans,
    "mamba_ssm.ops.triton.ssd_combined": _scans,
    "fla": _empty,
    "fla.layers": _delta_layers,
    "fla.layers.gated_deltanet": _delta_layers,
    "fla.ops": _empty,
    "fla.ops.gated_delta_rule": _delta_rule,
    "fla.ops.gated_delta_rule.chunk": _delta_rule,
    "fla.ops.gated_delta_rule.naive": _delta_rule,
    "flash_attn": _flash,
    "flash_attn.flash_attn_interface": _flash,
    "flash_attn.cute": _flash,
    "flash_attn.cute.interface": _flash,
    "flash_attn_interface": _flash,
    "flash_attn_3": _flash,
    "flash_attn_3.flash_attn_interface": _flash,
    "hopper": _flash,
    "hopper.flash_attn_interface": _flash,
}
"""Module name to what fills it; packages list their submodules."""


_IF_MISSING = frozenset({"tkinter"})
"""Answered only where the image has no package of that name."""


class Finder:
    """Finds the modules above before the path is searched."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return where our answer comes from, or None."""
        if name in ANSWERS and not (name in _IF_MISSING and importlib.machinery.PathFinder.find_spec(name)):
            package = any(other.startswith(name + ".") for other in ANSWERS)
            return importlib.machinery.ModuleSpec(name, self, is_package=package)  # type: ignore[arg-type]
        if name.startswith(("mamba_ssm.", "causal_conv1d.", "fla.")):
            gap("module", name)
        if name in GPU_ONLY and importlib.machinery.PathFinder.find_spec(name) is None:
            gap("module", f"{name} needs a GPU")
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        """Leave making the module to Python."""
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        """Fill the module."""
        used(module.__name__, "imported")
        ANSWERS[module.__name__](module)


def _get_kernel(real: Callable[..., Any] | None) -> Callable[..., Any]:
    def get_kernel(name: str, *args: Any, **kwargs: Any) -> Any:
        if "flash" in name.lower():
            used("kernels", name)
            module = types.ModuleType(name.rsplit("/", 1)[-1].replace("-", "_"))
            _flash(module)
            module.__dict__["flash_attn_interface"] = module
            return module
        raise gap("kernels", f"kernel {name} is fetched from a hub")

    return get_kernel


class _KernelsHook:
    """Patches `kernels.get_kernel` after the real package has been imported."""

    busy = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "kernels" or self.busy:
            return None
        self.busy = True
        try:
            found = importlib.util.find_spec(name)
        finally:
            self.busy = False
        if found is None or found.loader is None:
            module = types.ModuleType(name)
            module.__dict__.update(get_kernel=_get_kernel(None))
            sys.modules[name] = module
            return importlib.machinery.ModuleSpec(name, None)
        loader: Any = found.loader
        real = loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            real(module)
            module.__dict__["get_kernel"] = _get_kernel(module.__dict__.get("get_kernel"))

        loader.exec_module = exec_module
        return found


def install() -> None:
    """Put the finders first."""
    sys.meta_path.insert(0, Finder())
    sys.meta_path.insert(0, _KernelsHook())
