"""The one table of what sets scale: names, and what a tiny run makes of their values.

Names are compared in upper case, so that `MODEL_DIM` of the environment, `model_dim` of a class and
`model_dim=512` of a call are one. Sizes of hash tables are not in it: a table is never made smaller without
its load. Steps and data are scaled in every stage; what makes the model small only where the whole run is
to end soon.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .shim.patching import used


class Group(enum.Enum):
    """When an entry applies."""

    STEPS = "steps"
    MODEL = "model"
    PATHS = "paths"


@dataclass(frozen=True, slots=True)
class Entry:
    """What becomes of the value of one name."""

    group: Group
    limit: float | None = None
    """Larger values become this one; zero and negative ones mean something else and stay."""
    divisor: int | None = None
    """Larger values than `floor` are divided by it."""
    floor: int = 16


def _limits(value: float, names: str) -> dict[str, Entry]:
    return {name: Entry(Group.STEPS, limit=value) for name in names.split()}


TABLE: dict[str, Entry] = {
    **_limits(
        3,
        "ITERATIONS NUM_ITERATIONS MAX_ITERS MAX_STEPS NUM_STEPS TRAIN_STEPS TOTAL_STEPS NUM_TRAIN_STEPS N_STEPS "
        "MAX_ITERATIONS TRAIN_ITERS TOTAL_ITERS NUM_ITERS TRAINING_STEPS",
    ),
    **_limits(
        1,
        "WARMUP_STEPS COMPILE_WARMUP_STEPS TRAIN_LOG_EVERY LOG_EVERY LOG_INTERVAL SWA_EVERY SWA_INTERVAL EMA_EVERY",
    ),
    **_limits(
        1024,
        "TRAIN_BATCH_TOKENS BATCH_TOKENS TOTAL_BATCH_TOKENS TOTAL_BATCH_SIZE TOKENS_PER_STEP TRAIN_TOKENS_PER_STEP",
    ),
    **_limits(
        128,
        "TRAIN_SEQ_LEN SEQ_LEN SEQUENCE_LENGTH EVAL_SEQ_LEN ROPE_TRAIN_SEQ_LEN TRAIN_MAX_SEQ_LEN MAX_SEQ_LEN "
        "TTT_EVAL_SEQ_LEN CONTEXT_LENGTH CTX_LEN MAX_LEN TTT_SEQ_LEN VAL_SEQ_LEN TTT_TRAIN_SEQ_LEN EVAL_CONTEXT_LENGTH "
        "GPTQ_CALIB_SEQ_LEN TRAIN_SEQ_LEN_EARLY SEQ_LEN_START SEQ_LEN_END LATE_SEQ_LEN",
    ),
    **_limits(64, "EVAL_STRIDE STRIDE SLIDING_STRIDE SLIDING_WINDOW_STRIDE TTT_STRIDE VAL_STRIDE"),
    **_limits(8192, "VAL_BATCH_SIZE VAL_BATCH_TOKENS EVAL_BATCH_TOKENS"),
    **_limits(16, "EVAL_BATCH_SEQS EVAL_BATCH_SIZE SLIDING_BATCH_SEQS SLIDING_BATCH_SIZE SW_EVAL_BATCH"),
    **_limits(512, "TTT_CHUNK_TOKENS GLOBAL_TTT_CHUNK_TOKENS NGRAM_CHUNK_TOKENS NGRAM_EVAL_CHUNK_TOKENS"),
    **_limits(
        4,
        "TTT_BATCH_SEQS GLOBAL_TTT_BATCH_SEQS PREQUANT_TTT_BATCH_SEQS PHASED_TTT_PREFIX_DOCS SLOT_BATCH_SEQS",
    ),
    **_limits(8, "TTT_BATCH_SIZE MICRO_BATCH_SIZE DEVICE_BATCH_SIZE LOCAL_BATCH_SIZE"),
    **_limits(32, "TTT_CHUNK_SIZE"),
    **_limits(
        1,
        "TTT_EPOCHS GLOBAL_TTT_EPOCHS PREQUANT_TTT_EPOCHS TTT_GRAD_STEPS NUM_EPOCHS EPOCHS ADAPT_EPOCHS "
        "TTT_NUM_EPOCHS TTT_PREQUANT_EPOCHS",
    ),
    **_limits(
        2,
        "TTT_STEPS SLOT_STEPS ETLB_STEPS DISTILL_STEPS GRAD_ACCUM_STEPS REFINE_STEPS LBFGS_STEPS NUM_REFINE_STEPS",
    ),
    **_limits(
        4,
        "GPTQ_CALIBRATION_BATCHES GPTQ_CALIB_BATCHES GPTQ_CALIB_SAMPLES GPTQ_SAMPLES CALIB_BATCHES CALIBRATION_BATCHES "
        "NUM_CALIB_BATCHES GPTQ_NUM_SEQS GPTQ_AR_SEQS GPTQ_CALIB_SEQS AR_CALIB_SEQS N_CALIB_SEQS GPTQ_NSAMPLES "
        "GPTQ_CALIBRATION_SEQS HESSIAN_BATCHES",
    ),
    **{
        name: Entry(Group.MODEL, divisor=8, floor=8)
        for name in (
            "MODEL_DIM EMBEDDING_DIM EMBED_DIM D_MODEL N_EMBD HIDDEN_DIM HIDDEN_SIZE BIGRAM_DIM TRIGRAM_DIM VE_DIM "
            "MLP_HIDDEN MLP_DIM FFN_DIM D_FF INTERMEDIATE_SIZE BIGRAM_HASH_DIM BIGRAM_EMBED_DIM D_INNER"
        ).split()
    },
    # Half the heads and a quarter of their width: an eighth of the model's, with enough left to rotate a part of it.
    "HEAD_DIM": Entry(Group.MODEL, divisor=4, floor=8),
    **{
        name: Entry(Group.MODEL, divisor=2, floor=1)
        for name in "NUM_HEADS NUM_KV_HEADS N_HEAD N_HEADS N_KV_HEADS N_KV_HEAD NUM_KEY_VALUE_HEADS NUM_ATTENTION_HEADS".split()
    },
    **{
        name: Entry(Group.PATHS)
        for name in "DATA_PATH DATA_DIR TOKENIZER_PATH DATASETS_DIR TRAIN_FILES VAL_FILES VAL_BYTES_FILES".split()
    },
}
_CALIBRATION = {
    "NUM_SEQS": 4, "N_SEQS": 4, "NUM_BATCHES": 4, "N_BATCHES": 4, "NUM_CALIB_BATCHES": 4, "N_CALIBRATION_BATCHES": 4,
    "CALIB_BATCHES": 4, "N_CALIB": 4, "NUM_SAMPLES": 4, "N_SAMPLES": 4, "NUM_CALIB_SEQS": 4, "CALIBRATION_BATCHES": 4,
    "N_CALIB_BATCHES": 4, "NUM_CALIBRATION_BATCHES": 4, "MAX_BATCHES": 4, "N_CALIBRATION": 4,
}  # fmt: skip
"""Parameters of functions that size a calibration."""
_LENGTHS = {"SEQ_LEN", "SEQLEN", "GEN_LEN", "MAX_NEW_TOKENS", "TOTAL_LEN"}
"""Capped too, in a function that generates its own calibration data."""


class Scale:
    """Remembers what has been scaled, so that a value read twice is scaled once."""

    def __init__(self) -> None:
        self.groups: frozenset[Group] = frozenset()
        self.place: Callable[[str, Any], Any] = lambda name, value: value
        self.changes: dict[str, tuple[Any, Any]] = {}
        self._given: dict[str, set[float]] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str, value: Any) -> Any:
        """Return what the tiny run uses in the place of `value`."""
        if name.startswith("calibration:"):
            return self._calibration(name.removeprefix("calibration:"), value)
        key = name.upper()
        entry = TABLE[key]
        if entry.group not in self.groups:
            return value
        if entry.group is Group.PATHS:
            return self.place(key, value)
        number = _number(value)
        if number is None:
            return value
        with self._lock:
            return self._scaled(key, entry, value, number)

    def _scaled(self, key: str, entry: Entry, value: Any, number: float) -> Any:
        given = self._given.setdefault(key, set())
        if number in given or number <= 0:
            return value
        small = min(number, entry.limit) if entry.limit is not None else _divided(number, entry)
        given.add(small)
        if small == number:
            return value
        self.changes.setdefault(key, (number, small))
        used("scale", "see figures")
        return _like(value, small)

    def _calibration(self, name: str, value: Any) -> Any:
        if type(value) is not int or not self.groups:
            return value
        limit = _CALIBRATION.get(name.upper(), 48)
        if value > limit:
            used("calibration-cap", f"{name}: {value} -> {limit}")
            return limit
        return value


SCALE = Scale()
"""The scale of this process."""


def known(name: str) -> bool:
    """Return whether the table has an entry for the name."""
    return name.upper() in TABLE


def calibration_parameters(names: list[str]) -> list[str]:
    """Return which parameters of a function are capped."""
    sizes = [name for name in names if name.upper() in _CALIBRATION]
    if not sizes:
        return []
    return sizes + [name for name in names if name.upper() in _LENGTHS]


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) else None


def _divided(number: float, entry: Entry) -> float:
    divisor = entry.divisor or 1
    if number < entry.floor * divisor or number != int(number) or int(number) % divisor:
        return number
    return number // divisor


def _like(value: Any, number: float) -> Any:
    """Return the number in the type of the value."""
    if isinstance(value, str):
        return str(int(number)) if number == int(number) else str(number)
    return type(value)(number)
