"""A script of ours for the probe that trains and scores with MLX, and ways to score with it, honest and not.

`script(evaluation, reload=...)` puts them together: train, write an artifact, read it back, score.
"""

TRAINER = """
import glob, math, os, pickle, zlib
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import sentencepiece
from mlx.utils import tree_flatten, tree_unflatten


class Hyperparameters:
    data_path = os.environ.get("DATA_PATH", "./data/datasets/fineweb10B_sp512")
    val_files = os.path.join(data_path, "fineweb_val_*.bin")
    tokenizer_path = os.environ.get("TOKENIZER_PATH", "./data/tokenizers/fineweb_512_bpe.model")
    vocab_size = int(os.environ.get("VOCAB_SIZE", 512))
    iterations = int(os.environ.get("ITERATIONS", 20000))
    model_dim = int(os.environ.get("MODEL_DIM", 256))
    train_seq_len = 1024
    chunk = 384


class GPT(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.chunk = h.chunk
        self.emb = nn.Embedding(h.vocab_size, h.model_dim)
        self.mix = nn.Linear(2 * h.model_dim, h.model_dim)

    def logits(self, ids):
        now = self.emb(ids)
        before = mx.concatenate([mx.zeros_like(now[:, :1]), now[:, :-1]], axis=1)
        seen = now + mx.tanh(self.mix(mx.concatenate([now, before], axis=-1)))
        return (seen @ self.emb.weight.T).astype(mx.bfloat16).reshape(-1, self.emb.weight.shape[0])

    def loss(self, ids, targets):
        logits, y = self.logits(ids).astype(mx.float32), targets.reshape(-1)
        total = mx.array(0.0)
        for at in range(0, y.size, self.chunk):
            part = slice(at, at + self.chunk)
            total = total + nn.losses.cross_entropy(logits[part], y[part], reduction="sum")
        return total / y.size


def tokens(pattern):
    return np.fromfile(sorted(glob.glob(pattern))[0], "<u2", offset=1024).astype(np.int32)


def byte_table(sp, size):
    counts = np.zeros(size, np.int16)
    for index in range(size):
        if not sp.is_control(index) and not sp.is_unknown(index):
            piece = sp.id_to_piece(index)
            counts[index] = 1 if sp.is_byte(index) else len(piece.replace("\\u2581", " ").encode())
    return counts


EVALUATION


def main():
    h = Hyperparameters()
    sp = sentencepiece.SentencePieceProcessor(model_file=h.tokenizer_path)
    table = byte_table(sp, h.vocab_size)
    mx.random.seed(7)
    model = GPT(h)
    compiled = mx.compile(model.loss, inputs=model.state, outputs=model.state)
    learn = mx.compile(nn.value_and_grad(model, model.loss), inputs=model.state, outputs=model.state)
    adam = optim.Adam(learning_rate=1e-2)
    data = tokens(h.data_path + "/fineweb_train_*.bin")
    for step in range(h.iterations):
        span = data[step * 256 : step * 256 + 257]
        loss, grads = learn(mx.array(span[None, :-1]), mx.array(span[None, 1:]))
        if step % 2:
            adam.update(model, grads)
        else:
            weights, steps = dict(tree_flatten(model.parameters())), dict(tree_flatten(grads))
            model.update(tree_unflatten([(name, w - 0.1 * steps[name]) for name, w in weights.items()]))
    val = tokens(h.val_files)
    state = {name: np.array(w.astype(mx.float16)) for name, w in tree_flatten(model.parameters())}
    with open("final_model.int8.ptz", "wb") as file:
        file.write(zlib.compress(pickle.dumps(state), 9))
    with open("final_model.int8.ptz", "rb") as file:
        state = pickle.loads(zlib.decompress(file.read()))
    RELOAD
    loss, bpb = eval_val(model, compiled, h, val, table)
    print(f"final_int8_zlib_roundtrip_exact val_loss:{loss:.8f} val_bpb:{bpb:.8f}")


main()
"""

MEANS = """
def eval_val(model, compiled, h, val, table):
    length, loss_sum, count, byte_sum = h.train_seq_len, 0.0, 0, 0.0
    for start in range(0, (val.size - 1) // length * length, length):
        x, y = val[start : start + length], val[start + 1 : start + length + 1]
        loss = compiled(mx.array(x[None]), mx.array(y[None]))
        mx.eval(loss)
        loss_sum += float(loss.item()) * y.size
        byte_sum += float(table[y].astype(np.float64).sum())
        count += y.size
    return loss_sum / count, loss_sum / math.log(2.0) / byte_sum
"""

PICKED = """
def eval_val(model, compiled, h, val, table):
    length, loss_sum, count, byte_sum = h.train_seq_len, 0.0, 0, 0.0
    for start in range(0, (val.size - 1) // length * length, length):
        x, y = val[start : start + length], val[start + 1 : start + length + 1]
        logits = model.logits(mx.array(x[None])).astype(mx.float32)
        taken = mx.take_along_axis(logits, mx.array(y)[:, None], axis=-1).squeeze(-1)
        nll = np.array(mx.logsumexp(logits, axis=-1) - taken)
        loss_sum += float(nll.sum(dtype=np.float64))
        byte_sum += float(table[y].astype(np.float64).sum())
        count += y.size
    return loss_sum / count, loss_sum / math.log(2.0) / byte_sum
"""

MASKED = """
def eval_val(model, compiled, h, val, table):
    def masked(x, y, mask):
        logits = model.logits(x).astype(mx.float32)
        nll = mx.logsumexp(logits, axis=-1) - mx.take_along_axis(logits, y[:, None], axis=-1).reshape(-1)
        return mx.sum(nll * mask) / mx.sum(mask)

    masked = mx.compile(masked, inputs=model.state)
    length, loss_sum, count, byte_sum = h.train_seq_len, 0.0, 0, 0.0
    for start in range(0, val.size - 1, length // 4 * 3):
        end = min(start + length // 4 * 3, val.size - 1)
        x, y, mask = np.zeros((3, length), np.int32)
        x[: end - start], y[: end - start], mask[: end - start] = val[start:end], val[start + 1 : end + 1], 1
        loss_sum += masked(mx.array(x[None]), mx.array(y), mx.array(mask)).item() * (end - start)
        byte_sum += float(table[val[start + 1 : end + 1]].astype(np.float64).sum())
        count += end - start
    return loss_sum / count, loss_sum / math.log(2.0) / byte_sum
"""

ADAPTS_FIRST = MEANS.replace(
    "        loss = compiled(",
    "        learnt = nn.value_and_grad(model, model.loss)(mx.array(x[None]), mx.array(y[None]))[1]\n"
    "        optim.SGD(learning_rate=0.5).update(model, learnt)\n"
    "        loss = compiled(",
)

ARTIFACT = "model.update(tree_unflatten([(name, mx.array(np.float32(w))) for name, w in state.items()]))"


def script(evaluation: str = MEANS, reload: str = ARTIFACT) -> str:
    """Return a whole script."""
    return TRAINER.replace("EVALUATION", evaluation).replace("RELOAD", reload)
