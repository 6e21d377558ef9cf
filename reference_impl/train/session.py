"""What one training run holds, and one step's gradients.

`forward_backward` gives the mean gradient over the whole global batch on every rank, whatever the number of
ranks: micro-batches are equal in size, DDP averages over ranks, and the sum over local ones is divided.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from reference_impl.config import Config
from reference_impl.data.dataset import Dataset
from reference_impl.data.loader import BatchLoader
from reference_impl.model.gpt import GPT
from reference_impl.optim.averaging import WeightAverage
from reference_impl.optim.build import Optimisers, build_optimisers
from reference_impl.train.clock import TrainingClock
from reference_impl.train.distributed import Peers, compute_precision
from reference_impl.train.logbook import Logbook
from reference_impl.train.supervision import Curriculum, StepPlan


@dataclass(slots=True)
class Session:
    """One run's parts."""

    config: Config
    """Every setting."""
    dataset: Dataset
    """Files that it reads."""
    peers: Peers
    """This process among others."""
    log: Logbook
    """Where it reports."""
    model: GPT
    """The network itself."""
    network: Callable[..., tuple[Tensor, Tensor]]
    """The network as it is called in training: compiled, and in DDP with several ranks."""
    compiled: bool
    """Whether calls go through torch.compile."""
    optimisers: Optimisers
    """What moves the weights."""
    average: WeightAverage
    """Running averages of the weights."""
    curriculum: Curriculum
    """What each step trains on."""
    loader: BatchLoader
    """Training tokens."""
    clock: TrainingClock
    """What the cap counts."""

    def forward_backward(self, plan: StepPlan) -> Tensor:
        """Add the gradient of one global batch and return its mean cross-entropy in nats."""
        train, device = self.config.train, self.peers.device
        local = train.micro_batches // self.peers.world_size
        weights = torch.tensor(plan.weights, device=device)
        mean = torch.zeros((), device=device)
        for micro in range(local):
            x, y = self.loader.next_batch(
                train.train_batch_tokens // train.micro_batches, train.train_seq_len
            )
            with self._gradients_stay(micro < local - 1):
                with compute_precision(train.precision, device):
                    main, loss = self.network(x, y, plan.passes, plan.supervised, weights)
                (loss / local).backward()
            mean += main.detach() / local
        return mean

    def _gradients_stay(self, local: bool) -> AbstractContextManager[Any]:
        """Keep gradients on this rank until the last micro-batch."""
        if local and isinstance(self.network, DistributedDataParallel):
            return self.network.no_sync()
        return nullcontext()

    def clear_gradients(self) -> None:
        """Drop every gradient."""
        for optimiser in self.optimisers.each():
            optimiser.zero_grad(set_to_none=True)

    def rewind(self) -> None:
        """Put the loader back to the first token."""
        self.loader = open_loader(self.dataset, self.peers)


def open_loader(dataset: Dataset, peers: Peers) -> BatchLoader:
    """Return this rank's loader at the first token."""
    return BatchLoader(dataset.train_files, peers.rank, peers.world_size, peers.device)


def open_session(config: Config, dataset: Dataset, peers: Peers, log: Logbook) -> Session:
    """Build everything that a run needs; weights depend on the seed alone."""
    torch.manual_seed(config.train.seed)
    model = GPT(config.model).to(peers.device)
    compiled = config.train.compile == "on" or (
        config.train.compile == "auto" and peers.device.type == "cuda"
    )
    return Session(
        config,
        dataset,
        peers,
        log,
        model,
        wrap_network(model, compiled, peers, config),
        compiled,
        build_optimisers(model, config.optim),
        WeightAverage(model, config.optim),
        Curriculum(config),
        open_loader(dataset, peers),
        TrainingClock(peers.device),
    )


def wrap_network(model: GPT, compiled: bool, peers: Peers, config: Config) -> Callable[..., Any]:
    """Return the network as training calls it."""
    network: Any = torch.compile(model, dynamic=False) if compiled else model
    if peers.world_size == 1:
        return network
    ids = [peers.device.index] if peers.device.type == "cuda" else None
    # What belongs to later passes has no gradient while there are fewer.
    growing = config.model.recurrent and bool(config.train.pass_schedule)
    return DistributedDataParallel(
        network, device_ids=ids, broadcast_buffers=False, find_unused_parameters=growing
    )
