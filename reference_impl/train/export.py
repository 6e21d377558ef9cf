"""From trained weights to a checked artifact: calibrate, round, compress, weigh, read back, score.

Promises that the printed score is of the weights read back from the file, and that an artifact over its cap
is an error before anything is scored. Calibration on training tokens runs on the training clock and ends at
its cap.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from reference_impl.artifact.calibrate import collect_hessians, write_text
from reference_impl.artifact.container import Artifact, ArtifactError, load_artifact, pack_artifact
from reference_impl.artifact.qat import set_rounding
from reference_impl.artifact.quantise import quantise_state
from reference_impl.evaluate.score import Score
from reference_impl.train.session import Session
from reference_impl.train.validate import validate

# Text that the model writes itself costs a forward pass a token; this much is enough for second moments.
MOST_GENERATED_TOKENS = 256


def export(session: Session, code_bytes: int, path: Path) -> tuple[Artifact, Score]:
    """Write the artifact, and return it as read back with its score.

    Raises ArtifactError when code and artifact together are over `quant.cap_bytes`.
    """
    set_rounding(session.model, session.config.quant, False)
    session.model.eval()
    hessians = calibrate(session) if session.config.quant.gptq else {}
    stored = quantise_state(session.model.state_dict(), session.config.quant, hessians)
    blob = pack_artifact(stored, session.config, session.dataset.tokenizer_sha256)
    path.write_bytes(blob)
    weigh(session, len(blob), code_bytes)
    artifact = load_artifact(path)
    artifact.model.to(session.peers.device)
    began = time.perf_counter()
    score = validate(artifact.model, session.config, session.dataset)
    report_score(session, score, 1000.0 * (time.perf_counter() - began))
    return artifact, score


def calibrate(session: Session) -> dict[str, Tensor]:
    """Return the Hessians that GPTQ rounds with."""
    quant, clock = session.config.quant, session.clock
    cap_ms = 1000.0 * session.config.train.max_wallclock_seconds
    began = time.perf_counter()
    if quant.gptq_source == "train":
        clock.start()
        hessians = collect_hessians(
            session.model, training_batches(session), lambda: cap_ms <= 0 or clock.elapsed_ms() < cap_ms
        )
        clock.stop()
    else:
        length = min(session.config.train.train_seq_len, MOST_GENERATED_TOKENS)
        text = write_text(session.model, quant.gptq_sequences, length, session.config.train.seed)
        hessians = collect_hessians(session.model, iter(text.split(8)), lambda: True)
    seconds = time.perf_counter() - began
    session.log.say(f"GPTQ:collected {len(hessians)} Hessians in {seconds:.1f}s")
    session.log.note("calibration", source=quant.gptq_source, seconds=seconds, train_ms=clock.elapsed_ms())
    return hessians


def training_batches(session: Session) -> Iterator[Tensor]:
    """Yield single sequences that follow those the loop has read."""
    length = session.config.train.train_seq_len
    for _ in range(session.config.quant.gptq_sequences):
        yield session.loader.next_batch(length, length)[0]


def format_name(session: Session) -> str:
    """Return how the artifact is stored, as log lines name it: `int6+zstd`."""
    quant = session.config.quant
    return f"int{min(quant.attn_bits, quant.mlp_bits)}+{quant.compressor}"


def weigh(session: Session, model_bytes: int, code_bytes: int) -> None:
    """Report the sizes and refuse what is over the cap."""
    name, cap = format_name(session), session.config.quant.cap_bytes
    total = model_bytes + code_bytes
    session.log.say(f"Serialized model {name}: {model_bytes} bytes")
    session.log.say(f"Code size: {code_bytes} bytes")
    session.log.say(f"Total submission size {name}: {total} bytes")
    session.log.note("size", model_bytes=model_bytes, code_bytes=code_bytes, cap_bytes=cap)
    if total > cap:
        raise ArtifactError(f"the artifact has {total} bytes with its code; the cap is {cap}")


def report_score(session: Session, score: Score, eval_ms: float) -> None:
    """Report the score of the file."""
    label = f"final_{format_name(session).replace('+', '_')}_roundtrip"
    session.log.say(
        f"{label} val_loss:{score.val_loss:.4f} val_bpb:{score.val_bpb:.4f} eval_time:{eval_ms:.0f}ms"
    )
    session.log.say(f"{label}_exact val_loss:{score.val_loss:.8f} val_bpb:{score.val_bpb:.8f}")
    session.log.note(
        "final", val_loss=score.val_loss, val_bpb=score.val_bpb, tokens=score.tokens, bytes=score.bytes
    )


def report_memory(session: Session) -> None:
    """Report the peak memory of a CUDA device."""
    if session.peers.device.type == "cuda":
        allocated = torch.cuda.max_memory_allocated() >> 20
        reserved = torch.cuda.max_memory_reserved() >> 20
        session.log.say(f"peak memory allocated: {allocated} MiB reserved: {reserved} MiB")
