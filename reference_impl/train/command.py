"""`train`: choose a preset, make or find the data, run."""

from __future__ import annotations

import argparse
from pathlib import Path

from reference_impl.artifact.command import script_of, shipped
from reference_impl.artifact.readings import read_code
from reference_impl.config import Config, load_config
from reference_impl.data.dataset import Dataset, provide_dataset
from reference_impl.train.run import run_training


def main(argv: list[str]) -> int:
    """Train and print where the artifact lies."""
    parser = argparse.ArgumentParser(prog="referee train", description="Train the reference.")
    parser.add_argument("--preset", default="tiny", help="name of a preset, or a TOML file")
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="data directory, made when it is missing"
    )
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/reference/PRESET)")
    parser.add_argument("--seed", type=int, help="seed of weights")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="overrides")
    options = parser.parse_args(argv)
    overrides = list(options.overrides) + ([] if options.seed is None else [f"train.seed={options.seed}"])
    config = load_config(options.preset, tuple(overrides))
    out = options.out or Path("runs") / "reference" / Path(options.preset).stem
    result = run_training(config, data_of(options.data, config), out, code_bytes(config))
    if result.score is not None:
        print(f"artifact: {result.artifact_path}")
    return 0


def data_of(root: Path, config: Config) -> Dataset:
    """Return the data of a run."""
    return provide_dataset(root, config)


def code_bytes(config: Config) -> int:
    """Return the bytes of the script that would be shipped."""
    return shipped(read_code(script_of(config))).code_bytes
