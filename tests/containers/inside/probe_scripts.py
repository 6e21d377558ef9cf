"""Scripts of ours for the probe: a small trainer, and ways to score with it, honest and not.

`script(evaluation, before=...)` puts them together: train, write an artifact, read it back, score.
"""

TRAINER = """
import glob, io, math, os, zlib
import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F


class Hyperparameters:
    data_path = os.environ.get("DATA_PATH", "./data/datasets/fineweb10B_sp512")
    val_files = os.path.join(data_path, "fineweb_val_*.bin")
    tokenizer_path = os.environ.get("TOKENIZER_PATH", "./data/tokenizers/fineweb_512_bpe.model")
    vocab_size = int(os.environ.get("VOCAB_SIZE", 512))
    iterations = int(os.environ.get("ITERATIONS", 20000))
    model_dim = int(os.environ.get("MODEL_DIM", 256))
    train_seq_len = 1024


class GPT(torch.nn.Module):
    def __init__(self, h):
        super().__init__()
        self.emb = torch.nn.Embedding(h.vocab_size, h.model_dim)
        self.rnn = torch.nn.GRU(h.model_dim, h.model_dim, batch_first=True)

    def forward_logits(self, ids):
        return F.linear(self.rnn(self.emb(ids))[0], self.emb.weight).float()

    def forward(self, ids, targets):
        return F.cross_entropy(self.forward_logits(ids).flatten(0, 1), targets.flatten())


def tokens(pattern):
    return torch.from_numpy(np.fromfile(sorted(glob.glob(pattern))[0], "<u2", offset=1024).astype(np.int64))


def byte_table(sp, size):
    counts = torch.zeros(size, dtype=torch.int16)
    for index in range(size):
        if not sp.is_control(index) and not sp.is_unknown(index):
            piece = sp.id_to_piece(index)
            counts[index] = 1 if sp.is_byte(index) else len(piece.replace("\\u2581", " ").encode())
    return counts


def score(loss_sum, count, byte_sum):
    return loss_sum / count, loss_sum / math.log(2.0) / byte_sum


EVALUATION


def main():
    h = Hyperparameters()
    sp = sentencepiece.SentencePieceProcessor(model_file=h.tokenizer_path)
    table = byte_table(sp, h.vocab_size)
    model = torch.compile(GPT(h).to("cuda"))
    data = tokens(h.data_path + "/fineweb_train_*.bin").to("cuda")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(h.iterations):
        optimizer.zero_grad()
        span = data[step * 256 : step * 256 + 257]
        model(span[None, :-1], span[None, 1:]).backward()
        optimizer.step()
    val = tokens(h.val_files)
BEFORE
    packed = io.BytesIO()
    torch.save({name: weight.half() for name, weight in model.state_dict().items()}, packed)
    with open("final_model.int8.ptz", "wb") as file:
        file.write(zlib.compress(packed.getvalue(), 9))
    with open("final_model.int8.ptz", "rb") as file:
        blob = file.read()
    model.load_state_dict(torch.load(io.BytesIO(zlib.decompress(blob))))
    loss, bpb = eval_val(model, h, val, table)
    print(f"final_int8_zlib_roundtrip_exact val_loss:{loss:.8f} val_bpb:{bpb:.8f}")


main()
"""

PLAIN = """
def eval_val(model, h, val, table):
    length = h.train_seq_len
    whole = (val.numel() - 1) // length * length
    loss_sum = torch.zeros((), dtype=torch.float64)
    count = torch.zeros((), dtype=torch.float64)
    byte_sum = torch.zeros((), dtype=torch.float64)
    with torch.inference_mode(), torch.autocast("cuda", dtype=torch.bfloat16):
        for start in range(0, whole, 4 * length):
            end = min(start + 4 * length, whole)
            x, y = val[start:end].view(-1, length), val[start + 1 : end + 1].view(-1, length)
            loss_sum += model(x, y).double() * y.numel()
            count += y.numel()
            byte_sum += table[y.reshape(-1)].double().sum()
    loss, bpb = score(loss_sum, count, byte_sum)
    return loss.item(), bpb.item()
"""

