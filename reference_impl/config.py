"""Every switch of the reference, in five frozen sections, read from a preset and overridden by name.

Promises: an unknown key, a value of the wrong type and a combination that cannot work are errors before
anything is built. Does not promise that a combination is any good.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

DATA_SOURCES = ("tiny", "sp1024", "sp4096", "sp8192")
PRESETS_DIR = Path(__file__).resolve().parent / "presets"


class ConfigError(ValueError):
    """A setting that cannot work; the message is for the user."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Shapes and techniques of the network."""

    vocab_size: int = 1024
    """Token alphabet V."""
    num_layers: int = 9
    """Physical blocks L."""
    model_dim: int = 512
    """Width of the residual stream D."""
    num_heads: int = 8
    """Query heads H."""
    num_kv_heads: int = 4
    """Key and value heads; a divisor of H (grouped-query attention, arXiv:2305.13245)."""
    mlp_mult: int = 2
    """Hidden width of the MLP in units of D."""
    max_seq_len: int = 1024
    """Longest sequence that the rotary table covers."""
    rope_base: float = 10000.0
    """Base of the rotary frequencies (arXiv:2104.09864)."""
    rope_dims: int = 0
    """Head dimensions that rotate; 0 is all of them."""
    qk_gain_init: float = 1.5
    """Initial learned gain on normalised queries, one a head."""
    logit_softcap: float = 30.0
    """Logits are cap * tanh(logits / cap)."""
    embed_init_std: float = 0.005
    """Standard deviation of the tied embedding at the start."""
    orthogonal_init: bool = False
    """Start hidden matrices orthogonal instead of uniform."""
    encoder_layers: int = -1
    """Blocks before the U-Net's turn; -1 is half of them. #1073 found 1 of 11 best."""
    activation: str = "relu2"
    """`relu2` (arXiv:2109.08668) or `leaky_relu2` (#493)."""
    leaky_slope: float = 0.5
    """Slope below zero of `leaky_relu2`."""
    norm_depth_scale: bool = False
    """Scale the input of block l by 1/sqrt(l + 1)."""
    xsa_last: int = 0
    """Last blocks whose attention output loses its component along the token's own value (#1019)."""
    bigram_buckets: int = 0
    """Rows of the hashed bigram embedding; 0 is off (#198)."""
    bigram_dim: int = 128
    """Width of a bigram row before its projection."""
    smear_gate: bool = False
    """Mix the previous token's embedding into this one, never across a document's start (#198, #1797)."""
    value_embed_layers: tuple[int, ...] = ()
    """Blocks whose values get a token embedding added (#1231)."""
    value_embed_dim: int = 128
    """Width of the value embedding before its projection."""
    lanes_from: int = -1
    """First block that runs attention and MLP in two residual lanes; -1 is none (#1629)."""
    backout: bool = False
    """Subtract lambda times the middle block's state from the last one (#339)."""
    backout_init: float = 0.2
    """Lambda at the start."""
    core_start: int = 0
    """First block of the repeated core."""
    core_end: int = 0
    """One past the last block of the core; equal to `core_start` is no recurrence."""
    passes: int = 1
    """Most passes through the core, and those of evaluation (#895 repeats all blocks, #1231 the middle)."""
    repeat_skip: bool = False
    """Each core block also sees what it returned one pass earlier (#895)."""
    residual_scale_init: float = 0.0
    """Learned contraction of each pass's update; 0 is off, #1231 starts at 0.5."""
    feedback_rank: int = 0
    """Rank of the correction added before each later pass; 0 is off, #1231 takes 2."""
    document_mask: bool = False
    """Attention stays inside a document; off, as in the baseline, it may look across BOS."""
    bos_id: int = 1
    """Token that opens a document."""

    @property
    def num_encoder_layers(self) -> int:
        """Blocks whose outputs are kept as skips."""
        return self.num_layers // 2 if self.encoder_layers < 0 else self.encoder_layers

    @property
    def recurrent(self) -> bool:
        """Whether a core can run more than once."""
        return self.passes > 1 and self.core_end > self.core_start


