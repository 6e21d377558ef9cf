"""Small record folders for the examples of the rules: texts of our own in the shape of real ones."""

from __future__ import annotations

import json
import math

SCRIPT = "import torch\n\n\ndef main() -> None:\n    print(torch.__version__)\n\n\nmain()\n"
VAL_TOKENS = 62_021_632
VAL_BYTES = 151_080_363.0
Files = tuple[tuple[str, str], ...]


def nats(val_bpb: float, tokens: int = VAL_TOKENS, total_bytes: float = VAL_BYTES) -> float:
    """Return the loss per token that a score implies on the canonical bytes."""
    return val_bpb * math.log(2) * total_bytes / tokens


def log(
    seed: int = 42,
    val_bpb: float = 1.2,
    *,
    stop_ms: int = 600_038,
    step: int = 13_780,
    code: int = len(SCRIPT),
    model: int = 15_800_000,
    eval_ms: int = 90_000,
    world_size: int = 8,
    cap: float = 600.0,
    shards: int = 80,
    tokens: int = VAL_TOKENS,
    loss: float | None = None,
    extra_header: str = "",
    before_final: str = "",
    gpu: str = "",
) -> str:
    """Return a log of family A with one timed step, the stop, the sizes and the final result."""
    value = nats(val_bpb) if loss is None else loss
    rows = [
        f"| 0  {gpu}   On | 00000000:19:00.0 Off |" if gpu else "",
        f"train_loader:dataset:fineweb10B_sp1024 train_shards:{shards}",
        f"val_loader:shards pattern=./data/fineweb_val_*.bin tokens:{tokens}",
        "model_params:17059912",
        f"world_size:{world_size} grad_accum_steps:1",
        f"train_batch_tokens:524288 iterations:20000 max_wallclock_seconds:{cap:.3f}",
        extra_header,
        f"seed:{seed}",
        f"step:{step - 50}/20000 train_loss:2.0000 train_time:{stop_ms - 2180}ms step_avg:43.54ms",
        f"step:{step}/20000 val_loss:{value:.4f} val_bpb:{val_bpb:.4f} train_time:{stop_ms}ms",
        f"stopping_early: wallclock_cap train_time:{stop_ms}ms step:{step}/20000",
        "peak memory allocated: 10184 MiB reserved: 10200 MiB",
        before_final,
        f"Serialized model int8+zlib: {model} bytes",
        f"Code size: {code} bytes",
        f"Total submission size int8+zlib: {model + code} bytes",
        f"final_int8_zlib_roundtrip val_loss:{value:.4f} val_bpb:{val_bpb:.4f} eval_time:{eval_ms}ms",
        f"final_int8_zlib_roundtrip_exact val_loss:{value:.8f} val_bpb:{val_bpb:.8f}",
    ]
    return "\n".join(row for row in rows if row) + "\n"


def claims(val_bpb: float = 1.2, **fields: object) -> str:
    """Return a submission.json with the fields that every entry states, and more."""
    table: dict[str, object] = {
        "author": "A. Golfer",
        "github_id": "golfer",
        "name": "Example",
        "date": "2026-04-01",
        "val_bpb": val_bpb,
    }
    return json.dumps({**table, **fields}, indent=2) + "\n"


def readme(*lines: str, command: str = "torchrun --standalone --nproc_per_node=8 train_gpt.py") -> str:
    """Return a README with a run command and further lines."""
    return "\n".join(["# Example", "", *lines, "", "```bash", command, "```", ""])


def folder(
    logs: dict[str, str] | None = None, json_text: str | None = None, readme_text: str | None = None
) -> Files:
    """Return a complete folder without its main script; each part can be replaced."""
    parts = {"README.md": readme_text or readme(), "submission.json": json_text or claims()}
    parts.update(logs if logs is not None else {"train_seed42.log": log()})
    return tuple(parts.items())