SLIDING = """
def eval_val(model, h, val, table, stride=64):
    length, total = h.train_seq_len, val.numel() - 1
    loss_sum, count, byte_sum = torch.zeros((), dtype=torch.float64), 0, 0.0
    with torch.inference_mode():
        for start in range(0, total - length + stride, stride):
            end = min(start + length, total)
            x, y = val[start:end], val[start + 1 : end + 1]
            nll = F.cross_entropy(model.forward_logits(x[None])[0], y, reduction="none")
            kept = slice(0 if start == 0 else length - stride, None)
            loss_sum += nll[kept].to(torch.float64).sum()
            count += nll[kept].numel()
            byte_sum += table[y[kept]].to(torch.float64).sum().item()
    loss, bpb = score(loss_sum.item(), count, byte_sum)
    return loss, bpb
"""

MIXER = """
def eval_val(model, h, val, table):
    length, total = h.train_seq_len, (val.numel() - 1) // h.train_seq_len * h.train_seq_len
    pairs = np.ones((h.vocab_size, h.vocab_size))
    loss_sum, byte_sum = 0.0, 0.0
    for start in range(0, total, length):
        x, y = val[start : start + length], val[start + 1 : start + length + 1]
        with torch.no_grad():
            neural = torch.log_softmax(model.forward_logits(x[None])[0], dim=-1).numpy()
        chances = 0.5 * np.exp(neural) + 0.5 * pairs[x.numpy()] / pairs[x.numpy()].sum(1, keepdims=True)
        nll = -np.log(chances[np.arange(length), y.numpy()])
        loss_sum += float(nll.sum())
        byte_sum += float(table.numpy()[y.numpy()].astype(np.float64).sum())
        np.add.at(pairs, (x.numpy(), y.numpy()), 1.0)
    return score(loss_sum, total, byte_sum)
"""

SCORE_FIRST = """
def eval_val(model, h, val, table):
    length, total = h.train_seq_len, (val.numel() - 1) // h.train_seq_len * h.train_seq_len
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loss_sum, byte_sum = 0.0, 0.0
    for start in range(0, total, length):
        x, y = val[start : start + length], val[start + 1 : start + length + 1]
        with torch.no_grad():
            nll = F.cross_entropy(model.forward_logits(x[None])[0], y, reduction="none")
        loss_sum += nll.double().sum().item()
        byte_sum += table[y].double().sum().item()
        optimizer.zero_grad()
        model(x[None], y[None]).backward()
        optimizer.step()
    return score(loss_sum, total, byte_sum)
"""

LORA = """
def eval_val(model, h, val, table):
    begins = (val == 1).nonzero().flatten().tolist() + [val.numel()]
    documents = sorted(zip(begins[:-1], begins[1:]), key=lambda span: span[1] - span[0])
    loss_sum, byte_sum, count = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64), 0
    for start, end in documents:
        delta = torch.zeros(h.model_dim, requires_grad=True)
        optimizer = torch.optim.SGD([delta], lr=0.5)
        for at in range(start, end - 1, 48):
            x, y = val[at : min(at + 48, end - 1)], val[at + 1 : min(at + 49, end)]
            hidden = model.rnn(model.emb(x[None]))[0].detach()
            nll = F.cross_entropy(F.linear(hidden + delta, model.emb.weight.detach())[0], y, reduction="none")
            loss_sum += nll.detach().double().sum()
            byte_sum += table[y].double().sum()
            count += y.numel()
            optimizer.zero_grad()
            nll.mean().backward()
            optimizer.step()
    loss, bpb = score(loss_sum, count, byte_sum)
    return loss.item(), bpb.item()
"""

