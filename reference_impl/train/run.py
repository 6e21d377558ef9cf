"""One whole run: join, build, warm up, train, average, store, score.

Importable and testable; the command line in `command.py` only chooses its arguments.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from reference_impl.config import Config, config_to_dict
from reference_impl.data.dataset import Dataset
from reference_impl.evaluate.score import Score
from reference_impl.model.backends import choose_backend
from reference_impl.train.distributed import Peers, join_peers, leave_peers, wait_for_all
from reference_impl.train.export import export, report_memory
from reference_impl.train.logbook import Logbook
from reference_impl.train.loop import run_loop
from reference_impl.train.session import Session, open_session
from reference_impl.train.validate import validate
from reference_impl.train.warmup import warm_up

ARTIFACT_NAME = "model.rgolf"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run leaves behind; scores are those of the leading rank."""

    steps: int
    """Optimiser steps taken."""
    train_ms: float
    """Milliseconds on the training clock, calibration included."""
    artifact_path: Path
    """The artifact file."""
    artifact_bytes: int
    """Its size."""
    score: Score | None
    """Plain score of the artifact read back; None on the other ranks."""


def run_training(config: Config, dataset: Dataset, out: Path, code_bytes: int) -> RunResult:
    """Train and write log, metrics, configuration, tokenizer and artifact to `out`."""
    peers = join_peers(config.train)
    log = Logbook(out if peers.leads else None)
    try:
        attention = choose_backend(config.train.attention, peers.device.type)
        session = open_session(config, dataset, peers, log)
        report_start(session, attention)
        warm_up(session)
        end = run_loop(session)
        report_memory(session)
        report_average(session, session.average.apply())
        result = RunResult(end.steps, end.train_ms, out / ARTIFACT_NAME, 0, None)
        if peers.leads:
            result = finish(session, out, code_bytes, end.steps)
        wait_for_all()
        return result
    finally:
        log.close()
        leave_peers()


def finish(session: Session, out: Path, code_bytes: int, steps: int) -> RunResult:
    """Store and score what was trained."""
    shutil.copyfile(session.dataset.tokenizer_path, out / "tokenizer.model")
    (out / "config.json").write_text(json.dumps(config_to_dict(session.config), indent=1), encoding="utf-8")
    artifact, score = export(session, code_bytes, out / ARTIFACT_NAME)
    train_ms = session.clock.elapsed_ms()
    return RunResult(steps, train_ms, out / ARTIFACT_NAME, artifact.file_bytes, score)


def report_start(session: Session, attention: str) -> None:
    """Say what will run, so that the log explains itself."""
    config, peers, log = session.config, session.peers, session.log
    train, dataset = config.train, session.dataset
    log.say(f"Running Python {sys.version.split()[0]} PyTorch {torch.__version__} on {device_name(peers)}")
    log.say(f"config:{json.dumps(config_to_dict(config), separators=(',', ':'))}")
    log.say(f"val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path={dataset.tokenizer_path.name}")
    log.say(f"train_loader:dataset:{dataset.name} train_shards:{len(dataset.train_files)}")
    log.say(f"model_params:{sum(p.numel() for p in session.model.parameters())}")
    log.say(f"world_size:{peers.world_size} grad_accum_steps:{train.micro_batches // peers.world_size}")
    log.say(f"attention_backend:{attention} compile:{session.compiled}")
    log.say(
        f"train_batch_tokens:{train.train_batch_tokens} train_seq_len:{train.train_seq_len} "
        f"iterations:{train.iterations} warmup_steps:{train.warmup_steps} "
        f"max_wallclock_seconds:{train.max_wallclock_seconds:.3f}"
    )
    log.say(f"seed:{train.seed}")
    log.note("start", config=config_to_dict(config), world_size=peers.world_size, attention=attention)


def device_name(peers: Peers) -> str:
    """Return the name of the accelerator, or the kind of device."""
    if peers.device.type == "cuda":
        return torch.cuda.get_device_name(peers.device)
    return peers.device.type


def report_average(session: Session, kind: str) -> None:
    """Report what averaging changed, before anything is rounded."""
    if kind == "none" or not session.peers.leads:
        return
    score = validate(session.model, session.config, session.dataset)
    count = session.average.snapshots
    session.log.say(
        f"DIAGNOSTIC post_{kind} val_loss:{score.val_loss:.4f} val_bpb:{score.val_bpb:.4f} snapshots:{count}"
    )
    session.log.note("average", average=kind, snapshots=count, val_loss=score.val_loss, val_bpb=score.val_bpb)
