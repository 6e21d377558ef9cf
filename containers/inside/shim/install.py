"""Put every part of the shim in place, in the one order that works."""

from __future__ import annotations

import os


def prepare() -> None:
    """Set what must be set before torch is imported."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MKL_NUM_THREADS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRITON_INTERPRET", "1")
    os.environ.setdefault("MLX_DISABLE_COMPILE", "1")


def install() -> None:
    """Import torch and dynamo, then replace what a CPU cannot answer."""
    prepare()
    import torch
    import torch._dynamo  # before the factories are replaced: it looks at them when it is imported

    torch.set_num_threads(1)
    from . import (
        amp,
        arguments,
        attention_backends,
        commands,
        compilation,
        cuda,
        devices,
        distributed,
        inference,
        kernels_triton,
        modules,
        optimizers,
    )

    parts = (
        arguments,
        devices,
        cuda,
        amp,
        attention_backends,
        compilation,
        inference,
        optimizers,
        distributed,
        modules,
    )
    for part in (*parts, kernels_triton, commands):
        part.install()
