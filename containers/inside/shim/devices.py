"""Read every CUDA device as the CPU.

`torch.device`, factories, `.to`, `.cuda`, generators, `torch.load`.

By replacing functions, not by a `TorchFunctionMode`: a mode belongs to one thread and misses those that
fetch data.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from .patching import put, used

PART = "cuda-device"
_REAL_DEVICE = torch.device
_CPU = _REAL_DEVICE("cpu")
_FACTORIES = (
    "arange as_tensor asarray empty empty_like empty_strided eye full full_like linspace logspace ones "
    "ones_like rand rand_like randint randint_like randn randn_like randperm scalar_tensor sparse_coo_tensor "
    "tensor tril_indices triu_indices zeros zeros_like hann_window hamming_window"
).split()
_NEW = "new_empty new_full new_ones new_tensor new_zeros new_empty_strided".split()


def is_cuda(device: Any) -> bool:
    """Return whether a device argument means a GPU: "cuda", "cuda:1" or an index."""
    if isinstance(device, str):
        return device.startswith(("cuda", "xpu", "hip"))
    return isinstance(device, int) and not isinstance(device, bool)


def on_cpu(device: Any) -> Any:
    """Return the CPU for a GPU, anything else as it is."""
    if is_cuda(device):
        used(PART, "cuda is the CPU")
        return _CPU
    return device


class _DeviceType(type):
    """Makes `torch.device` still mean the real class to `isinstance`."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _REAL_DEVICE)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is cls or issubclass(subclass, _REAL_DEVICE)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        kind = args[0] if args else kwargs.get("type", kwargs.get("device"))
        if is_cuda(kind):
            return on_cpu(kind)
        return _REAL_DEVICE(*args, **kwargs)


class Device(metaclass=_DeviceType):
    """Stands in the place of `torch.device`; calling it returns a real device."""


def redirected(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the factory with its `device` argument read as the CPU."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        device = kwargs.get("device")
        if device is not None and is_cuda(device):
            kwargs["device"] = on_cpu(device)
        if kwargs.get("pin_memory"):
            kwargs["pin_memory"] = False
        return function(*args, **kwargs)

    return call


def _moved(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `Tensor.to` or `Module.to` with a GPU in its first place or by name read as the CPU."""

    @functools.wraps(function)
    def to(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and is_cuda(args[0]):
            args = (on_cpu(args[0]), *args[1:])
        if is_cuda(kwargs.get("device")):
            kwargs["device"] = on_cpu(kwargs["device"])
        return function(self, *args, **kwargs)

    return to


def _stay(self: Any, *_: Any, **__: Any) -> Any:
    used(PART, "cuda is the CPU")
    return self


def _generator(real: type) -> Callable[..., Any]:
    class _GeneratorType(type):
        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, real)

        def __call__(cls, device: Any = "cpu") -> Any:
            return real(device=on_cpu(device))

    return _GeneratorType("Generator", (), {"__doc__": "Stands in the place of `torch.Generator`."})


def _load(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def load(f: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
        if callable(map_location) or isinstance(map_location, dict):
            map_location = _CPU
        return real(f, on_cpu(map_location) or _CPU, *args, **kwargs)

    return load


def install() -> None:
    """Redirect every way to name a GPU."""
    put(torch, "device", Device)
    for name in _FACTORIES:
        put(torch, name, redirected(getattr(torch, name)))
    for name in _NEW:
        put(torch.Tensor, name, redirected(getattr(torch.Tensor, name)))
    put(torch.Tensor, "to", _moved(torch.Tensor.to))
    put(torch.nn.Module, "to", _moved(torch.nn.Module.to))
    put(torch.nn.Module, "to_empty", redirected(torch.nn.Module.to_empty))
    for owner in (torch.Tensor, torch.nn.Module):
        put(owner, "cuda", _stay)
    put(torch.Tensor, "pin_memory", _stay)
    put(torch.Tensor, "is_pinned", lambda self, *_: False)
    put(torch.Tensor, "record_stream", lambda self, *_: None)
    put(torch.Tensor, "get_device", lambda self: 0)
    put(torch, "Generator", _generator(torch.Generator))
    put(torch, "load", _load(torch.load))
    real_default = torch.set_default_device
    put(torch, "set_default_device", lambda device: real_default(on_cpu(device)))
