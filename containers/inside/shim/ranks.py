"""`torch.distributed` as a group of real processes on this machine, whatever backend a script names.

Gloo carries bytes between them over the loopback; what a collective makes of them is computed here, by every
rank in the order of the ranks. So reductions that gloo does not know (averages, bfloat16) are there too, and
two runs of one script reduce alike to the bit. Promises no sends between two ranks.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import reduce
from typing import Any

import torch
import torch.distributed as dist

from . import distributed
from .patching import constant, put, used

PART = "ranks"
TIMEOUT = timedelta(seconds=120)
"""How long a rank waits for another; one that has ended is noticed at once."""
_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "SUM": torch.add,
    "AVG": torch.add,
    "PRODUCT": torch.mul,
    "MAX": torch.maximum,
    "MIN": torch.minimum,
    "BAND": torch.bitwise_and,
    "BOR": torch.bitwise_or,
}


class RanksDisagreeError(RuntimeError):
    """The ranks have come to different collectives."""


class Alone:
    """A group that this process shares with no other."""

    def __init__(self, ranks: list[int]) -> None:
        self.ranks = ranks


class Ranks:
    """The place of this process among the others."""

    def __init__(self, rank: int, size: int, store: str) -> None:
        self.rank = rank
        self.size = size
        self.store = store
        self._group: Any = None

    def join(self) -> None:
        """Wait for the others, once."""
        if self._group is None:
            options = dist.ProcessGroupGloo._Options()  # type: ignore[attr-defined]
            options._timeout = TIMEOUT
            options._devices = [dist.ProcessGroupGloo.create_device(hostname="127.0.0.1")]
            store = torch._C._distributed_c10d.FileStore(self.store, self.size)
            self._group = dist.ProcessGroupGloo(store, self.rank, self.size, options)

    def exchange(self, what: str, tensor: Any) -> list[Any]:
        """Return what each rank has given, flat, in the order of the ranks."""
        own = tensor.detach().contiguous().reshape(-1)
        raw = own.view(torch.uint8) if own.numel() else torch.zeros(0, dtype=torch.uint8)
        heads = self._gathered(torch.tensor([zlib.crc32(what.encode()), raw.numel()]))
        sizes = [int(head[1]) for head in heads]
        if any(int(head[0]) != int(heads[0][0]) for head in heads):
            raise RanksDisagreeError(f"{what} here, something else on another rank")
        padded = torch.zeros(max(1, *sizes), dtype=torch.uint8)
        padded[: raw.numel()] = raw
        got = self._gathered(padded)
        return [part[:size].clone().view(own.dtype) for part, size in zip(got, sizes, strict=True)]

    def objects(self, what: str, item: Any) -> list[Any]:
        """Return what each rank has given, for anything that can be pickled."""
        data = torch.frombuffer(bytearray(pickle.dumps(item)), dtype=torch.uint8)
        return [pickle.loads(part.numpy().tobytes()) for part in self.exchange(what, data)]

    def _gathered(self, tensor: Any) -> list[Any]:
        self.join()
        with torch.inference_mode(False):
            made = [torch.empty_like(tensor) for _ in range(self.size)]
            self._group.allgather([made], [tensor.clone()]).wait()
        return made


def _reduced(parts: list[Any], op: Any) -> Any:
    name = next((name for name in _OPERATIONS if op == getattr(dist.ReduceOp, name)), "SUM")
    total = reduce(_OPERATIONS[name], parts)
    return total / len(parts) if name == "AVG" else total


def _put(target: Any, flat: Any) -> None:
    target.data.copy_(flat.reshape(target.shape))


class Collectives:
    """What each collective makes of what the ranks give."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks

    def all_reduce(self, tensor: Any, op: Any = dist.ReduceOp.SUM, *_: Any, **__: Any) -> None:
        """Leave the reduction on every rank."""
        _put(tensor, _reduced(self.ranks.exchange("all_reduce", tensor), op))

    def all_reduce_coalesced(
        self, tensors: list[Any], op: Any = dist.ReduceOp.SUM, *_: Any, **__: Any
    ) -> None:
        """Leave the reduction of each on every rank."""
        for tensor in tensors:
            self.all_reduce(tensor, op)

    def reduce(self, tensor: Any, dst: int = 0, op: Any = dist.ReduceOp.SUM, *_: Any, **__: Any) -> None:
        """Leave the reduction on one rank."""
        made = _reduced(self.ranks.exchange("reduce", tensor), op)
        if self.ranks.rank == dst:
            _put(tensor, made)

    def broadcast(self, tensor: Any, src: int = 0, *_: Any, **__: Any) -> None:
        """Leave one rank's on every rank."""
        _put(tensor, self.ranks.exchange("broadcast", tensor)[src or 0])

    def broadcast_object_list(self, items: list[Any], src: int = 0, *_: Any, **__: Any) -> None:
        """Leave one rank's on every rank."""
        items[:] = self.ranks.objects("broadcast_object_list", list(items))[src or 0]

    def barrier(self, *_: Any, **__: Any) -> None:
        """Wait until all are here."""
        self.ranks.exchange("barrier", torch.zeros(0))

    def all_gather(self, outputs: list[Any], tensor: Any, *_: Any, **__: Any) -> None:
        """Leave everybody's on every rank."""
        for output, part in zip(outputs, self.ranks.exchange("all_gather", tensor), strict=True):
            _put(output, part)

    def all_gather_flat(self, output: Any, tensor: Any, *_: Any, **__: Any) -> None:
        """Leave everybody's on every rank, one after the other."""
        _put(output, torch.cat(self.ranks.exchange("all_gather_flat", tensor)))

    def all_gather_object(self, outputs: list[Any], item: Any, *_: Any, **__: Any) -> None:
        """Leave everybody's on every rank."""
        outputs[:] = self.ranks.objects("all_gather_object", item)

    def gather(self, tensor: Any, gather_list: Any = None, *_: Any, **__: Any) -> None:
        """Leave everybody's on the rank that has room for it."""
        parts = self.ranks.exchange("gather", tensor)
        for output, part in zip(gather_list or (), parts, strict=False):
            _put(output, part)

    def gather_object(self, item: Any, outputs: Any = None, *_: Any, **__: Any) -> None:
        """Leave everybody's on the rank that has room for it."""
        found = self.ranks.objects("gather_object", item)
        if outputs:
            outputs[:] = found

    def scatter(self, tensor: Any, scatter_list: Any = None, src: int = 0, *_: Any, **__: Any) -> None:
        """Leave to each rank its part of what one has."""
        given = [part.detach() for part in scatter_list or ()]
        _put(tensor, self.ranks.objects("scatter", given)[src or 0][self.ranks.rank])

    def scatter_object_list(self, outputs: Any, inputs: Any = None, src: int = 0, *_: Any, **__: Any) -> None:
        """Leave to each rank its part of what one has."""
        outputs[0] = self.ranks.objects("scatter_object_list", inputs)[src or 0][self.ranks.rank]

    def reduce_scatter(
        self, output: Any, inputs: list[Any], op: Any = dist.ReduceOp.SUM, *_: Any, **__: Any
    ) -> None:
        """Leave to each rank its part of the reduction."""
        self.reduce_scatter_flat(output, torch.cat([part.detach().reshape(-1) for part in inputs]), op)

    def reduce_scatter_flat(
        self, output: Any, tensor: Any, op: Any = dist.ReduceOp.SUM, *_: Any, **__: Any
    ) -> None:
        """Leave to each rank its part of the reduction."""
        made = _reduced(self.ranks.exchange("reduce_scatter", tensor), op)
        _put(output, made.chunk(self.ranks.size)[self.ranks.rank])

    def all_to_all(self, outputs: list[Any], inputs: list[Any], *_: Any, **__: Any) -> None:
        """Leave to each rank what every other has for it."""
        given = self.ranks.objects("all_to_all", [part.detach() for part in inputs])
        for output, parts in zip(outputs, given, strict=True):
            _put(output, parts[self.ranks.rank])

    def all_to_all_single(self, output: Any, tensor: Any, *_: Any, **__: Any) -> None:
        """Leave to each rank what every other has for it."""
        parts = self.ranks.exchange("all_to_all_single", tensor)
        _put(output, torch.cat([part.chunk(self.ranks.size)[self.ranks.rank] for part in parts]))


