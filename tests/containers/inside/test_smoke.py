"""The stages on a small script of ours: what they report when all is well, and when it is not."""

import pytest

pytest.importorskip("torch", reason="needs the cpu extra")
pytestmark = pytest.mark.torch

SCRIPT = """
import glob, os, sys, time, zlib, io
import numpy as np
import sentencepiece
import torch
import torch.distributed as dist
import torch.nn.functional as F
from flash_attn_interface import flash_attn_func


class Hyperparameters:
    data_path = os.environ.get("DATA_PATH", "./data/datasets/fineweb10B_sp512")
    val_files = os.path.join(data_path, "fineweb_val_*.bin")
    tokenizer_path = os.environ.get("TOKENIZER_PATH", "./data/tokenizers/fineweb_512_bpe.model")
    vocab_size = int(os.environ.get("VOCAB_SIZE", 512))
    iterations = int(os.environ.get("ITERATIONS", 20000))
    model_dim = int(os.environ.get("MODEL_DIM", 256))
    num_heads = int(os.environ.get("NUM_HEADS", 4))
    num_layers = 2
    train_seq_len = 1024


class Block(torch.nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = torch.nn.Linear(dim, 3 * dim, bias=False)

    def forward(self, x):
        q, k, v = self.qkv(x).view(*x.shape[:2], self.heads, -1).chunk(3, dim=-1)
        return x + flash_attn_func(q, k, v, causal=CAUSAL).reshape(x.shape)


class GPT(torch.nn.Module):
    def __init__(self, h):
        super().__init__()
        self.emb = torch.nn.Embedding(h.vocab_size, h.model_dim)
        self.blocks = torch.nn.ModuleList(Block(h.model_dim, h.num_heads) for _ in range(h.num_layers))

    def forward(self, ids, targets):
        x = self.emb(ids)
        for block in self.blocks:
            x = block(x)
        logits = F.linear(x, self.emb.weight)
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


def tokens(pattern):
    return torch.from_numpy(np.fromfile(sorted(glob.glob(pattern))[0], "<u2", offset=1024).astype(np.int64))


def eval_val(model, h):
    data = tokens(h.val_files)[: 4 * h.train_seq_len + 1].cuda()
    with torch.inference_mode(), torch.autocast("cuda", dtype=torch.bfloat16):
        loss = model(data[:-1].view(4, -1), data[1:].view(4, -1)).item()
    return loss, loss * 1.2


def main():
    h = Hyperparameters()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl", device_id=device)
    sentencepiece.SentencePieceProcessor(model_file=h.tokenizer_path)
    model = torch.compile(GPT(h).to(device), dynamic=False)
    print("steps", h.iterations, "dim", h.model_dim)
    data = tokens(h.data_path + "/fineweb_train_*.bin").to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    for step in range(h.iterations):
        x = data[: 2 * h.train_seq_len + 1]
        loss = model(x[:-1].view(2, -1), x[1:].view(2, -1)) * FACTOR
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    BEFORE_SAVING
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    open("final_model.int8.ptz", "wb").write(zlib.compress(buffer.getvalue()))
    model.load_state_dict(torch.load(io.BytesIO(zlib.decompress(open("final_model.int8.ptz", "rb").read()))))
    val_loss, val_bpb = eval_val(model, h)
    print(f"final val_loss:{val_loss:.4f} val_bpb:{val_bpb:.4f}")


if __name__ == "__main__":
    main()
"""


def script(causal="True", factor="1.0", before="pass"):
    return SCRIPT.replace("CAUSAL", causal).replace("FACTOR", factor).replace("BEFORE_SAVING", before)


@pytest.fixture
def box(inside, vocabulary, monkeypatch):
    (inside.folder / "data").symlink_to(vocabulary)
    return inside


def stages(reports):
    return {line["stage"]: line for line in reports if line["event"] == "stage"}


