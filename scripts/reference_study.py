"""Measure each technique of the reference on the micro preset with three seeds.

    python scripts/reference_study.py --data DIR --out runs/study [--only NAME ...] [--seeds N ...]

Writes one JSON line a run to OUT/study.jsonl, skips what is there, and prints the table of
reference_impl/LOG.md. The data are those of the running Python; a difference below about twice its own
standard deviation says nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import replace
from pathlib import Path

import torch

from reference_impl.artifact.quantise import dequantise_state, quantise_state
from reference_impl.config import Config, QuantConfig, load_config
from reference_impl.data.dataset import Dataset, provide_dataset
from reference_impl.train.distributed import Peers
from reference_impl.train.export import calibrate
from reference_impl.train.logbook import Logbook
from reference_impl.train.loop import run_loop
from reference_impl.train.session import Session, open_session
from reference_impl.train.validate import validate

SEEDS = (1, 2, 3)
BASELINE = "baseline"
LOOP = ("model.core_start=1", "model.core_end=3")
# What is laid over the preset, by the name that the table shows.
TECHNIQUES: dict[str, tuple[str, ...]] = {
    BASELINE: (),
    "U-Net split 1/3 (#1073)": ("model.encoder_layers=1",),
    "leaky relu squared (#493)": ("model.activation=leaky_relu2",),
    "XSA, all blocks (#1019)": ("model.xsa_last=4",),
    "bigram hash, 1024 rows (#198)": ("model.bigram_buckets=1024", "model.bigram_dim=32"),
    "smear gate (#198)": ("model.smear_gate=true",),
    "value embedding, blocks 2 and 3 (#1231)": (
        "model.value_embed_layers=2,3",
        "model.value_embed_dim=32",
    ),
    "residual lanes from block 2 (#1629)": ("model.lanes_from=2",),
    "backout (#339)": ("model.backout=true",),
    "rotary, half of the dimensions": ("model.rope_dims=8",),
    "QK gain 4": ("model.qk_gain_init=4",),
    "no QK gain at the start": ("model.qk_gain_init=1",),
    "depth-scaled norm (#1231)": ("model.norm_depth_scale=true",),
    "document mask": ("model.document_mask=true",),
    "orthogonal start (#339)": ("model.orthogonal_init=true",),
    "row-normalised Muon (#1629)": ("optim.muon_row_normalise=true",),
    "EMA 0.95": ("optim.ema_decay=0.95",),
    "SWA every 5 in the warmdown": ("optim.swa_every=5",),
    "all blocks twice (#895)": ("model.core_end=4", "model.passes=2"),
    "all blocks 1, 2, 3 times, with skip (#895)": (
        "model.core_end=4",
        "model.passes=3",
        "model.repeat_skip=true",
        "train.pass_schedule=0.4:1,0.7:2,1.0:3",
    ),
    "core twice": (*LOOP, "model.passes=2"),
    "core twice, late, scaled, fed back (#1231)": (
        *LOOP,
        "model.passes=2",
        "model.residual_scale_init=0.5",
        "model.feedback_rank=2",
        "train.pass_schedule=0.7:1,1.0:2",
        "train.jacobian_weight=0.01",
    ),
    "supervision, switched, 0.1 (#1629)": (
        "train.supervised_layers=1,2",
        "train.supervision_alpha=0.1",
        "train.supervision_warmup_steps=10",
    ),
    "supervision, all, 0.1 (#1629)": (
        "train.supervised_layers=1,2",
        "train.supervision_alpha=0.1",
        "train.supervision_warmup_steps=10",
        "train.supervision_switched=false",
    ),
    "boundary loss 0.03 (#1073)": ("train.boundary_weight=0.03",),
    "late rounding at int5": ("quant.qat_below=0.3", "quant.attn_bits=5", "quant.mlp_bits=5"),
}
FIVE = QuantConfig(attn_bits=5, mlp_bits=5, embed_bits=8)
# How the baseline's weights are stored: no training of their own.
STORAGES: dict[str, QuantConfig] = {
    "int7": QuantConfig(attn_bits=7, mlp_bits=7),
    "int6": QuantConfig(attn_bits=6, mlp_bits=6),
    "int5": FIVE,
    "int5, clip search (#414)": replace(FIVE, clip_search=True),
    "int5, clip at 3 sigmas": replace(FIVE, clip_sigmas=3.0),
    "int5, GPTQ on training text": replace(FIVE, gptq=True),
    "int5, GPTQ on self-written text (#1019)": replace(FIVE, gptq=True, gptq_source="generated"),
}


def stored_bpb(session: Session, quant: QuantConfig) -> float:
    """Return bits a byte of the weights as they would be stored, and put the exact ones back."""
    exact = {name: tensor.clone() for name, tensor in session.model.state_dict().items()}
    session.config = replace(session.config, quant=quant)
    hessians = calibrate(session) if quant.gptq else None
    session.model.load_state_dict(dequantise_state(quantise_state(exact, quant, hessians)))
    score = validate(session.model, session.config, session.dataset)
    session.model.load_state_dict(exact)
    return score.val_bpb


def measure(name: str, config: Config, dataset: Dataset) -> dict[str, float]:
    """Train once and return bits a byte by the name of what is stored."""
    session = open_session(config, dataset, Peers(0, 1, torch.device("cpu")), Logbook(None))
    run_loop(session)
    session.average.apply()
    found = {name: stored_bpb(session, config.quant)}
    if name == BASELINE:
        found |= {storage: stored_bpb(session, quant) for storage, quant in STORAGES.items()}
    return found


def read_results(path: Path) -> dict[str, dict[int, float]]:
    """Return bits a byte by name and seed."""
    results: dict[str, dict[int, float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        entry = json.loads(line)
        results.setdefault(entry["name"], {})[entry["seed"]] = entry["val_bpb"]
    return results


def table(results: dict[str, dict[int, float]]) -> str:
    """Return the markdown table, differences paired by seed."""
    base = results[BASELINE]
    lines = ["| technique | val_bpb, mean of seeds | difference, mean ± sd (seeds) |", "| --- | --- | --- |"]
    for name, by_seed in results.items():
        mean = statistics.mean(by_seed.values())
        pairs = [by_seed[seed] - base[seed] for seed in by_seed if seed in base]
        spread = statistics.stdev(pairs) if len(pairs) > 1 else float("nan")
        change = "" if name == BASELINE else f"{statistics.mean(pairs):+.4f} ± {spread:.4f} ({len(pairs)})"
        lines.append(f"| {name} | {mean:.4f} | {change} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description="Measure each technique on the micro preset.")
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs/study"))
    parser.add_argument("--only", nargs="*", default=list(TECHNIQUES))
    parser.add_argument("--seeds", nargs="*", type=int, default=list(SEEDS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "study.jsonl"
    for seed in options.seeds:
        for name in options.only:
            if seed in read_results(path).get(name, {}):
                continue
            config = load_config("micro", (f"train.seed={seed}", *TECHNIQUES[name]))
            for stored, bpb in measure(name, config, provide_dataset(options.data, config)).items():
                with path.open("a", encoding="utf-8") as stream:
                    print(json.dumps({"name": stored, "seed": seed, "val_bpb": bpb}), file=stream)
    print(table(read_results(path)))


if __name__ == "__main__":
    main()
