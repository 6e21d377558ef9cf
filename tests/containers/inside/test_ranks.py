"""Two real processes joined by gloo: what each collective leaves, and what the probe makes of such runs."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch", reason="needs the cpu extra")
pytest.importorskip("numpy", reason="needs the cpu extra")
pytestmark = pytest.mark.torch

from tests.containers.inside import probe_scripts as scripts  # noqa: E402

TWO = """
import json, os
from referee_inside.shim import install
install.install()
import torch
import torch.distributed as dist
from referee_inside.shim import ranks

reader, writer = os.pipe()
rank = 0 if os.fork() else 1
ranks.join(rank, 2, os.path.join(os.getcwd(), "store"))
dist.init_process_group("nccl", device_id=torch.device("cuda", rank))
said = {}
BODY
if rank == 1:
    os.write(writer, json.dumps(said).encode())
    os._exit(0)
os.close(writer)
other = json.loads(os.fdopen(reader).read())
print(json.dumps([said, other]))
"""

COLLECTIVES = """
own = torch.arange(4, dtype=torch.float32) + 10 * rank
def said_as(name, tensor):
    said[name] = tensor.tolist()
for name in ("SUM", "AVG", "MAX", "MIN"):
    for dtype in (torch.float32, torch.bfloat16, torch.int64):
        if name != "AVG" or dtype.is_floating_point:
            made = own.clone().to(dtype)
            dist.all_reduce(made, op=getattr(dist.ReduceOp, name))
            said_as(f"{name} {dtype}", made)
made = own.clone()
dist.all_reduce(made, async_op=True).wait()
said_as("async", made)
made = own.clone()
dist.broadcast(made, src=1)
said_as("broadcast", made)
flag = torch.tensor(rank == 1)
dist.broadcast(flag, 1)
said_as("flag", flag)
outputs = [torch.zeros(4), torch.zeros(4)]
dist.all_gather(outputs, own)
said_as("all_gather", torch.stack(outputs))
flat = torch.zeros(8)
dist.all_gather_into_tensor(flat, own)
said_as("all_gather_into_tensor", flat)
half = torch.zeros(2)
dist.reduce_scatter_tensor(half, own, op=dist.ReduceOp.AVG)
said_as("reduce_scatter_tensor", half)
swapped = torch.zeros(4)
dist.all_to_all_single(swapped, own)
said_as("all_to_all_single", swapped)
got = torch.zeros(2)
dist.scatter(got, [torch.ones(2), torch.full((2,), 2.0)] if rank == 0 else None, src=0)
said_as("scatter", got)
items = [None, None]
dist.all_gather_object(items, {"rank": rank})
said["objects"] = items
listed = [rank, "x" * (1 + rank)]
dist.broadcast_object_list(listed, src=1)
said["listed"] = listed
dist.barrier(device_ids=[rank])
made = own.clone()
group = dist.new_group([rank])
dist.all_reduce(made, group=group)
said_as("alone", made)
said["places"] = [dist.get_rank(), dist.get_world_size(), dist.get_rank(group), dist.get_world_size(group)]
said["env"] = [os.environ["RANK"], os.environ["WORLD_SIZE"], torch.cuda.device_count()]
with torch.inference_mode():
    total = torch.ones((), dtype=torch.float64) * (rank + 1)
    dist.all_reduce(total)
said_as("inference", total)
"""

PARALLEL = """
from torch.nn.parallel import DistributedDataParallel as DDP
torch.manual_seed(rank)
model = DDP(torch.nn.Linear(2, 1, bias=False), device_ids=[rank])
said["weight"] = model.module.weight.tolist()
x = torch.tensor([[1.0, 2.0]]) * (rank + 1)
with model.no_sync():
    model(x).sum().backward()
