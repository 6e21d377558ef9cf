"""A process among its peers, and the device it computes on.

`torchrun` states rank and world size in the environment; without it there is one process. NCCL connects CUDA
devices, gloo everything else.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.distributed as dist

from reference_impl.config import ConfigError, TrainConfig


@dataclass(frozen=True, slots=True)
class Peers:
    """Where this process stands."""

    rank: int
    """Number of this process, 0 to world_size - 1."""
    world_size: int
    """Processes that train together."""
    device: torch.device
    """Where this one computes."""

    @property
    def leads(self) -> bool:
        """Whether this process logs, validates and writes."""
        return self.rank == 0


def join_peers(config: TrainConfig) -> Peers:
    """Choose the device and join the process group that the environment names."""
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    device = choose_device(config.device, int(os.environ.get("LOCAL_RANK", "0")))
    if config.micro_batches % world:
        raise ConfigError(f"train.micro_batches {config.micro_batches} is no multiple of {world} processes")
    if config.threads:
        torch.set_num_threads(config.threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    if world > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        dist.barrier()
    return Peers(rank, world, device)


def leave_peers() -> None:
    """Leave the process group, if there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()


def choose_device(wanted: str, local_rank: int) -> torch.device:
    """Return the device; `auto` prefers CUDA, then Apple's GPU, then the CPU."""
    if wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available()):
        return torch.device("cuda", local_rank)
    if wanted == "mps" or (wanted == "auto" and torch.backends.mps.is_available()):
        return torch.device("mps")
    return torch.device("cpu")


def synchronise(device: torch.device) -> None:
    """Wait for the device, so that a clock read next is true."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def compute_precision(wanted: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the number format of matrix products: bf16 on CUDA, fp32 elsewhere, unless told."""
    if wanted == "bf16" or (wanted == "auto" and device.type == "cuda"):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def any_rank(value: bool, device: torch.device) -> bool:
    """Return whether any process says so: all must stop at the same step."""
    if not dist.is_initialized():
        return value
    flag = torch.tensor(int(value), device=device)
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    return bool(flag.item())


def mean_over_ranks(value: torch.Tensor) -> torch.Tensor:
    """Return the mean of a scalar over all processes."""
    if dist.is_initialized():
        dist.all_reduce(value)
        value = value / dist.get_world_size()
    return value


def wait_for_all() -> None:
    """Wait until every process is here."""
    if dist.is_initialized():
        dist.barrier()
