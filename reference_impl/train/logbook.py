"""What a run says: lines in the challenge's own format, and the same facts as JSON lines.

Only the leading process writes. `train.log` holds what the terminal shows, `metrics.jsonl` one object a fact
with its kind, so that no program needs to parse prose.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Logbook:
    """The log of one run."""

    def __init__(self, folder: Path | None) -> None:
        self.text = self.facts = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.text = (folder / "train.log").open("w", encoding="utf-8")
            self.facts = (folder / "metrics.jsonl").open("w", encoding="utf-8")

    def say(self, line: str) -> None:
        """Print a line and keep it."""
        if self.text is not None:
            print(line, flush=True)
            print(line, file=self.text, flush=True)

    def note(self, kind: str, **values: Any) -> None:
        """Keep a fact for programs."""
        if self.facts is not None:
            print(json.dumps({"kind": kind, **values}), file=self.facts, flush=True)

    def train_step(self, step: int, iterations: int, loss: float, elapsed_ms: float) -> None:
        """Report a step in the baseline's words."""
        average = elapsed_ms / max(step, 1)
        self.say(
            f"step:{step}/{iterations} train_loss:{loss:.4f} "
            f"train_time:{elapsed_ms:.0f}ms step_avg:{average:.2f}ms"
        )
        self.note("train", step=step, train_loss=loss, train_ms=elapsed_ms)

    def validation(self, step: int, iterations: int, loss: float, bpb: float, elapsed_ms: float) -> None:
        """Report a validation in the baseline's words."""
        average = elapsed_ms / max(step, 1)
        self.say(
            f"step:{step}/{iterations} val_loss:{loss:.4f} val_bpb:{bpb:.4f} "
            f"train_time:{elapsed_ms:.0f}ms step_avg:{average:.2f}ms"
        )
        self.note("validation", step=step, val_loss=loss, val_bpb=bpb, train_ms=elapsed_ms)

    def close(self) -> None:
        """Close both files."""
        for stream in (self.text, self.facts):
            if stream is not None:
                stream.close()