said["kept"] = model.module.weight.grad.tolist()
model(x).sum().backward()
said["averaged"] = model.module.weight.grad.tolist()
"""


def two(inside, body: str) -> list[dict]:
    return inside.code(TWO.replace("BODY", body))


def test_every_collective_leaves_on_each_rank_what_nccl_would(inside) -> None:
    first, second = two(inside, COLLECTIVES)
    wanted = {"SUM": [10, 12, 14, 16], "AVG": [5, 6, 7, 8], "MAX": [10, 11, 12, 13], "MIN": [0, 1, 2, 3]}
    for name, values in first.items():
        reduction = wanted.get(name.partition(" ")[0])
        if reduction:
            assert values == second[name] == reduction, name
    assert first["async"] == second["async"] == wanted["SUM"]
    assert first["broadcast"] == second["broadcast"] == [10, 11, 12, 13]
    assert first["flag"] is second["flag"] is True
    assert first["all_gather"] == second["all_gather"] == [[0, 1, 2, 3], [10, 11, 12, 13]]
    assert first["all_gather_into_tensor"] == [0, 1, 2, 3, 10, 11, 12, 13]
    assert (first["reduce_scatter_tensor"], second["reduce_scatter_tensor"]) == ([5, 6], [7, 8])
    assert (first["all_to_all_single"], second["all_to_all_single"]) == ([0, 1, 10, 11], [2, 3, 12, 13])
    assert (first["scatter"], second["scatter"]) == ([1, 1], [2, 2])
    assert first["objects"] == second["objects"] == [{"rank": 0}, {"rank": 1}]
    assert first["listed"] == second["listed"] == [1, "xx"]
    assert (first["alone"], second["alone"]) == ([0, 1, 2, 3], [10, 11, 12, 13])
    assert (first["places"], second["places"]) == ([0, 2, 0, 1], [1, 2, 0, 1])
    assert (first["env"], second["env"]) == (["0", "2", 2], ["1", "2", 2])
    assert first["inference"] == second["inference"] == 3


def test_gradients_are_averages_after_a_backward_pass_that_synchronises(inside) -> None:
    first, second = two(inside, PARALLEL)
    assert first["weight"] == second["weight"]
    assert (first["kept"], second["kept"]) == ([[1, 2]], [[2, 4]])
    assert first["averaged"] == second["averaged"] == [[3, 6]]


def test_a_rank_whose_peer_has_ended_is_told_so(inside) -> None:
    body = """
dist.barrier()
if rank == 0:
    try:
        dist.all_reduce(torch.ones(1))
    except RuntimeError as error:
        said["error"] = type(error).__name__
"""
    first, _ = two(inside, body)
    assert first["error"]


def test_ranks_at_different_collectives_are_told_so(inside) -> None:
    body = """
try:
    dist.barrier() if rank else dist.all_reduce(torch.ones(1))
except ranks.RanksDisagreeError as error:
    said["error"] = str(error)
"""
    first, second = two(inside, body)
    assert "all_reduce here" in first["error"]
    assert "barrier here" in second["error"]


PROBE = """
import json, os
from referee_inside.shim import install
install.install()
from referee_inside.channel import CHANNEL
from referee_inside.job import read_job
from referee_inside.probe import compare, order

ends = []
def whole(runs):
    ends[:] = compare.whole(runs)
    return ends
order.ORDER = ("A", "B1", "A2")
order.Probe(read_job(os.environ["REFEREE_JOB"]), CHANNEL, compare.phases, whole).run()
print(json.dumps(next(end.document() for end in ends if end.test == "rank-slices")))
"""


@pytest.fixture
def probed(inside, vocabulary):
    """Probe a script as ranks, and return how the test ended and which runs were made."""

    def probe(text: str) -> tuple[dict, dict[str, str]]:
        where = inside.lay_out(text, kind="probe", nproc=8)
        end = inside.code(PROBE, REFEREE_DATA=str(vocabulary), **where)
        lines = map(json.loads, inside.report.read_text().splitlines())
        return end, {line["run"]: line["status"] for line in lines if line["event"] == "probe-run"}

    return probe


def test_shared_steps_over_slices_of_the_stream_are_a_leak(probed) -> None:
    end, made = probed(scripts.ranked(scripts.SLICED.replace("SHARES", "True")))
    assert (end["call"], end["condition"]) == ("LEAK", "C3"), end["reason"]
    assert {name: made[name] for name in ("A", "G1", "G2", "G3")} == dict.fromkeys(
        ("A", "G1", "G2", "G3"), "ok"
    )
    assert end["power"]["noise_nats"] == 0
    # Windows of 128: three of the first slice are scored before the second's change is learned.
    assert end["position"] == 3 * 128 + 1


@pytest.mark.parametrize(
    "evaluation", [scripts.SLICED.replace("SHARES", "False"), scripts.CHUNKED], ids=["own slice", "chunks"]
)
def test_steps_on_what_was_scored_before_are_clean(probed, evaluation: str) -> None:
    end, made = probed(scripts.ranked(evaluation))
    assert (end["call"], end["count"]) == ("CLEAN", 0), end["reason"]
    assert end["power"]["positions_learnt"] > 0
    assert "G3" not in made


def test_who_learns_nothing_in_its_evaluation_is_not_run_as_ranks(probed) -> None:
    end, made = probed(scripts.ranked(scripts.PLAIN))
    assert (end["call"], end["reason"]) == ("NOT_RUN", "no adaptation in the evaluation")
    assert set(made) == {"A", "B1", "A2"}


def test_a_script_that_fails_as_two_ranks_says_nothing_and_says_why(probed) -> None:
    refusing = scripts.JOINING + "    assert torch.distributed.get_world_size() in (1, 8), 'eight or one'\n"
    end, made = probed(scripts.ranked(scripts.CHUNKED, refusing))
    assert end["call"] == "BLIND"
    assert "eight or one" in end["reason"]
    assert made == {"A": "ok", "B1": "ok", "A2": "ok", "G1": "failed"}
