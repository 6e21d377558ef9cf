"""What every stage does in its child: enter the workplace, set scale and seed, watch, and run the script."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import attempts, scale
from ..data.layout import Layout
from ..job import Job
from ..scale_table import Group
from ..shim import clock, commands, distributed, version
from ..source import children, loader
from . import evaluations
from .workplace import repository_of

ALL = frozenset(Group)
FULL_SIZE = frozenset({Group.STEPS, Group.PATHS})


class Session:
    """One run of the script in this process."""

    def __init__(self, job: Job, root: Path, groups: frozenset[Group], ranks: int = 1) -> None:
        self.job = job
        self.ranks = ranks
        self.root = root
        self.script = root / job.script
        self.layout = Layout(root, repository_of(root))
        self.groups = groups

    def begin(self) -> None:
        """Prepare this process."""
        from . import workplace

        workplace.enter(self.root, self.job)
        if self.ranks > 1:
            distributed.be_rank_of(self.ranks)
        commands.write(os.path.join(os.environ["REFEREE_SCRATCH"], "bin"))
        self._learn()
        scale.SCALE.groups = self.groups
        scale.SCALE.place = self.layout
        random.seed(self.job.seed)
        np.random.seed(self.job.seed % 2**32)
        torch.manual_seed(self.job.seed)
        sys.argv = [str(self.script), *self.job.argv]
        sys.path.insert(0, str(self.script.parent))
        loader.install(
            {
                "__referee_scale__": scale.SCALE,
                "__referee_is_cuda__": lambda kind: kind in ("cuda", "cpu"),
                "__referee_on_cuda__": lambda tensor: bool(getattr(tensor, "is_cpu", True)),
                "__referee_evaluates__": evaluations.watched,
                "print": evaluations.printing,
            }
        )
        children.install()
        if self.job.virtual_clock:
            clock.install()
        attempts.watch()

    def run(self, module: str) -> Any:
        """Run the script under a module name; return the module."""
        return loader.run_script(str(self.script), module)

    def _learn(self) -> None:
        size = dict(self.job.env).get("VOCAB_SIZE", "")
        if size.isdigit():
            self.layout.size, self.layout.size_is_known = int(size), True
        version.ask(self.job.env)
        loader.LISTENERS += [self.layout.learn, attempts.read_source, version.learn]


def code_bytes(path: Path) -> int:
    """Return the size of the script as handed in."""
    return os.path.getsize(path)
