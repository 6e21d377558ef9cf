"""Two processes over gloo train what one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from reference_impl.artifact.command import script_of  # noqa: E402
from tests.reference_impl.small import make_config, make_dataset  # noqa: E402

pytestmark = pytest.mark.torch

GROWING = {"core_start": 1, "core_end": 3, "passes": 2, "feedback_rank": 2, "residual_scale_init": 0.5}
SETTINGS = {
    "plain": make_config(train={"iterations": 6, "micro_batches": 4}),
    "growing and supervised": make_config(
        GROWING,
        train={
            "iterations": 6,
            "micro_batches": 2,
            "pass_schedule": "0.5:1,1.0:2",
            "supervised_layers": [1, 2],
            "supervision_warmup_steps": 0,
            "jacobian_weight": 0.01,
        },
    ),
}


def losses_of(folder: Path, processes: int, out: str) -> list[float]:
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    environment = {
        **os.environ,
        "DATA_PATH": str(folder),
        "TOKENIZER_PATH": str(folder / "tokenizer.model"),
        "RUN_ID": str(folder / out),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, *(launcher if processes > 1 else []), str(folder / "train_gpt.py")]
    result = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=150
    )
    assert result.returncode == 0, result.stderr[-3000:]
    lines = (folder / out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [fact for fact in map(json.loads, lines) if fact["kind"] in ("train", "validation")]
    return [fact.get("val_loss", fact.get("train_loss")) for fact in kept]


@pytest.mark.skipif(not torch.distributed.is_available(), reason="needs a torch with distributed")
@pytest.mark.parametrize("name", SETTINGS)
def test_two_processes_give_the_loss_of_one(name: str, tmp_path: Path) -> None:
    make_dataset(tmp_path)
    (tmp_path / "train_gpt.py").write_text(script_of(SETTINGS[name]), encoding="utf-8")
    one, two = losses_of(tmp_path, 1, "one"), losses_of(tmp_path, 2, "two")
    assert one == pytest.approx(two, abs=1e-4)
    assert len(one) == 7  # six steps and the validation at the end
