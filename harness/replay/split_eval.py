"""Score again in a second box that sees the code, the artifact, the tokenizer and the validation shards only.

A script may open training shards at start without using them. So a run that fails for want of them is given
decoys of the same names, drawn at random: a score that then comes out the same owes them nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.replay.interval import NOTHING
from harness.replay.measurement import SplitEvaluation
from harness.replay.preflight.shards import MAGIC, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.replay.measurement import SeedMeasurement
    from harness.replay.seed_run import SeedRun, Setting

DECOY_TOKENS: Final = 1 << 20
DECOYS: Final = 2


def split_evaluation(
    first: SeedMeasurement,
    artifact: Path,
    data: Path,
    switch: tuple[tuple[str, str], ...],
    again: Callable[[Setting, str], tuple[SeedRun, SeedMeasurement]],
) -> SplitEvaluation:
    """Return the score from the artifact alone. `again` runs and measures in a setting, under a name."""
    from harness.replay.seed_run import Setting

    if first.artifact.model_path is None:
        return SplitEvaluation(None, NOTHING, "the run wrote no artifact")
    files = ((first.artifact.model_path, artifact),)
    bare = _tried(Setting(data_without_training(data), switch, files), "split", again)
    if bare.val_bpb is not None:
        return bare
    decoyed = _tried(Setting(data_without_training(data, decoys=True), switch, files), "split-decoys", again)
    return decoyed if decoyed.val_bpb is not None else bare


def _tried(
    setting: Setting, name: str, again: Callable[[Setting, str], tuple[SeedRun, SeedMeasurement]]
) -> SplitEvaluation:
    """Return the score of one try, or why there is none."""
    from harness.replay.seed_run import discard

    try:
        run, measured = again(setting, name)
    finally:
        if setting.data is not None:
            shutil.rmtree(setting.data, ignore_errors=True)
    discard(run)
    if measured.score is not None and measured.fault is None:
        return SplitEvaluation(measured.score.val_bpb, measured.evaluation or NOTHING)
    why = measured.fault_evidence or (measured.breach.why if measured.breach else "it printed no result")
    return SplitEvaluation(None, NOTHING, why)


def data_without_training(data: Path, *, decoys: bool = False) -> Path:
    """Return a fresh copy of the data without its training shards; the caller removes it."""
    made = Path(tempfile.mkdtemp(prefix="referee-replay-data-"))
    made.chmod(0o755)
    for source in sorted(data.rglob("*")):
        target = made / source.relative_to(data)
        if source.is_dir():
            target.mkdir(exist_ok=True)
        elif "_train_" not in source.name:
            _same(source, target)
    if decoys:
        for folder in sorted((made / "datasets").glob("*")):
            for number in range(DECOYS):
                _decoy(folder / f"fineweb_train_{number:06d}.bin", _vocabulary(data, folder.name))
    return made


def _same(source: Path, target: Path) -> None:
    """Make `target` the same file without copying it where the disk allows."""
    try:
        os.link(source, target, follow_symlinks=True)
    except OSError:
        shutil.copyfile(source, target)


def _vocabulary(data: Path, name: str) -> int:
    """Return one more than the largest token of a dataset's validation shards."""
    import numpy as np

    found = [
        int(np.fromfile(path, dtype="<u2", offset=1024, count=DECOY_TOKENS).max(initial=1))
        for path in sorted((data / "datasets" / name).glob("fineweb_val_*.bin"))
    ]
    return max(found, default=1) + 1


def _decoy(path: Path, vocabulary: int) -> None:
    """Write a training shard of random tokens."""
    import numpy as np

    rng = np.random.default_rng()
    header = np.zeros(256, dtype="<i4")
    header[:3] = (MAGIC, VERSION, DECOY_TOKENS)
    tokens = rng.integers(0, vocabulary, DECOY_TOKENS).astype("<u2")
    path.write_bytes(header.tobytes() + tokens.tobytes())