@dataclass(frozen=True, slots=True)
class OptimConfig:
    """Step sizes, momenta and averages."""

    matrix_lr: float = 0.04
    """Muon's rate for hidden matrices."""
    scalar_lr: float = 0.04
    """Adam's rate for vectors and scalars."""
    embed_lr: float = 0.05
    """Adam's rate for embeddings."""
    beta1: float = 0.9
    """Adam's first decay."""
    beta2: float = 0.95
    """Adam's second decay."""
    adam_eps: float = 1e-8
    """Adam's denominator floor."""
    adam_weight_decay: float = 0.0
    """Decoupled decay of embeddings and scalars."""
    muon_weight_decay: float = 0.0
    """Decoupled decay of hidden matrices."""
    muon_momentum: float = 0.95
    """Muon's momentum after its warm-up."""
    muon_momentum_start: float = 0.85
    """Muon's momentum at step 0."""
    muon_momentum_steps: int = 500
    """Steps of that warm-up."""
    muon_iterations: int = 5
    """Newton-Schulz iterations."""
    muon_row_normalise: bool = False
    """Normalise rows before orthogonalising (MuonEq-R, arXiv:2603.28254)."""
    grad_clip_norm: float = 0.0
    """Largest global gradient norm; 0 is off."""
    warmdown_steps: int = 1200
    """Steps of linear decay at the end, in units of measured step time."""
    warmdown_fraction: float = 0.0
    """Decay over this last fraction of the budget instead; 0 is off."""
    ema_decay: float = 0.0
    """Decay of the exponential moving average of weights; 0 is off."""
    swa_every: int = 0
    """Steps between snapshots of the uniform average; 0 is off."""
    swa_below: float = 0.5
    """Snapshots are taken once the rate's multiplier is at most this."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Budget, batches and training-only losses."""

    seed: int = 1337
    """Seed of weights and of the switched layer."""
    iterations: int = 20000
    """Most optimiser steps."""
    max_wallclock_seconds: float = 600.0
    """Cap of the training clock; 0 is none."""
    warmup_steps: int = 20
    """Steps before the clock; weights, optimiser and loader are restored after them."""
    train_batch_tokens: int = 524288
    """Tokens of one step over all ranks."""
    train_seq_len: int = 1024
    """Tokens of one sequence."""
    micro_batches: int = 8
    """Micro-batches of one step over all ranks; a multiple of the world size."""
    val_batch_tokens: int = 65536
    """Tokens scored at once in a validation pass."""
    val_every: int = 1000
    """Steps between validations; 0 is only at the end."""
    log_every: int = 200
    """Steps between log lines."""
    compile: str = "auto"
    """`auto` (on CUDA), `on` or `off`: torch.compile."""
    attention: str = "auto"
    """`auto`, `fa3`, `fa2` or `sdpa`."""
    device: str = "auto"
    """`auto`, `cuda`, `mps` or `cpu`."""
    precision: str = "auto"
    """`auto` (bf16 on CUDA), `bf16` or `fp32`."""
    threads: int = 0
    """CPU threads; 0 leaves torch's choice."""
    pass_schedule: str = ""
    """`0.3:2,0.5:3,1.0:5`: passes until each fraction of the budget; empty is always all."""
    jacobian_weight: float = 0.0
    """Weight of the penalty on growth between passes (#1231)."""
    supervised_layers: tuple[int, ...] = ()
    """Blocks whose state is also scored through the shared head (#1629)."""
    supervision_switched: bool = True
    """Supervise one of them a step, drawn at random, instead of all."""
    supervision_alpha: float = 0.01
    """Weight of that loss at its height."""
    supervision_warmup_steps: int = 200
    """Steps until that height."""
    supervision_decay_start: float = 0.70
    """Fraction of the budget where its decay starts."""
    supervision_decay_end: float = 0.85
    """Fraction of the budget where it is gone."""
    boundary_weight: float = 0.0
    """Weight of the loss at the U-Net's turn (#1073)."""