def test_a_script_that_works(box):
    reports = box.smoke(script(), env={"ITERATIONS": "9000", "MODEL_DIM": "128", "WORLD_SIZE": "99"})
    assert box.done.returncode == 0, box.done.stderr[-2000:]
    ended = stages(reports)
    assert list(ended) == ["import", "build", "forward", "run"]
    assert {line["status"] for line in ended.values()} == {"ok"}
    figures = {line["name"]: line["value"] for line in reports if line["event"] == "figure"}
    assert (figures["dim"], figures["layers"], figures["vocab"]) == (128, 2, 512)
    assert figures["parameters"] == 512 * 128 + 2 * 3 * 128 * 128
    assert figures["causal"] is True
    run = ended["run"]["figures"]
    assert run["parameters_tiny"] == 512 * 16 + 2 * 3 * 16 * 16
    assert (run["optimizer_steps"], run["backward_passes"], run["state_loads"]) == (3, 3, 1)
    assert run["scaled"]["ITERATIONS"] == [9000, 3]
    (evaluation,) = [line for line in reports if line["event"] == "evaluation"]
    assert evaluation["function"] == "eval_val"
    assert evaluation["val_bpb"] == pytest.approx(1.2 * evaluation["val_loss"])
    files = {line["path"]: line["bytes"] for line in reports if line["event"] == "file"}
    assert files == {"final_model.int8.ptz": figures["artifact_bytes"]}
    share = run["parameters_tiny"] / figures["parameters"]
    assert figures["artifact_bytes_full"] * share == pytest.approx(figures["artifact_bytes"], rel=1e-3)
    shims = {line["name"] for line in reports if line["event"] == "shim"}
    assert {"cuda-device", "distributed", "flash-attention", "inference-mode", "scale"} <= shims
    assert [line for line in reports if line["event"] in ("gap", "attempt")] == []
    assert reports[-1]["event"] == "end"


def test_a_model_that_looks_ahead(box):
    reports = box.smoke(script(causal="False"), stages=["build"])
    forward = stages(reports)["forward"]
    assert forward["figures"]["causal"] is False
    assert forward["figures"]["causality_difference_before"] > 0.001


def test_a_loss_that_is_not_finite(box):
    reports = box.smoke(script(), stages=["build"], env={"MODEL_DIM": "128"})
    assert stages(reports)["forward"]["status"] == "ok"
    broken = script().replace("targets.flatten())", "targets.flatten()) * float('nan')")
    reports = box.smoke(broken, stages=["build"])
    forward = [line for line in reports if line.get("stage") == "forward"][-1]
    assert (forward["status"], forward["error"]["class"]) == ("failed", "LossNotFinite")


def test_leaving_early_with_status_0_is_not_an_end(box):
    reports = box.smoke(script(before="os._exit(0)"), stages=["run"])
    run = stages(reports)["run"]
    assert (run["status"], run["error"]["class"]) == ("failed", "ExitedEarly")
    assert box.done.returncode == 1


def test_an_error_is_told_by_the_line_of_the_submission(box):
    reports = box.smoke(script(before="torch.zeros(2) @ torch.zeros(3)"), stages=["run"])
    error = stages(reports)["run"]["error"]
    assert (error["class"], error["file"]) == ("RuntimeError", "train_gpt.py")
    assert error["text"] == "torch.zeros(2) @ torch.zeros(3)"
    line = script(before="#").splitlines().index("    #") + 1
    assert error["line"] == line
    assert error["gaps"] == []


def test_a_stage_that_never_ends_is_stopped_where_it_is(box):
    reports = box.smoke(
        "import time\nvocab_size = 512\ntime.sleep(600)\n", stages=["run"], limits={"run_seconds": 5}
    )
    error = stages(reports)["run"]["error"]
    assert (error["class"], error["text"]) == ("StageTimeoutError", "time.sleep(600)")


def test_a_missing_helper_is_named(box):
    reports = box.smoke("vocab_size = 512; import no_such_helper\n")
    error = stages(reports)["import"]["error"]
    assert (error["class"], error["module"], error["line"]) == ("ModuleNotFoundError", "no_such_helper", 1)
    assert list(stages(reports)) == ["import"]


