"""The one table of what sets scale: names, and what a tiny run makes of their values.

Names are compared in upper case, so that `MODEL_DIM` of the environment, `model_dim` of a class and
`model_dim=512` of a call are one. Sizes of hash tables are not in it: a table is never made smaller without
its load.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import lru_cache


class Group(enum.Enum):
    """When an entry applies."""

    STEPS = "steps"
    """Steps and data: in every stage that runs the script."""
    MODEL = "model"
    """The size of the model: where the whole run is to end soon."""
    PATHS = "paths"
    """Where the data lies: always."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What becomes of the value of one name."""

    group: Group
    limit: float | None = None
    """Larger values become this one; zero and negative ones mean something else and stay."""
    divisor: int | None = None
    """Multiples of it are divided by it, unless that makes them smaller than `floor`."""
    floor: int = 1
    multiple: int = 1
    """Where the division gives no multiple of it a smaller divisor is taken: heads still divide it."""


_LIMITS = {
    """
    ITERATIONS NUM_ITERATIONS MAX_ITERATIONS MAX_ITERS NUM_ITERS TRAIN_ITERS TOTAL_ITERS MAX_STEPS NUM_STEPS
    N_STEPS TRAIN_STEPS TRAINING_STEPS TOTAL_STEPS NUM_TRAIN_STEPS
    """: 3,
    """
    WARMUP_STEPS COMPILE_WARMUP_STEPS TRAIN_LOG_EVERY LOG_EVERY LOG_INTERVAL SWA_EVERY SWA_INTERVAL EMA_EVERY
    SWA_FREQ SWA_START QAT_START EMA_START QAT_START_ITERS
    """: 1,
    # Going over tokens twice is another adaptation than going over them once (#762).
    """
    TTT_EPOCHS GLOBAL_TTT_EPOCHS PREQUANT_TTT_EPOCHS TTT_PREQUANT_EPOCHS TTT_NUM_EPOCHS TTT_GRAD_STEPS
    NUM_EPOCHS EPOCHS ADAPT_EPOCHS
    TTT_STEPS SLOT_STEPS ETLB_STEPS DISTILL_STEPS REFINE_STEPS NUM_REFINE_STEPS LBFGS_STEPS GRAD_ACCUM_STEPS
    SLOT_LBFGS_MAX_ITER LBFGS_SLOT_ITERS EGGROLL_STEPS TTT_BURST_STEPS TEMP_CAL_STEPS SCALE_TUNING_STEPS
    TTT_GLOBAL_STEPS TTT_MAX_STEPS DEEP_SLOT_STEPS QUANT_OPTCLIP_STEPS
    """: 2,
    """
    TTT_BATCH_SEQS GLOBAL_TTT_BATCH_SEQS PREQUANT_TTT_BATCH_SEQS SLOT_BATCH_SEQS PHASED_TTT_PREFIX_DOCS
    GPTQ_CALIBRATION_BATCHES GPTQ_CALIB_BATCHES GPTQ_CALIB_SAMPLES GPTQ_SAMPLES GPTQ_NSAMPLES GPTQ_NUM_SEQS
    GPTQ_AR_SEQS GPTQ_CALIB_SEQS GPTQ_CALIBRATION_SEQS CALIB_BATCHES CALIBRATION_BATCHES NUM_CALIB_BATCHES
    AR_CALIB_SEQS N_CALIB_SEQS HESSIAN_BATCHES GPTQ_BATCHES GPTQ_N_SAMPLES TEMP_CAL_BATCHES DIFFUSION_STEPS
    DIFFUSION_STEPS_EVAL DIFFUSION_NUM_STEPS SAMPLING_STEPS VAR_EVAL_STEPS MC_PASSES
    """: 4,
    """
    TTT_BATCH_SIZE MICRO_BATCH_SIZE DEVICE_BATCH_SIZE LOCAL_BATCH_SIZE
    """: 8,
    """
    EVAL_BATCH_SEQS EVAL_BATCH_SIZE SLIDING_BATCH_SEQS SLIDING_BATCH_SIZE SW_EVAL_BATCH
    """: 16,
    """
    TTT_CHUNK_SIZE
    """: 32,
    """
    EVAL_STRIDE STRIDE SLIDING_STRIDE SLIDING_WINDOW_STRIDE TTT_STRIDE VAL_STRIDE
    """: 64,
    """
    TRAIN_SEQ_LEN SEQ_LEN SEQUENCE_LENGTH EVAL_SEQ_LEN VAL_SEQ_LEN ROPE_TRAIN_SEQ_LEN TRAIN_MAX_SEQ_LEN
    MAX_SEQ_LEN CONTEXT_LENGTH EVAL_CONTEXT_LENGTH CTX_LEN MAX_LEN TTT_SEQ_LEN TTT_EVAL_SEQ_LEN
    TTT_TRAIN_SEQ_LEN GPTQ_CALIB_SEQ_LEN TRAIN_SEQ_LEN_EARLY LATE_SEQ_LEN SEQ_LEN_START SEQ_LEN_END
    FINAL_EVAL_COARSE_STRIDE
    """: 128,
    # One sequence: a phase of few documents has to hold more than one of these, or it learns nothing (#1886).
    """
    GLOBAL_TTT_CHUNK_TOKENS
    """: 128,
    """
    TTT_CHUNK_TOKENS NGRAM_CHUNK_TOKENS NGRAM_EVAL_CHUNK_TOKENS
    """: 512,
    """
    TRAIN_BATCH_TOKENS BATCH_TOKENS TOTAL_BATCH_TOKENS TOTAL_BATCH_SIZE TOKENS_PER_STEP TRAIN_TOKENS_PER_STEP
    """: 1024,
    """
    VAL_BATCH_SIZE VAL_BATCH_TOKENS EVAL_BATCH_TOKENS
    """: 2048,
    # As many as the tiny data has.
    """
    TRAIN_FILE_COUNT NUM_TRAIN_SHARDS TRAIN_SHARDS MAX_TRAIN_SHARDS N_TRAIN_SHARDS
    """: 8,
    # Seconds. A run without a number of steps ends by the clock alone (#476).
    """
    MAX_WALLCLOCK TOTAL_SECONDS
    """: 10,
}
_ENDINGS = {
    # What begins late in a long run begins in a short one too: the model is not the same without it.
    "_START_STEP _START_ITER _AT_STEP _BEGIN_STEP": 1,
    "_EPOCHS": 2,
    "_CALIB_BATCHES _CALIB_SEQS _CALIB_SAMPLES _CAL_SAMPLES _CAL_STEPS _CAL_BATCHES _BATCH_SEQS": 4,
    "_CHUNK_TOKENS": 512,
}
"""Endings of names that many submissions make up for themselves, to their limits."""
_DIVISORS = {
    """
    MODEL_DIM EMBEDDING_DIM EMBED_DIM D_MODEL N_EMBD HIDDEN_DIM HIDDEN_SIZE VE_DIM MLP_HIDDEN MLP_DIM FFN_DIM
    D_FF D_INNER INTERMEDIATE_SIZE
    """: (8, 8, 8),
    # A table of zeros behind a projection that is only drawn when it is at least 64 wide never moves (#526).
    """
    BIGRAM_DIM BIGRAM_HASH_DIM BIGRAM_EMBED_DIM TRIGRAM_DIM
    """: (2, 64, 8),
    # Half the heads and a quarter of their width: an eighth, with enough left to rotate a part of it.
    """
    HEAD_DIM
    """: (4, 8, 2),
    # The part of a head that is rotated keeps its share.
    """
    ROPE_DIMS
    """: (4, 4, 2),
    """
    NUM_HEADS NUM_KV_HEADS N_HEAD N_HEADS N_KV_HEAD N_KV_HEADS NUM_ATTENTION_HEADS NUM_KEY_VALUE_HEADS
    """: (2, 1, 1),
}
CONSTANTS = {"BATCH_SIZE": "DEVICE_BATCH_SIZE"}
"""Names in capitals that stand for sizes where a number of at most `MAX_SEQUENCES` is written beside them."""
MAX_SEQUENCES = 512
"""Larger batches are counted in tokens."""
IN_SETTINGS = {"B": "DEVICE_BATCH_SIZE", "T": "SEQ_LEN"}
"""Letters that stand for sizes where a class of settings is made, and nowhere else."""
SCHEDULES: dict[str, str] = dict.fromkeys(("TRAIN_SEQ_SCHEDULE", "SEQ_LEN_SCHEDULE"), "TRAIN_SEQ_LEN")
"""Texts of `length@share,...`, and the entry of their lengths."""
SHARED = frozenset("TRAIN_BATCH_TOKENS BATCH_TOKENS TOTAL_BATCH_TOKENS TOKENS_PER_STEP".split())
"""What a batch is called whose share, handed on as a batch of its own, must still hold a sequence."""
_PATHS = "DATA_PATH DATA_DIR TOKENIZER_PATH DATASETS_DIR TRAIN_FILES VAL_FILES VAL_BYTES_FILES"
TABLE: dict[str, Entry] = {
    **{name: Entry(Group.STEPS, limit=limit) for names, limit in _LIMITS.items() for name in names.split()},
    **{
        name: Entry(Group.MODEL, divisor=divisor, floor=floor, multiple=multiple)
        for names, (divisor, floor, multiple) in _DIVISORS.items()
        for name in names.split()
    },
    **{name: Entry(Group.PATHS) for name in _PATHS.split()},
    **{name: Entry(Group.STEPS) for name in SCHEDULES},
}
"""By upper-case name."""
_BY_ENDING = {
    end: Entry(Group.STEPS, limit=limit) for ends, limit in _ENDINGS.items() for end in ends.split()
}


@lru_cache(maxsize=4096)
def entry_of(name: str) -> Entry | None:
    """Return the entry for a name in any case, by the name itself or by its ending."""
    upper = name.upper()
    found = TABLE.get(upper)
    if found is None:
        found = next((entry for end, entry in _BY_ENDING.items() if upper.endswith(end)), None)
    return found


_CALIBRATION = """
    NUM_SEQS N_SEQS NUM_BATCHES N_BATCHES NUM_CALIB_BATCHES N_CALIBRATION_BATCHES CALIB_BATCHES N_CALIB
    NUM_SAMPLES N_SAMPLES NUM_CALIB_SEQS CALIBRATION_BATCHES N_CALIB_BATCHES NUM_CALIBRATION_BATCHES
    MAX_BATCHES N_CALIBRATION
    """
CALIBRATION: dict[str, int] = dict.fromkeys(_CALIBRATION.split(), 4)
"""Parameters of functions that size a calibration, and their caps."""
LENGTHS: dict[str, int] = dict.fromkeys("SEQ_LEN SEQLEN GEN_LEN MAX_NEW_TOKENS TOTAL_LEN".split(), 48)
"""Capped too, in a function that makes its own calibration data."""
