"""`evaluate`: score an artifact on the whole validation split by one of the methods.

Promises the number that the trainer printed for `plain`, bit for bit on a CPU, and that the tokenizer is the
one that the artifact was trained with. Options of a method are `--set NAME=VALUE`; `--list` shows them with
its conditions.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import torch

from reference_impl.artifact.container import Artifact, load_artifact
from reference_impl.config import ConfigError, convert
from reference_impl.data.dataset import Dataset, provide_dataset
from reference_impl.data.shards import read_tokens
from reference_impl.evaluate.byte_table import read_byte_table
from reference_impl.evaluate.methods import METHODS, Method, evaluate
from reference_impl.evaluate.score import Score


def main(argv: list[str]) -> int:
    """Score an artifact and print the result."""
    options = _read(argv)
    if options.list:
        print("\n\n".join(describe(name, method) for name, method in METHODS.items()))
        return 0
    if options.artifact is None:
        raise ConfigError("evaluate needs an artifact, or --list")
    artifact = load_artifact(options.artifact)
    dataset = provide_dataset(options.data, artifact.config)
    check_tokenizer(artifact, dataset)
    method = METHODS[options.method]
    settings = settings_of(method, artifact, options.overrides)
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    tokens = read_tokens(dataset.val_files)
    table = read_byte_table(dataset.tokenizer_path, artifact.config.model.vocab_size)
    began = time.perf_counter()
    with torch.autocast(device, torch.bfloat16, enabled=options.precision == "bf16"):
        score = evaluate(artifact.model.to(device), tokens, table, settings, keep_nll=options.nll is not None)
    seconds = time.perf_counter() - began
    print(f"evaluate method:{options.method} settings:{json.dumps(asdict(settings))} device:{device}")
    print(log_line(options.method, score, seconds))
    if score.nll is not None:
        np.save(options.nll, score.nll.numpy())
    if options.output is not None:
        options.output.write_text(json.dumps(record(options, settings, score, seconds), indent=1) + "\n")
    return 0


def _read(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="referee evaluate", description="Score an artifact.")
    parser.add_argument("artifact", type=Path, nargs="?", help="artifact that `referee train` wrote")
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="data directory, as for `referee train`"
    )
    parser.add_argument("--method", choices=sorted(METHODS), default="plain")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="overrides")
    parser.add_argument("--nll", type=Path, metavar="FILE.npy", help="write the loss of every token, float64")
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="write the result as JSON too")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: cuda where there is one")
    parser.add_argument("--precision", choices=["bf16", "fp32"], help="on a CPU; default: fp32")
    parser.add_argument("--list", action="store_true", help="show methods, settings and conditions")
    return parser.parse_args(argv)


def check_tokenizer(artifact: Artifact, dataset: Dataset) -> None:
    """Raise ConfigError where the tokenizer is another than the artifact's: its bytes would be miscounted."""
    if artifact.tokenizer != dataset.tokenizer_sha256:
        raise ConfigError(f"the artifact was trained with another tokenizer than {dataset.tokenizer_path}")


def settings_of(method: Method, artifact: Artifact, overrides: list[str]) -> Any:
    """Return a method's settings: windows and batches as in training, then what was asked for."""
    train = artifact.config.train
    known = {item.name for item in fields(method.settings)}
    hints = get_type_hints(method.settings)
    values: dict[str, Any] = {"window": train.train_seq_len, "batch_tokens": train.val_batch_tokens}
    values = {name: value for name, value in values.items() if name in known}
    for override in overrides:
        name, separator, text = override.partition("=")
        if not separator or name not in known:
            raise ConfigError(
                f"a setting is NAME=VALUE with one of {', '.join(sorted(known))}, not {override!r}"
            )
        values[name] = convert(name, text, hints[name])
    settings = replace(method.settings(), **values)
    longest = artifact.config.model.max_seq_len
    if settings.window > longest:
        raise ConfigError(f"a window of {settings.window} is longer than the model's {longest}")
    # Defaults fit the challenge's windows; what a shorter one scores is at most all of it.
    scored = "stride" if "stride" in known else "chunk_tokens" if "chunk_tokens" in known else None
    if scored is not None and scored not in values:
        settings = replace(settings, **{scored: min(getattr(settings, scored), settings.window)})
    return settings


def log_line(method: str, score: Score, seconds: float) -> str:
    """Return the result as a line of the challenge's format."""
    label = f"final_{method.replace('-', '_')}_exact"
    return (
        f"{label} val_loss:{score.val_loss:.8f} val_bpb:{score.val_bpb:.8f} "
        f"tokens:{score.tokens} bytes:{score.bytes} eval_time:{1000.0 * seconds:.0f}ms"
    )


def record(options: argparse.Namespace, settings: Any, score: Score, seconds: float) -> dict[str, Any]:
    """Return the result as plain values."""
    return {
        "schema": "reference-evaluation/1",
        "artifact": options.artifact.name,
        "method": options.method,
        "settings": asdict(settings),
        "conditions": asdict(METHODS[options.method].conditions),
        "val_loss": score.val_loss,
        "val_bpb": score.val_bpb,
        "tokens": score.tokens,
        "bytes": score.bytes,
        "eval_seconds": seconds,
    }


def describe(name: str, method: Method) -> str:
    """Return a method's settings and conditions in words."""
    settings = ", ".join(f"{item.name}={item.default}" for item in fields(method.settings))
    conditions = asdict(method.conditions)
    return "\n".join(
        [name, f"  settings: {settings}", *(f"  {key}: {text}" for key, text in conditions.items())]
    )
