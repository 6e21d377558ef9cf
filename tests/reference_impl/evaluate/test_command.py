"""The command line: what the trainer printed comes out again, and mistakes take one line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")
pytest.importorskip("sentencepiece", reason="needs the cpu extra")

import numpy as np  # noqa: E402

from reference_impl.evaluate.methods import METHODS  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.xdist_group("reference-micro")]
SMALLER = (
    "train.iterations=4",
    "model.num_layers=2",
    "model.model_dim=32",
    "data.text_characters=200000",
    "data.val_characters=6000",
)


def referee(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would."""
    entry = "import sys; sys.argv[0] = 'referee'; from harness.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", entry, *arguments], capture_output=True, text=True, timeout=170, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Return the artifact, the data directory and the log of a small run."""
    root = tmp_path_factory.mktemp("reference")
    settings = [part for item in SMALLER for part in ("--set", item)]
    out = root / "run"
    log = referee(
        "train", "--preset", "micro", "--data", str(root / "data"), "--out", str(out), *settings
    ).stdout
    return out / "model.rgolf", root / "data", log


def bpb(text: str) -> float:
    """Return the last exact score of a log."""
    return float(re.findall(r"_exact val_loss:\S+ val_bpb:(\S+)", text)[-1])


def test_evaluate_prints_what_the_trainer_printed(trained: tuple[Path, Path, str]) -> None:
    artifact, data, log = trained
    again = referee("evaluate", str(artifact), "--data", str(data)).stdout
    assert bpb(again) == pytest.approx(bpb(log), abs=1e-6)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_scores_the_whole_split(
    method: str, trained: tuple[Path, Path, str], tmp_path: Path
) -> None:
    artifact, data, _ = trained
    result, nll = tmp_path / "result.json", tmp_path / "nll.npy"
    command = ("evaluate", str(artifact), "--data", str(data), "--method", method)
    text = referee(*command, "--output", str(result), "--nll", str(nll)).stdout
    found, losses = json.loads(result.read_text()), np.load(nll)
    assert found["tokens"] == losses.size
    assert losses.dtype == np.float64
    assert found["val_loss"] == pytest.approx(losses.mean(), abs=1e-12)
    assert bpb(text) == pytest.approx(found["val_bpb"], abs=1e-8)
    assert found["conditions"].keys() == {"causal", "normalised", "score_first", "single_pass"}


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("stride=1600", "does not fit a window"),
        ("nonsense=1", "a setting is NAME=VALUE"),
        ("window=9999", "longer"),
    ],
)
def test_a_bad_setting_takes_one_line(setting: str, says: str, trained: tuple[Path, Path, str]) -> None:
    artifact, data, _ = trained
    command = ("evaluate", str(artifact), "--data", str(data), "--method", "sliding", "--set", setting)
    done = referee(*command, check=False)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_damaged_artifact_leaves_with_3(trained: tuple[Path, Path, str], tmp_path: Path) -> None:
    artifact, data, _ = trained
    broken = tmp_path / "broken.rgolf"
    broken.write_bytes(artifact.read_bytes()[:-40])
    assert referee("evaluate", str(broken), "--data", str(data), check=False).returncode == 3


def test_another_tokenizer_is_refused(trained: tuple[Path, Path, str], tmp_path: Path) -> None:
    import shutil

    artifact, data, _ = trained
    other = tmp_path / "data"
    shutil.copytree(data, other)
    for model in (other / "tokenizers").glob("*.model"):
        model.write_bytes(model.read_bytes() + b"\n\0")
    done = referee("evaluate", str(artifact), "--data", str(other), check=False)
    assert done.returncode == 2
    assert "another tokenizer" in done.stderr


def test_list_shows_every_method_and_what_it_promises() -> None:
    text = referee("evaluate", "--list").stdout
    for name, method in METHODS.items():
        assert f"\n{name}\n" in "\n" + text
        assert method.conditions.causal in text
