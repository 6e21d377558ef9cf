"""
A small decoder-only transformer for the cpu_tiny track. One process, one core, no tricks:
train for a fixed number of steps, well under the wallclock cap, so that another machine gets the same score;
quantise to int8, compress with zlib, reload, score.
"""

from __future__ import annotations

import glob
import io
import math
import os
import platform
import sys
import time
import uuid
import zlib
from pathlib import Path

import numpy as np
import sentencepiece as spm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

# -----------------------------
# HYPERPARAMETERS
# -----------------------------


class Hyperparameters:
    data_path = os.environ.get("DATA_PATH", "./data/datasets/cpu_tiny_sp1024")
    train_files = os.path.join(data_path, "fineweb_train_*.bin")
    val_files = os.path.join(data_path, "fineweb_val_*.bin")
    tokenizer_path = os.environ.get("TOKENIZER_PATH", "./data/tokenizers/cpu_tiny_1024_bpe.model")
    run_id = os.environ.get("RUN_ID", str(uuid.uuid4()))
    seed = int(os.environ.get("SEED", 1337))
    num_threads = int(os.environ.get("NUM_THREADS", 1))

    val_batch_size = int(os.environ.get("VAL_BATCH_SIZE", 4096))
    val_loss_every = int(os.environ.get("VAL_LOSS_EVERY", 200))
    train_log_every = int(os.environ.get("TRAIN_LOG_EVERY", 50))

    iterations = int(os.environ.get("ITERATIONS", 150))
    train_batch_tokens = int(os.environ.get("TRAIN_BATCH_TOKENS", 1024))
    train_seq_len = int(os.environ.get("TRAIN_SEQ_LEN", 128))
    max_wallclock_seconds = float(os.environ.get("MAX_WALLCLOCK_SECONDS", 20.0))
    warmdown_fraction = float(os.environ.get("WARMDOWN_FRACTION", 0.4))

    vocab_size = int(os.environ.get("VOCAB_SIZE", 1024))
    num_layers = int(os.environ.get("NUM_LAYERS", 4))
    model_dim = int(os.environ.get("MODEL_DIM", 64))
    num_heads = int(os.environ.get("NUM_HEADS", 4))
    mlp_mult = int(os.environ.get("MLP_MULT", 4))
    logit_softcap = float(os.environ.get("LOGIT_SOFTCAP", 30.0))

    matrix_lr = float(os.environ.get("MATRIX_LR", 0.004))
    embed_lr = float(os.environ.get("EMBED_LR", 0.01))
    beta1 = float(os.environ.get("BETA1", 0.9))
    beta2 = float(os.environ.get("BETA2", 0.95))
    grad_clip_norm = float(os.environ.get("GRAD_CLIP_NORM", 1.0))


# -----------------------------
# DATA
# -----------------------------


def load_data_shard(file: Path) -> Tensor:
    header = np.fromfile(file, dtype="<i4", count=256)
    if header.size != 256 or int(header[0]) != 20240520 or int(header[1]) != 1:
        raise ValueError(f"Unexpected shard header for {file}")
    num_tokens = int(header[2])
    tokens = np.fromfile(file, dtype="<u2", count=num_tokens, offset=256 * 4)
    if tokens.size != num_tokens:
        raise ValueError(f"Short read for {file}")
    return torch.from_numpy(tokens.astype(np.int64))


class TokenStream:
    # Reads the training shards in order and wraps around for ever.
    def __init__(self, pattern: str):
        files = [Path(p) for p in sorted(glob.glob(pattern))]
        if not files:
            raise FileNotFoundError(f"No files found for pattern: {pattern}")
        self.tokens = torch.cat([load_data_shard(file) for file in files])
        self.pos = 0

    def next_batch(self, batch_tokens: int, seq_len: int) -> tuple[Tensor, Tensor]:
        if self.pos + batch_tokens + 1 > self.tokens.numel():
            self.pos = 0
        local = self.tokens[self.pos : self.pos + batch_tokens + 1]
        self.pos += batch_tokens
        return local[:-1].reshape(-1, seq_len), local[1:].reshape(-1, seq_len)


# -----------------------------
# TOKENIZER-AGNOSTIC EVALUATION
# -----------------------------


