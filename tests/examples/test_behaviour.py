"""The examples do what they say: two keep to the order of scoring and updating, two break it."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
spm = pytest.importorskip("sentencepiece")

from examples import prepare_data, run  # noqa: E402
from tests.examples.loading import NAMES, load_script, record, small_arguments  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return spm.SentencePieceProcessor(model_proto=prepare_data.FROZEN_TOKENIZER.read_bytes())


@pytest.fixture(scope="module")
def validation(tokenizer: Any) -> Any:
    return prepare_data.encode(tokenizer, prepare_data.read_validation())


def test_the_byte_table_counts_what_the_documents_hold(tokenizer: Any, validation: Any) -> None:
    split = prepare_data.measure(tokenizer, validation)
    assert split == prepare_data.Split(52_698, 52_608, 140_140)
    tokens = torch.from_numpy(validation.astype(np.int64))[: split.scored_tokens + 1]
    for name in NAMES:
        module = load_script(name)
        luts = module.build_sentencepiece_luts(tokenizer, 1024)
        assert module.count_bytes(tokens[:-1], tokens[1:], luts) == split.scored_bytes


def test_score_first_scores_every_chunk_before_it_trains_on_it(tokenizer: Any, validation: Any) -> None:
    module = load_script("ScoreFirstTTT")
    args = small_arguments(module)
    args.ttt_chunk_tokens = 512
    tokens = torch.from_numpy(validation.astype(np.int64))[: 128 * 18 + 1]
    events: list[tuple[str, bytes]] = []

    class Recorder(module.GPT):  # type: ignore[misc,name-defined]
        def forward(self, input_ids: Any, target_ids: Any) -> Any:
            kind = "score" if torch.is_inference_mode_enabled() else "train"
            events.extend((kind, row.numpy().tobytes()) for row in target_ids)
            return super().forward(input_ids, target_ids)

    module.eval_val_ttt(args, Recorder(args), tokens, module.build_sentencepiece_luts(tokenizer, 1024))
    scored = [row for kind, row in events if kind == "score"]
    assert len(scored) == len(set(scored)) == 18
    trained = {row for kind, row in events if kind == "train"}
    assert trained == set(scored[:16])
    for row in trained:
        assert events.index(("score", row)) < events.index(("train", row))


def test_prequant_adaptation_writes_validation_tokens_into_the_weights(validation: Any) -> None:
    module = load_script("PrequantTTT")
    args = small_arguments(module)
    model = module.GPT(args)
    before = copy.deepcopy(model.state_dict())
    tokens = torch.from_numpy(validation.astype(np.int64))[: 128 * 8 + 1]
    module.prequant_ttt_adapt(args, model, tokens, lambda message: None)
    first = copy.deepcopy(model.state_dict())
    model.load_state_dict(before)
    module.prequant_ttt_adapt(args, model, tokens.flip(0), lambda message: None)
    assert any(not torch.equal(first[key], value) for key, value in model.state_dict().items())


def test_the_cache_hands_out_more_than_one_unit_of_probability() -> None:
    module = load_script("NgramCache")
    cache = module.NgramCache(module.Hyperparameters())
    generator = np.random.default_rng(0)
    history, targets = generator.integers(0, 1024, (40_000, 3)), generator.integers(0, 1024, 40_000)
    cache.update(history, targets)
    every_token = np.arange(1024)
    uniform = np.full(1024, 1 / 1024)
    blended = cache.blend(uniform, np.repeat(history[:1], 1024, axis=0), every_token)
    assert blended.sum() > 10.0


@pytest.mark.parametrize("name", NAMES)
def test_every_script_runs_from_shards_to_score(name: str, tmp_path: Path, validation: Any) -> None:
    dataset = tmp_path / "data" / "datasets" / "cpu_tiny_sp1024"
    tokenizers = tmp_path / "data" / "tokenizers"
    dataset.mkdir(parents=True)
    tokenizers.mkdir()
    (tokenizers / prepare_data.FROZEN_TOKENIZER.name).write_bytes(prepare_data.FROZEN_TOKENIZER.read_bytes())
    prepare_data.write_shard(dataset / "fineweb_train_000000.bin", validation[4000:])
    prepare_data.write_shard(dataset / "fineweb_val_000000.bin", validation[:3000])
    small = {"NUM_LAYERS": "1", "MODEL_DIM": "16", "MAX_WALLCLOCK_SECONDS": "0.2", "RUN_ID": "test"}
    command = [sys.executable, str(record(name) / "train_gpt.py")]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **small}, check=True)
    measured = run.read_run(tmp_path / "logs" / "test.txt", 1337)
    assert 0.1 < measured.val_bpb < 8.0
    assert measured.artifact_bytes == measured.code_bytes + (tmp_path / "final_model.int8.ptz").stat().st_size