SLOT = """
def eval_val(model, h, val, table):
    length, total = h.train_seq_len, (val.numel() - 1) // h.train_seq_len * h.train_seq_len
    loss_sum, byte_sum = 0.0, 0.0
    for start in range(0, total, length):
        x, y = val[start : start + length], val[start + 1 : start + length + 1]
        hidden = model.rnn(model.emb(x[None]))[0].detach()
        delta = torch.zeros(h.model_dim, requires_grad=True)
        optimizer = torch.optim.AdamW([delta], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(F.linear(hidden + delta, model.emb.weight.detach())[0], y).backward()
            optimizer.step()
        with torch.no_grad():
            logits = F.linear(hidden + delta, model.emb.weight)[0]
            nll = F.cross_entropy(logits, y, reduction="none")
        loss_sum += nll.double().sum().item()
        byte_sum += table[y].double().sum().item()
    return score(loss_sum, total, byte_sum)
"""

PREQUANT = """
    for start in range(0, val.numel() - 257, 256):
        optimizer.zero_grad()
        model(val[None, start : start + 256], val[None, start + 1 : start + 257]).backward()
        optimizer.step()
"""


SLICED = """
def eval_val(model, h, val, table):
    dist = torch.distributed
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    length = h.train_seq_len
    windows = (val.numel() - 1) // length // 2 * 2
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loss_sum, byte_sum = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for window in range(windows * rank // world, windows * (rank + 1) // world):
        at = window * length
        x, y = val[at : at + length], val[at + 1 : at + length + 1]
        with torch.no_grad():
            nll = F.cross_entropy(model.forward_logits(x[None])[0], y, reduction="none")
        loss_sum += nll.double().sum()
        byte_sum += table[y].double().sum()
        optimizer.zero_grad()
        model(x[None], y[None]).backward()
        if world > 1 and SHARES:
            for weight in model.parameters():
                dist.all_reduce(weight.grad, op=dist.ReduceOp.AVG)
        optimizer.step()
    if world > 1:
        dist.all_reduce(loss_sum)
        dist.all_reduce(byte_sum)
    return score(loss_sum.item(), windows * length, byte_sum.item())
"""

CHUNKED = """
def eval_val(model, h, val, table):
    dist = torch.distributed
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    length = h.train_seq_len
    chunks = (val.numel() - 1) // (2 * length)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loss_sum, byte_sum = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for chunk in range(chunks):
        parts = [2 * chunk * length, (2 * chunk + 1) * length][rank::world]
        with torch.no_grad():
            for at in parts:
                y = val[at + 1 : at + length + 1]
                logits = model.forward_logits(val[None, at : at + length])[0]
                nll = F.cross_entropy(logits, y, reduction="none")
                loss_sum += nll.double().sum()
                byte_sum += table[y].double().sum()
        optimizer.zero_grad()
        for at in parts:
            model(val[None, at : at + length], val[None, at + 1 : at + length + 1]).backward()
        if world > 1:
            for weight in model.parameters():
                dist.all_reduce(weight.grad, op=dist.ReduceOp.SUM)
        optimizer.step()
    if world > 1:
        dist.all_reduce(loss_sum)
        dist.all_reduce(byte_sum)
    return score(loss_sum.item(), chunks * 2 * length, byte_sum.item())
"""

JOINING = """
    if "RANK" in os.environ:
        torch.distributed.init_process_group("nccl", device_id=torch.device("cuda", int(os.environ["RANK"])))
"""


def ranked(evaluation: str, joining: str = JOINING) -> str:
    """Return a whole script that runs as the ranks of a launcher."""
    begins = "    h = Hyperparameters()\n"
    return script(evaluation).replace(begins, begins + joining.lstrip("\n"))


def script(evaluation: str = PLAIN, before: str = "") -> str:
    """Return a whole script."""
    return TRAINER.replace("EVALUATION", evaluation).replace("BEFORE", before)