def test_packed_sources_run_through_their_own_exec_and_keep_their_lines(box):
    reports = box.smoke(
        """
        import zlib, base64; vocab_size = 512
        text = 'value = {"a": 1}\\ntext = f"{value["a"]}"\\n# ' + 'x' * 500 + '\\nraise KeyError(text)\\n'
        exec(zlib.decompress(zlib.compress(text.encode())).decode())
        """
    )
    error = stages(reports)["import"]["error"]
    assert (error["class"], error["message"], error["line"]) == ("KeyError", "'1'", 4)
    assert (error["file"], error["text"]) == ("<unpacked 1>", "raise KeyError(text)")
    assert [line["name"] for line in reports if line["event"] == "unpacked"] == ["<unpacked 1>"]


def test_a_script_finds_its_place_in_a_repository(box):
    reports = box.smoke(
        """
        from pathlib import Path; vocab_size = 512
        here = Path(__file__).resolve()
        assert here.parents[2].name == "records", here
        assert list((here.parents[3] / "data" / "datasets").iterdir())
        (here.parent / "out.bin").write_bytes(b"x")
        """,
        stages=["run"],
    )
    assert stages(reports)["run"]["status"] == "ok"
    assert [line["path"] for line in reports if line["event"] == "file"] == ["out.bin"]


RANKS = """
import os
import torch.distributed as dist
vocab_size = 512
dist.init_process_group("nccl")
world = int(os.environ.get("WORLD_SIZE", "1"))
assert world == dist.get_world_size()
gathered = [None] * world
dist.all_gather_object(gathered, "mine")
assert gathered == ["mine"] * world
open(f"out{world}.bin", "w").write("x")
room = 10 if LIMIT else 80
if room // world > LIMIT:
    raise ValueError("its share does not fit")
"""


def test_what_only_works_with_a_share_runs_as_one_rank_of_many(box):
    reports = box.smoke(RANKS.replace("LIMIT", "1"), stages=["run"], nproc=8)
    assert stages(reports)["run"]["status"] == "ok"
    assert "one-rank-of-many" in stages(reports)["run"]["figures"]["shims"]
    assert [line["path"] for line in reports if line["event"] == "file"] == ["out8.bin"]


@pytest.mark.parametrize(("limit", "ranks"), [("0", 8), ("1", 1)])
def test_what_fails_either_way_fails_as_it_did_alone(box, limit, ranks):
    reports = box.smoke(RANKS.replace("LIMIT", limit), stages=["run"], nproc=ranks)
    (ended,) = [line for line in reports if line["event"] == "stage"]
    assert (ended["status"], ended["error"]["class"]) == ("failed", "ValueError")


def test_executed_text_inherits_the_future_and_a_run_is_not_skipped(box):
    reports = box.smoke(
        """
        from __future__ import annotations
        import os
        exec("def f(x: NotDefined): return x\\nf(1)")
        exec(compile("def g(x: NotDefined): return x", "<string>", "exec"))
        assert "TTT_EVAL_ONLY" not in os.environ and os.environ["TTT_ENABLED"] == "1"
        vocab_size = 512
        """,
        stages=["run"],
        env={"TTT_EVAL_ONLY": "1", "TTT_ENABLED": "1"},
    )
    assert stages(reports)["run"]["error"] is None
    assert "trains-first" in [line["name"] for line in reports if line["event"] == "shim"]


def test_attempts_are_noted_with_their_line(box):
    reports = box.smoke(
        """
        import ctypes, socket, sys; vocab_size = 512
        try:
            socket.create_connection(("192.0.2.1", 80), timeout=0.1)
        except OSError:
            pass
        sys.settrace(None)
        getattr(ctypes.CDLL(None), "ptrace")
        import referee_inside.channel
        """,
        stages=["import"],
    )
    noted = {(line["kind"], line["line"]) for line in reports if line["event"] == "attempt"}
    assert noted == {
        ("reads-referee", ""),  # its text names our package
        ("network", "train_gpt.py:4"),
        ("tracing", "train_gpt.py:7"),
        ("ptrace", "train_gpt.py:8"),
    }
