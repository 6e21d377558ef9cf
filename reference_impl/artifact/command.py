"""`pack`: the reference as one script, and its exact bytes under each reading of the cap."""

from __future__ import annotations

import argparse
from pathlib import Path

from reference_impl.artifact.bundle import bundle
from reference_impl.artifact.container import load_artifact
from reference_impl.artifact.readings import Reading, read_code
from reference_impl.config import Config, load_config

ENTRY = "reference_impl.train.record"


def script_of(config: Config) -> str:
    """Return the flat script of a configuration."""
    return bundle([ENTRY], config, "run_record")


def shipped(readings: list[Reading]) -> Reading:
    """Return the form that the reference ships: the smallest that needs no package beyond Python."""
    return next(reading for reading in readings if reading.name == "lzma")


def main(argv: list[str]) -> int:
    """Write the script and print the counts; leave with 3 when what would be shipped is over the cap."""
    parser = argparse.ArgumentParser(prog="referee pack", description="Pack the reference and weigh it.")
    parser.add_argument("artifact", type=Path, nargs="?", help="artifact to weigh with the code")
    parser.add_argument("--preset", default="record", help="configuration when there is no artifact")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="overrides")
    parser.add_argument("--form", default="source", choices=["source", "minified", "lzma", "brotli"])
    parser.add_argument("--output", type=Path, help="write the script here, in the chosen form")
    options = parser.parse_args(argv)
    model_bytes = 0
    if options.artifact is None:
        config = load_config(options.preset, tuple(options.overrides))
    else:
        artifact = load_artifact(options.artifact)
        config, model_bytes = artifact.config, artifact.file_bytes
    readings = read_code(script_of(config))
    if options.output is not None:
        text = next(reading.text for reading in readings if reading.name == options.form)
        options.output.write_text(text, encoding="utf-8")
    print_counts(readings, model_bytes, config.quant.cap_bytes)
    return 3 if shipped(readings).code_bytes + model_bytes > config.quant.cap_bytes else 0


def print_counts(readings: list[Reading], model_bytes: int, cap_bytes: int) -> None:
    """Print one line a reading."""
    print(f"model: {model_bytes} bytes  cap: {cap_bytes} bytes (decimal megabytes)")
    for reading in readings:
        total = reading.code_bytes + model_bytes
        room = cap_bytes - total
        state = f"{room} bytes left" if room >= 0 else f"{-room} bytes over the cap"
        print(f"{reading.name:>9}: code {reading.code_bytes} + model {model_bytes} = {total} bytes, {state}")
