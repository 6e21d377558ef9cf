"""`download`: the challenge's published shards, when asked for."""

from __future__ import annotations

import argparse
from pathlib import Path

from reference_impl.data.download import download


def main(argv: list[str]) -> int:
    """Fetch a tokenisation."""
    parser = argparse.ArgumentParser(prog="python -m reference_impl download", description=__doc__)
    parser.add_argument("source", choices=["sp1024", "sp4096", "sp8192"])
    parser.add_argument("--data", type=Path, default=Path("data"), help="data directory")
    parser.add_argument("--train-shards", type=int, default=80, metavar="N")
    options = parser.parse_args(argv)
    count = download(options.source, options.data, options.train_shards)
    print(f"{count} files under {options.data}")
    return 0
