"""`torch.distributed` as a group of one process: every collective gives what one rank would get back.

Gloo knows no AVG and no bfloat16 reductions, NCCL needs a GPU; with one rank all reductions are the identity.
The process may also stand for rank 0 of several (`be_rank_of`): it then does its share, reductions stay the
identity, and what other ranks would have given is its own. Shapes are right then, sums are not.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.distributed as dist

from .patching import gap, put, used

PART = "distributed"
_state = {"ready": False}
_world = {"size": 1}
_IDENTITIES = (
    "all_reduce all_reduce_coalesced reduce broadcast broadcast_object_list barrier monitored_barrier"
).split()
_REFUSED = "send recv isend irecv batch_isend_irecv".split()


class Work:
    """A collective that is already over."""

    def wait(self, *_: Any) -> bool:
        """Say that it is over."""
        return True

    def is_completed(self) -> bool:
        """Say that it is over."""
        return True

    def get_future(self) -> Any:
        """Return a future that is already set."""
        future: Any = torch.futures.Future()
        future.set_result([])
        return future


def be_rank_of(size: int) -> None:
    """Make this process rank 0 of `size`."""
    used("one-rank-of-many", f"rank 0 of {size}; the others are not run")
    _world["size"] = size
    os.environ.update(WORLD_SIZE=str(size), LOCAL_WORLD_SIZE=str(size))


def _done(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Work | None:
    used(PART, "one process")
    return Work() if kwargs.get("async_op") or (args and args[-1] is True) else None


def _identity(*args: Any, **kwargs: Any) -> Work | None:
    return _done(args, kwargs)


def _gather(outputs: list[Any], tensor: Any, *args: Any, **kwargs: Any) -> Work | None:
    for output in outputs:
        output.copy_(tensor)
    return _done(args, kwargs)


def _gather_flat(output: Any, tensor: Any, *args: Any, **kwargs: Any) -> Work | None:
    times = output.numel() // max(1, tensor.numel())
    output.copy_(tensor.reshape(-1).repeat(times).reshape(output.shape))
    return _done(args, kwargs)


def _share_flat(output: Any, tensor: Any, *args: Any, **kwargs: Any) -> Work | None:
    output.copy_(tensor.reshape(-1)[: output.numel()].reshape(output.shape))
    return _done(args, kwargs)


def _gather_to(tensor: Any, gather_list: list[Any] | None = None, *args: Any, **kwargs: Any) -> Work | None:
    for output in gather_list or ():
        output.copy_(tensor)
    return _done(args, kwargs)


def _scatter(tensor: Any, scatter_list: list[Any] | None = None, *args: Any, **kwargs: Any) -> Work | None:
    if scatter_list:
        tensor.copy_(scatter_list[0])
    return _done(args, kwargs)


def _reduce_scatter(output: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> Work | None:
    output.copy_(inputs[0])
    return _done(args, kwargs)


def _all_to_all(outputs: list[Any], inputs: list[Any], *args: Any, **kwargs: Any) -> Work | None:
    for output in outputs:
        output.copy_(inputs[0])
    return _done(args, kwargs)


def _gather_object(outputs: list[Any], item: Any, *_: Any, **__: Any) -> None:
    outputs[:] = [item] * len(outputs)


def _gather_object_to(item: Any, outputs: list[Any] | None = None, *_: Any, **__: Any) -> None:
    if outputs:
        outputs[:] = [item] * len(outputs)


def _init(*_: Any, **__: Any) -> None:
    used(PART, "one process")
    _state["ready"] = True


def _destroy(*_: Any, **__: Any) -> None:
    _state["ready"] = False


def _refuse(name: str) -> Callable[..., Any]:
    def call(*_: Any, **__: Any) -> Any:
        raise gap("distributed", f"torch.distributed.{name} needs a second process")

    return call


class DataParallel(torch.nn.Module):
    """Wraps a module as `DistributedDataParallel` does, without anything to synchronise."""

    def __init__(self, module: Any, *_: Any, **__: Any) -> None:
        super().__init__()
        used("data-parallel", "one process")
        self.module = module
        self.require_backward_grad_sync = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module."""
        return self.module(*args, **kwargs)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Change nothing."""
        yield

    def register_comm_hook(self, *_: Any, **__: Any) -> None:
        """Keep no hook."""


def answers() -> dict[str, Callable[..., Any]]:
    """Return each function of `torch.distributed` as a group of one answers it."""
    found: dict[str, Callable[..., Any]] = {
        "is_available": lambda: True,
        "is_nccl_available": lambda: True,
        "is_initialized": lambda: _state["ready"],
        "is_torchelastic_launched": lambda: "LOCAL_RANK" in os.environ,
        "init_process_group": _init,
        "destroy_process_group": _destroy,
        "new_group": lambda *_, **__: None,
        "get_rank": lambda *_, **__: 0,
        "get_node_local_rank": lambda *_, **__: 0,
        "get_world_size": lambda *_, **__: _world["size"],
        "get_backend": lambda *_, **__: "nccl",
        "get_process_group_ranks": lambda *_, **__: list(range(_world["size"])),
        "all_gather": _gather,
        "all_gather_into_tensor": _gather_flat,
        "_all_gather_base": _gather_flat,
        "all_gather_single": _gather_flat,
        "all_gather_object": _gather_object,
        "gather": _gather_to,
        "gather_object": _gather_object_to,
        "scatter": _scatter,
        "scatter_object_list": lambda outputs, inputs=None, *_, **__: outputs.__setitem__(0, inputs[0]),
        "reduce_scatter": _reduce_scatter,
        "reduce_scatter_tensor": _share_flat,
        "_reduce_scatter_base": _share_flat,
        "reduce_scatter_single": _share_flat,
        "all_to_all": _all_to_all,
        "all_to_all_single": _gather_flat,
    }
    found |= dict.fromkeys(_IDENTITIES, _identity)
    return found | {name: _refuse(name) for name in _REFUSED}


def install() -> None:
    """Put the group of one in place."""
    import torch.nn.parallel

    for name, answer in answers().items():
        put(dist, name, answer)
    for owner in (torch.nn.parallel, torch.nn.parallel.distributed):
        put(owner, "DistributedDataParallel", DataParallel)