def build_sentencepiece_luts(
    sp: spm.SentencePieceProcessor, vocab_size: int
) -> tuple[Tensor, Tensor, Tensor]:
    table_size = max(int(sp.vocab_size()), vocab_size)
    base_bytes = np.zeros((table_size,), dtype=np.int16)
    has_leading_space = np.zeros((table_size,), dtype=np.bool_)
    is_boundary_token = np.ones((table_size,), dtype=np.bool_)
    for token_id in range(int(sp.vocab_size())):
        if sp.is_control(token_id) or sp.is_unknown(token_id) or sp.is_unused(token_id):
            continue
        is_boundary_token[token_id] = False
        if sp.is_byte(token_id):
            base_bytes[token_id] = 1
            continue
        piece = sp.id_to_piece(token_id)
        if piece.startswith("▁"):
            has_leading_space[token_id] = True
            piece = piece[1:]
        base_bytes[token_id] = len(piece.encode("utf-8"))
    return (
        torch.from_numpy(base_bytes),
        torch.from_numpy(has_leading_space),
        torch.from_numpy(is_boundary_token),
    )


def load_validation_tokens(pattern: str, seq_len: int) -> Tensor:
    files = [Path(p) for p in sorted(glob.glob(pattern))]
    if not files:
        raise FileNotFoundError(f"No files found for pattern: {pattern}")
    tokens = torch.cat([load_data_shard(file) for file in files]).contiguous()
    usable = ((tokens.numel() - 1) // seq_len) * seq_len
    if usable <= 0:
        raise ValueError(f"Validation split is too short for TRAIN_SEQ_LEN={seq_len}")
    return tokens[: usable + 1]


def count_bytes(x: Tensor, y: Tensor, luts: tuple[Tensor, Tensor, Tensor]) -> float:
    base_bytes_lut, has_leading_space_lut, is_boundary_token_lut = luts
    prev_ids, tgt_ids = x.reshape(-1), y.reshape(-1)
    token_bytes = base_bytes_lut[tgt_ids].to(torch.int16)
    token_bytes += (has_leading_space_lut[tgt_ids] & ~is_boundary_token_lut[prev_ids]).to(torch.int16)
    return float(token_bytes.to(torch.float64).sum())


def eval_val(
    args: Hyperparameters, model: nn.Module, val_tokens: Tensor, luts: tuple[Tensor, Tensor, Tensor]
) -> tuple[float, float]:
    seq_len = args.train_seq_len
    total_seqs = (val_tokens.numel() - 1) // seq_len
    batch_seqs = max(args.val_batch_size // seq_len, 1)
    loss_sum, token_count, byte_count = 0.0, 0.0, 0.0
    model.eval()
    with torch.inference_mode():
        for seq_start in range(0, total_seqs, batch_seqs):
            seq_end = min(seq_start + batch_seqs, total_seqs)
            local = val_tokens[seq_start * seq_len : seq_end * seq_len + 1]
            x = local[:-1].reshape(-1, seq_len)
            y = local[1:].reshape(-1, seq_len)
            loss_sum += float(model(x, y)) * y.numel()
            token_count += y.numel()
            byte_count += count_bytes(x, y, luts)
    model.train()
    val_loss = loss_sum / token_count
    return val_loss, val_loss / math.log(2.0) * (token_count / byte_count)


# -----------------------------
# MODEL
# -----------------------------


class CausalSelfAttention(nn.Module):
    def __init__(self, dim: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim, bias=False)
        nn.init.zeros_(self.proj.weight)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        bsz, seqlen, dim = x.shape
        q, k, v = self.qkv(x).view(bsz, seqlen, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        q, k = (rotate(F.rms_norm(t, (t.size(-1),)), cos, sin) for t in (q, k))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(bsz, seqlen, dim))


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.size(-1) // 2
    x1, x2 = x[..., :half], x[..., half:]
    return torch.cat((x1 * cos + x2 * sin, x2 * cos - x1 * sin), dim=-1)


class Block(nn.Module):
    def __init__(self, dim: int, num_heads: int, mlp_mult: int):
        super().__init__()
        self.attn = CausalSelfAttention(dim, num_heads)
        self.fc = nn.Linear(dim, mlp_mult * dim, bias=False)
        self.out = nn.Linear(mlp_mult * dim, dim, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attn(F.rms_norm(x, (x.size(-1),)), cos, sin)
        return x + self.out(torch.relu(self.fc(F.rms_norm(x, (x.size(-1),)))).square())


class GPT(nn.Module):
    def __init__(self, args: Hyperparameters):
        super().__init__()
        self.logit_softcap = args.logit_softcap
        self.tok_emb = nn.Embedding(args.vocab_size, args.model_dim)
        nn.init.normal_(self.tok_emb.weight, std=0.02)
        self.blocks = nn.ModuleList(
            Block(args.model_dim, args.num_heads, args.mlp_mult) for _ in range(args.num_layers)
        )
        half = args.model_dim // args.num_heads // 2
        angles = torch.outer(torch.arange(args.train_seq_len), 10000.0 ** (-torch.arange(half) / half))
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward_logits(self, input_ids: Tensor) -> Tensor:
        x = F.rms_norm(self.tok_emb(input_ids), (self.tok_emb.embedding_dim,))
        for block in self.blocks:
            x = block(x, self.cos[: input_ids.size(1)], self.sin[: input_ids.size(1)])
        logits = F.linear(F.rms_norm(x, (x.size(-1),)), self.tok_emb.weight)
        return self.logit_softcap * torch.tanh(logits / self.logit_softcap)

    def forward(self, input_ids: Tensor, target_ids: Tensor) -> Tensor:
        logits = self.forward_logits(input_ids)
        return F.cross_entropy(logits.reshape(-1, logits.size(-1)).float(), target_ids.reshape(-1))


# -----------------------------
# QUANTISATION
# -----------------------------


def quantize_state_dict_int8(state_dict: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    # One scale per output row; the embedding counts as a matrix.
    quantized, scales = {}, {}
    for name, tensor in state_dict.items():
        scale = (tensor.float().abs().amax(dim=1) / 127.0).clamp_min(1e-8)
        quantized[name] = torch.round(tensor.float() / scale[:, None]).clamp(-127, 127).to(torch.int8)
        scales[name] = scale.to(torch.float16)
    return {"quantized": quantized, "scales": scales}


def dequantize_state_dict_int8(obj: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: q.float() * obj["scales"][name].float()[:, None] for name, q in obj["quantized"].items()}


# -----------------------------
# TRAINING
# -----------------------------


def main() -> None:
    code = Path(__file__).read_text(encoding="utf-8")
    args = Hyperparameters()
    torch.set_num_threads(args.num_threads)
    torch.manual_seed(args.seed)
    os.makedirs("logs", exist_ok=True)
    logfile = f"logs/{args.run_id}.txt"

    def log0(msg: str, console: bool = True) -> None:
        if console:
            print(msg, flush=True)
        with open(logfile, "a", encoding="utf-8") as f:
            print(msg, file=f)

    log0(code, console=False)
    log0("=" * 100, console=False)
    log0(f"Running Python {sys.version}", console=False)
    log0(f"Running PyTorch {torch.__version__}", console=False)
    log0(f"device:cpu machine:{platform.machine()} threads:{args.num_threads}", console=False)
    log0("=" * 100, console=False)

    sp = spm.SentencePieceProcessor(model_file=args.tokenizer_path)
    if int(sp.vocab_size()) != args.vocab_size:
        raise ValueError(f"VOCAB_SIZE={args.vocab_size} does not match vocab_size={int(sp.vocab_size())}")
    val_tokens = load_validation_tokens(args.val_files, args.train_seq_len)
    luts = build_sentencepiece_luts(sp, args.vocab_size)
    train_loader = TokenStream(args.train_files)
    log0(f"val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path={args.tokenizer_path}")
    log0(f"train_loader:dataset:{Path(args.data_path).name} train_shards:{len(glob.glob(args.train_files))}")
    log0(f"val_loader:shards pattern={args.val_files} tokens:{val_tokens.numel() - 1}")

    model = GPT(args)
    matrix_params = [p for name, p in model.named_parameters() if name != "tok_emb.weight"]
    optimizer = torch.optim.AdamW(
        [
            {"params": [model.tok_emb.weight], "lr": args.embed_lr, "base_lr": args.embed_lr},
            {"params": matrix_params, "lr": args.matrix_lr, "base_lr": args.matrix_lr},
        ],
        betas=(args.beta1, args.beta2),
        weight_decay=0.0,
    )
    log0(f"model_params:{sum(p.numel() for p in model.parameters())}")
    log0("world_size:1 grad_accum_steps:1")
    log0(f"matrix_lr:{args.matrix_lr} embed_lr:{args.embed_lr}")
    log0(
        f"train_batch_tokens:{args.train_batch_tokens} train_seq_len:{args.train_seq_len} "
        f"iterations:{args.iterations} max_wallclock_seconds:{args.max_wallclock_seconds:.3f}"
    )
    log0(f"seed:{args.seed}")

    max_wallclock_ms = 1000.0 * args.max_wallclock_seconds
    training_time_ms, step, reached_cap = 0.0, 0, False
    t0 = time.perf_counter()
    while True:
        last_step = step == args.iterations or reached_cap
        if last_step or step % args.val_loss_every == 0:
            training_time_ms += 1000.0 * (time.perf_counter() - t0)
            val_loss, val_bpb = eval_val(args, model, val_tokens, luts)
            log0(
                f"step:{step}/{args.iterations} val_loss:{val_loss:.4f} val_bpb:{val_bpb:.4f} "
                f"train_time:{training_time_ms:.0f}ms step_avg:{training_time_ms / max(step, 1):.2f}ms"
            )
            t0 = time.perf_counter()
        if last_step:
            break
        elapsed_ms = training_time_ms + 1000.0 * (time.perf_counter() - t0)
        progress = max(elapsed_ms / max_wallclock_ms, step / args.iterations)
        lr_scale = min((1.0 - progress) / args.warmdown_fraction, 1.0, (step + 1) / 20)
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * max(lr_scale, 0.0)
        x, y = train_loader.next_batch(args.train_batch_tokens, args.train_seq_len)
        loss = model(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), args.grad_clip_norm)
        optimizer.step()
        step += 1
        approx_ms = training_time_ms + 1000.0 * (time.perf_counter() - t0)
        reached_cap = approx_ms >= max_wallclock_ms
        if step <= 5 or step % args.train_log_every == 0:
            log0(
                f"step:{step}/{args.iterations} train_loss:{loss.item():.4f} "
                f"train_time:{approx_ms:.0f}ms step_avg:{approx_ms / step:.2f}ms"
            )
    if reached_cap:
        log0(
            f"stopping_early: wallclock_cap train_time:{training_time_ms:.0f}ms "
            f"step:{step}/{args.iterations}"
        )

    code_bytes = len(code.encode("utf-8"))
    buffer = io.BytesIO()
    torch.save(quantize_state_dict_int8(model.state_dict()), buffer)
    with open("final_model.int8.ptz", "wb") as f:
        f.write(zlib.compress(buffer.getvalue(), level=9))
    model_bytes = os.path.getsize("final_model.int8.ptz")
    log0(f"Serialized model int8+zlib: {model_bytes} bytes")
    log0(f"Code size: {code_bytes} bytes")
    log0(f"Total submission size int8+zlib: {model_bytes + code_bytes} bytes")

    # Score what is in the artifact, not what is in memory.
    with open("final_model.int8.ptz", "rb") as f:
        restored = torch.load(io.BytesIO(zlib.decompress(f.read())), weights_only=True)
    model.load_state_dict(dequantize_state_dict_int8(restored), strict=True)
    t_eval = time.perf_counter()
    q_val_loss, q_val_bpb = eval_val(args, model, val_tokens, luts)
    log0(
        f"final_int8_zlib_roundtrip val_loss:{q_val_loss:.4f} val_bpb:{q_val_bpb:.4f} "
        f"eval_time:{1000.0 * (time.perf_counter() - t_eval):.0f}ms"
    )
    log0(f"final_int8_zlib_roundtrip_exact val_loss:{q_val_loss:.8f} val_bpb:{q_val_bpb:.8f}")


if __name__ == "__main__":
    main()
