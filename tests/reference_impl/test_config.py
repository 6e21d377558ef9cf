"""Presets load, overrides convert, and what cannot work is refused before anything is built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the cpu extra")

from reference_impl.config import (
    PRESETS_DIR,
    ConfigError,
    config_from_dict,
    config_to_dict,
    load_config,
)


@pytest.mark.parametrize("path", sorted(PRESETS_DIR.glob("*.toml")), ids=lambda path: path.stem)
def test_presets_load_and_survive_json(path: Path) -> None:
    config = load_config(path.stem)
    assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config
    assert load_config(str(path)) == config


def test_overrides_take_the_type_of_their_field() -> None:
    config = load_config(
        "micro",
        (
            "model.backout=true",
            "model.value_embed_layers=1,3",
            "optim.matrix_lr=1e-2",
            "train.iterations=7",
            "quant.compressor=lzma",
        ),
    )
    assert config.model.backout is True
    assert config.model.value_embed_layers == (1, 3)
    assert config.optim.matrix_lr == 0.01
    assert config.train.iterations == 7
    assert config.quant.compressor == "lzma"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.depth=3", "no setting model.depth"),
        ("modle.num_layers=3", "no section 'modle'"),
        ("num_layers=3", "section.key=value"),
        ("model.num_layers=many", "cannot be 'many'"),
        ("model.num_layers=3.5", "cannot be '3.5'"),
        ("model.backout=perhaps", "cannot be 'perhaps'"),
        ("model.num_heads=3", "multiple of model.num_heads"),
        ("model.passes=0", "at least 1"),
        ("model.value_embed_layers=9", "does not exist"),
        ("quant.mlp_bits=4", "bits are 5, 6, 7 or 8"),
        ("train.train_seq_len=4096", "beyond model.max_seq_len"),
        ("quant.compressor=gzip", "zstd, lzma or brotli"),
    ],
)
def test_what_cannot_work_is_refused(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        load_config("micro", (override,))


def test_an_unknown_preset_names_the_known() -> None:
    with pytest.raises(ConfigError, match="micro, record, tiny"):
        load_config("huge")
