"""Records a run that prints without end, and says how much memory that took.

    python -m tests.harness.replay.flood --mebibytes 3072

A process of its own, so that what is measured is the recording and nothing else.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from audits.challenges import load_challenge
from harness.replay.recording import Recording
from harness.replay.statements import Dialect
from harness.replay.watch import Watcher
from tests.harness.replay.own_process import CAPS, OwnProcess

NO_CAPS: Final = replace(
    CAPS, train_seconds=None, eval_seconds=None, setup_seconds=86_400.0, silence_seconds=86_400.0
)
PRINTER: Final = """
import sys
lines = []
for step in range(1, 2001):
    lines.append(f"step:{step}/9999999 train_loss:{9 - step / 300:.4f} train_time:{step}ms\\n")
    for rank in range(8):
        lines.append(f"[rank{rank}] W1125 grad norm {step * rank / 7:.6f} lr 0.0004 mem 61.2GiB\\n")
    if step % 100 == 0:
        lines.append(f"step:{step}/9999999 val_loss:4.1234 val_bpb:2.2345 train_time:{step}ms\\n")
lines.append("x" * 200_000 + "\\n")
block = "".join(lines).encode()
left = int(sys.argv[1]) << 20
while left > 0:
    left -= sys.stdout.buffer.write(block)
print("final val_loss:4.00000000 val_bpb:2.12345678", flush=True)
"""


def main() -> None:
    """Run it and print one JSON object."""
    parser = argparse.ArgumentParser(description="Record a flood of output.")
    parser.add_argument("--mebibytes", type=int, default=64)
    asked = parser.parse_args().mebibytes
    with tempfile.TemporaryDirectory(prefix="referee-flood-") as name:
        folder = Path(name)
        recording = Recording(folder, Dialect(load_challenge("parameter_golf")), 4 << 30)
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        watched = Watcher(OwnProcess(PRINTER, folder, str(asked)), recording, NO_CAPS, began).watch()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        said = {
            "printed_bytes": recording.output_bytes,
            "exit": watched.exit.code,
            "last_val_bpb": watched.tracker.spans[-1].val_bpb,
            "rss_before_mib": before / 1024,
            "rss_peak_mib": after / 1024,
            "seconds": time.monotonic() - began,
            "processor_seconds": time.process_time(),
            "kept_bytes": {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()},
        }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