_ALIASES = {
    "monitored_barrier": "barrier",
    "all_gather_into_tensor": "all_gather_flat",
    "_all_gather_base": "all_gather_flat",
    "all_gather_single": "all_gather_flat",
    "reduce_scatter_tensor": "reduce_scatter_flat",
    "_reduce_scatter_base": "reduce_scatter_flat",
    "reduce_scatter_single": "reduce_scatter_flat",
}


def _group_in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Alone | None:
    return next((item for item in (*args, *kwargs.values()) if isinstance(item, Alone)), None)


def _answered(collective: Callable[..., None], alone: Callable[..., Any]) -> Callable[..., Any]:
    """Return a collective as scripts call it: by itself in a group of one, else with the others."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if _group_in(args, kwargs) is not None:
            return alone(*args, **kwargs)
        used(PART, "joined by gloo")
        with torch.no_grad():
            collective(*args, **kwargs)
        is_async = kwargs.get("async_op") or (args and args[-1] is True)
        return distributed.Work() if is_async else None

    return call


class DataParallel(distributed.DataParallel):
    """Wraps a module as `DistributedDataParallel` does: after a backward pass gradients are averages."""

    def __init__(self, module: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(module, *args, **kwargs)
        self._waits = False
        self._learnt = [weight for weight in module.parameters() if weight.requires_grad]
        for state in (*module.parameters(), *module.buffers()):
            dist.broadcast(state, 0)
        for weight in self._learnt:
            weight.register_post_accumulate_grad_hook(self._arrived)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Keep gradients to this rank."""
        kept, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = kept

    def _arrived(self, _: Any) -> None:
        if self.require_backward_grad_sync and not self._waits:
            self._waits = True
            torch.autograd.Variable._execution_engine.queue_callback(self._average)

    def _average(self) -> None:
        self._waits = False
        for weight in self._learnt:
            grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
            dist.all_reduce(grad, dist.ReduceOp.AVG)