@dataclass(frozen=True, slots=True)
class QuantConfig:
    """How weights become bytes."""

    attn_bits: int = 8
    """Bits of attention matrices (5 to 8)."""
    mlp_bits: int = 8
    """Bits of MLP matrices."""
    embed_bits: int = 8
    """Bits of embeddings."""
    other_bits: int = 8
    """Bits of every other matrix."""
    clip_search: bool = False
    """Choose each row's clip by squared error (GPTQ-lite, #414)."""
    clip_sigmas: float = 0.0
    """Let a row's grid reach this many standard deviations; 0 is to its largest value (#1394)."""
    gptq: bool = False
    """Quantise with second-order error feedback (arXiv:2210.17323)."""
    gptq_source: str = "train"
    """`train` (inside the training clock) or `generated` (text that the model writes itself)."""
    gptq_sequences: int = 32
    """Sequences that the Hessians are measured on."""
    gptq_reserve_seconds: float = 0.0
    """Part of the training cap that the loop leaves to calibration."""
    qat_below: float = 0.0
    """Train with rounded weights once the rate's multiplier is at most this; 0 is off."""
    compressor: str = "zstd"
    """`zstd` (level 22), `lzma` or `brotli`."""
    cap_bytes: int = 16_000_000
    """Largest artifact, code included."""


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Where tokens come from."""

    source: str = "tiny"
    """`tiny` (text that ships with CPython), or `sp1024`, `sp4096`, `sp8192` (FineWeb shards)."""
    text_characters: int = 8_000_000
    """Most characters of the tiny source."""
    val_characters: int = 300_000
    """Characters of its validation split."""
    train_shards: int = 80
    """FineWeb shards to download."""


@dataclass(frozen=True, slots=True)
class Config:
    """One run."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    optim: OptimConfig = field(default_factory=OptimConfig)
    """How it learns."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """For how long and on what loss."""
    quant: QuantConfig = field(default_factory=QuantConfig)
    """How it is stored."""
    data: DataConfig = field(default_factory=DataConfig)
    """What it reads."""


def load_config(preset: str, overrides: tuple[str, ...] = ()) -> Config:
    """Return the preset (a name or a TOML file) with `section.key=value` overrides applied.

    Raises ConfigError for an unknown name, a wrong type, or settings that exclude each other.
    """
    path = Path(preset) if preset.endswith(".toml") else PRESETS_DIR / f"{preset}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PRESETS_DIR.glob("*.toml")))
        raise ConfigError(f"no preset {preset!r}; there are {known}")
    tree = tomllib.loads(path.read_text(encoding="utf-8"))
    for override in overrides:
        name, separator, text = override.partition("=")
        section, dot, key = name.strip().partition(".")
        if not separator or not dot:
            raise ConfigError(f"an override is section.key=value, not {override!r}")
        tree.setdefault(section, {})[key] = text.strip()
    return config_from_dict(tree)


def config_from_dict(tree: dict[str, Any]) -> Config:
    """Return the configuration that nested plain values describe."""
    config = Config()
    sections = {item.name for item in fields(Config)}
    for section, values in tree.items():
        if section not in sections:
            raise ConfigError(f"no section {section!r}; there are {', '.join(sorted(sections))}")
        old = getattr(config, section)
        hints = get_type_hints(type(old))
        for key in values:
            if key not in hints or key not in {item.name for item in fields(old)}:
                raise ConfigError(f"no setting {section}.{key}")
        new = {key: convert(f"{section}.{key}", value, hints[key]) for key, value in values.items()}
        config = replace(config, **{section: replace(old, **new)})
    check(config)
    return config


def config_to_dict(config: Config) -> dict[str, Any]:
    """Return nested plain values, as `config_from_dict` reads them."""
    return asdict(config)


def convert(name: str, value: Any, hint: Any) -> Any:
    """Return the value in the type of its field, read from text where it is an override."""
    try:
        return _convert(value, hint)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{name} cannot be {value!r}") from error


def _convert(value: Any, hint: Any) -> Any:
    if get_origin(hint) is tuple:
        items = [item for item in value.split(",") if item] if isinstance(value, str) else value
        return tuple(_convert(item, get_args(hint)[0]) for item in items)
    if hint is bool:
        return _read_bool(value)
    if isinstance(value, bool):
        return _refuse(value)
    if hint is int and isinstance(value, float):
        return _refuse(value)
    return hint(value)


def _read_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}[str(value).lower()]


def _refuse(value: Any) -> Any:
    raise ValueError(value)


def check(config: Config) -> None:
    """Raise ConfigError for settings that exclude each other."""
    for holds, message in _demands(config):
        if not holds:
            raise ConfigError(message)


def _demands(config: Config) -> list[tuple[bool, str]]:
    m, t, q = config.model, config.train, config.quant
    head_dim = m.model_dim // m.num_heads
    bits = (q.attn_bits, q.mlp_bits, q.embed_bits, q.other_bits)
    layers = (*m.value_embed_layers, *t.supervised_layers)
    return [
        (m.model_dim % m.num_heads == 0, "model.model_dim must be a multiple of model.num_heads"),
        (m.num_heads % m.num_kv_heads == 0, "model.num_heads must be a multiple of model.num_kv_heads"),
        (head_dim % 2 == 0, "the head dimension must be even to rotate"),
        (0 <= m.rope_dims <= head_dim and m.rope_dims % 2 == 0, "model.rope_dims is odd or beyond a head"),
        (m.logit_softcap > 0, "model.logit_softcap must be positive"),
        (0 <= m.num_encoder_layers <= m.num_layers, "model.encoder_layers is more than there are"),
        (m.activation in ("relu2", "leaky_relu2"), "model.activation is relu2 or leaky_relu2"),
        (0 <= m.core_start <= m.core_end <= m.num_layers, "the core must lie inside the blocks"),
        (m.passes >= 1, "model.passes must be at least 1"),
        (m.lanes_from < 0 or m.core_end <= m.lanes_from, "lanes must start behind the core"),
        (m.bigram_buckets != 1, "model.bigram_buckets must be 0 or at least 2"),
        (all(0 <= layer < m.num_layers for layer in layers), "a named block does not exist"),
        (t.boundary_weight == 0 or m.num_encoder_layers > 0, "without encoder blocks there is no boundary"),
        (t.train_seq_len <= m.max_seq_len, "train.train_seq_len is beyond model.max_seq_len"),
        (t.micro_batches > 0 and t.train_batch_tokens % (t.micro_batches * t.train_seq_len) == 0,
         "train.train_batch_tokens must be whole sequences in each of train.micro_batches"),
        (all(5 <= b <= 8 for b in bits), "bits are 5, 6, 7 or 8"),
        (q.compressor in ("zstd", "lzma", "brotli"), "quant.compressor is zstd, lzma or brotli"),
        (q.gptq_source in ("train", "generated"), "quant.gptq_source is train or generated"),
        (not (q.clip_search and q.clip_sigmas), "quant.clip_search and quant.clip_sigmas exclude each other"),
        (t.attention in ("auto", "fa3", "fa2", "sdpa"), "train.attention is auto, fa3, fa2 or sdpa"),
        (t.compile in ("auto", "on", "off"), "train.compile is auto, on or off"),
        (t.device in ("auto", "cuda", "mps", "cpu"), "train.device is auto, cuda, mps or cpu"),
        (t.precision in ("auto", "bf16", "fp32"), "train.precision is auto, bf16 or fp32"),
        (config.data.source in DATA_SOURCES, "data.source is tiny, sp1024, sp4096 or sp8192"),
    ]  # fmt: skip