def join(rank: int, size: int, store: str) -> None:
    """Make this process one of several, which find each other by a file."""
    ranks = Ranks(rank, size, store)
    collectives = Collectives(ranks)
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(size), LOCAL_WORLD_SIZE=str(size),
        MASTER_ADDR="127.0.0.1", MASTER_PORT="29500",
    )  # fmt: skip
    single = distributed.answers()
    for name in (*(n for n in vars(Collectives) if n in single), *_ALIASES):
        answer = getattr(collectives, _ALIASES.get(name, name))
        put(dist, name, _answered(answer, single[name]))
    for name, answer in _places(ranks).items():
        put(dist, name, answer)
    for owner in (torch.nn.parallel, torch.nn.parallel.distributed):
        put(owner, "DistributedDataParallel", DataParallel)
    put(torch.cuda, "device_count", constant("cuda-api", size))


def _places(ranks: Ranks) -> dict[str, Callable[..., Any]]:
    """Return who is where in which group."""

    def new_group(members: Any = None, *_: Any, **__: Any) -> Alone | None:
        listed = list(range(ranks.size)) if members is None else [int(member) for member in members]
        return None if len(listed) >= ranks.size else Alone(listed)

    def rank_in(*args: Any, **kwargs: Any) -> int:
        group = _group_in(args, kwargs)
        if group is None:
            return ranks.rank
        return group.ranks.index(ranks.rank) if ranks.rank in group.ranks else -1

    def size_of(*args: Any, **kwargs: Any) -> int:
        group = _group_in(args, kwargs)
        return ranks.size if group is None else len(group.ranks)

    return {
        "new_group": new_group,
        "get_rank": rank_in,
        "get_node_local_rank": lambda *_, **__: ranks.rank,
        "get_world_size": size_of,
        "get_process_group_ranks": lambda *_, **__: list(range(ranks.size)),
    }
