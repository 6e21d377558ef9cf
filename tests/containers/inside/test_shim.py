"""The shim against torch's own behaviour, in a process of its own."""

import pytest

pytest.importorskip("torch", reason="needs the cpu extra")
pytestmark = pytest.mark.torch

BEGIN = """
import json, torch
from referee_inside.shim import install
install.install()
"""


def test_cuda_devices_are_the_cpu_wherever_they_are_named(inside):
    found = inside.code(
        BEGIN
        + """
kinds = []
kinds += [torch.device("cuda"), torch.device("cuda", 0), torch.device("cuda:0"), torch.device(type="cuda")]
two = torch.ones(2)
kinds += [torch.zeros(2, device="cuda").device, two.to("cuda").device, two.cuda().device]
kinds += [torch.tensor([1], device=torch.device("cuda")).device, torch.empty_like(two, device=0).device]
kinds += [torch.nn.Linear(2, 2, device="cuda").weight.device, torch.nn.Linear(2, 2).to("cuda").weight.device]
kinds += [two.to("cuda", non_blocking=True).device, torch.nn.Linear(2, 2).cuda().bias.device]
kinds += [torch.Generator(device="cuda").device, torch.ones(2).new_zeros(3, device="cuda").device]
torch.save({"x": torch.ones(2)}, "x.pt")
kinds += [torch.load("x.pt", map_location=place)["x"].device for place in ("cuda", {"cpu": "cuda"}, None)]
print(json.dumps({
    "kinds": sorted({str(kind) for kind in kinds}),
    "isinstance": isinstance(torch.device("cuda"), torch.device) and not isinstance("cpu", torch.device),
    "meta": str(torch.zeros(1, device="meta").device),
    "annotation": str(torch.device | None) != "",
    "available": torch.cuda.is_available() and torch.cuda.device_count() == 1,
    "properties": torch.cuda.get_device_properties(0).multi_processor_count,
    "same": torch.equal(
        torch.randn(4, generator=torch.Generator(device="cuda").manual_seed(3), device="cuda"),
        torch.randn(4, generator=torch.Generator().manual_seed(3)),
    ),
}))
"""
    )
    assert found == {
        "kinds": ["cpu"],
        "isinstance": True,
        "meta": "meta",
        "annotation": True,
        "available": True,
        "properties": 132,
        "same": True,
    }
    assert {report["name"] for report in inside.reports("shim")} >= {"cuda-device", "cuda-api"}


def test_streams_events_autocast_and_compilation(inside):
    found = inside.code(
        BEGIN
        + """
a, b = torch.randn(8, 8), torch.randn(8, 8)
with torch.autocast("cuda", dtype=torch.bfloat16):
    one = a @ b
    enabled = torch.is_autocast_enabled()
with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
    two = a @ b
with torch.amp.autocast("cuda", enabled=False):
    three = a @ b
begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
begin.record()
with torch.cuda.stream(torch.cuda.Stream()):
    torch.cuda.current_stream().wait_stream(torch.cuda.Stream())
end.record()
torch.cuda.synchronize()

@torch.compile(dynamic=False, fullgraph=True)
def double(x):
    return 2 * x

model = torch.nn.Linear(8, 8)
with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.CUDNN_ATTENTION):
    attention = torch.nn.functional.scaled_dot_product_attention(a[None], b[None], b[None])
optimizer = torch.optim.AdamW(model.parameters(), fused=True, capturable=True)
model(a).sum().backward()
optimizer.step()
print(json.dumps({
    "autocast": torch.equal(one, two) and one.dtype == torch.bfloat16 and enabled,
    "off": three.dtype == torch.float32 and torch.equal(three, torch.mm(a, b)),
    "event": begin.elapsed_time(end) >= 0,
    "compiled": double(3) == 6 and torch.compile(model) is model,
    "attention": torch.allclose(attention, torch.softmax(a @ b.T / 8**0.5, -1) @ b, atol=1e-5),
    "memory": torch.cuda.max_memory_allocated() > 1 << 20,
}))
"""
    )
    assert all(found.values()), found


def test_inference_mode_lets_caches_take_part_in_a_backward_pass(inside):
    found = inside.code(
        BEGIN
        + """
@torch.inference_mode()
def decorated(x):
    return x * 2, torch.is_grad_enabled()

@torch.inference_mode
def plain(x):
    return x * 2, torch.is_grad_enabled()

weight = torch.ones(2, requires_grad=True)
with torch.inference_mode():
    cache = torch.ones(2) * 3
    inner = torch.is_grad_enabled()
with torch.inference_mode(False):
    kept = torch.is_grad_enabled()
(weight * cache).sum().backward()
print(json.dumps([inner, kept, decorated(weight)[1], plain(weight)[1], decorated(weight)[0].requires_grad,
                  weight.grad.tolist(), torch.is_grad_enabled()]))
"""
    )
    assert found == [False, True, False, False, False, [3.0, 3.0], True]


COLLECTIVES = """
import datetime
import torch.distributed as dist
dist.init_process_group("{backend}", init_method="file://{store}", rank=0, world_size=1)
x = torch.arange(4.0)
out = {{}}
for op in ("SUM", "MAX", "MIN", "PRODUCT"):
    y = x.clone(); dist.all_reduce(y, op=getattr(dist.ReduceOp, op)); out[op] = y.tolist()
y = [torch.empty(4)]; dist.all_gather(y, x); out["all_gather"] = y[0].tolist()
y = torch.empty(4); dist.all_gather_into_tensor(y, x); out["into"] = y.tolist()
y = torch.empty(4); dist.reduce_scatter_tensor(y, x); out["reduce_scatter"] = y.tolist()
y = x.clone(); dist.broadcast(y, src=0); out["broadcast"] = y.tolist()
y = [None]; dist.all_gather_object(y, {{"a": 1}}); out["object"] = y
y = x.clone(); work = dist.all_reduce(y, async_op=True); work.wait(); out["async"] = y.tolist()
out["none"] = dist.all_reduce(x.clone()) is None
out["group"] = [dist.get_rank(), dist.get_world_size(), dist.is_initialized()]
dist.barrier()
torch.manual_seed(0)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 2))
with model.no_sync():
    model(x).sum().backward()
model(x).sum().backward()
out["grad"] = [p.grad.tolist() for p in model.parameters()]
out["names"] = sorted(model.state_dict())
dist.destroy_process_group()
print(json.dumps(out))
"""


def test_collectives_of_one_process_do_what_gloo_does(inside, tmp_path):
    begin = "import json, torch\n"
    real = inside.code(
        begin + COLLECTIVES.format(backend="gloo", store=tmp_path / "store"), GLOO_SOCKET_IFNAME="lo"
    )
    ours = inside.code(BEGIN + COLLECTIVES.format(backend="nccl", store=tmp_path / "other"))
    assert ours == real


def test_what_one_process_cannot_do_is_a_gap(inside):
    found = inside.code(
        BEGIN
        + """
import torch.distributed as dist
dist.init_process_group("nccl")
average = torch.ones(2, dtype=torch.bfloat16)
dist.all_reduce(average, op=dist.ReduceOp.AVG)
try:
    dist.send(average, 1)
except RuntimeError as error:
    name = type(error).__name__
print(json.dumps([average.tolist(), name]))
"""
    )
    assert found == [[1.0, 1.0], "ShimGapError"]
    assert [report["name"] for report in inside.reports("gap")] == ["distributed"]


def test_packages_that_need_a_gpu(inside):
    found = inside.code(
        BEGIN
        + """
import importlib.util
from flash_attn_interface import flash_attn_func
from flash_attn.flash_attn_interface import flash_attn_varlen_func
q = torch.randn(1, 4, 2, 8)
try:
    import bitsandbytes
    missing = "found"
except ImportError:
    missing = "missing"
print(json.dumps([list(flash_attn_func(q, q, q, causal=True).shape),
                  importlib.util.find_spec("flash_attn") is not None, missing]))
"""
    )
    assert found == [[1, 4, 2, 8], True, "missing"]
    names = {report["name"] for report in inside.reports("shim")}
    assert {"flash_attn_interface", "flash_attn.flash_attn_interface", "flash-attention"} <= names
    assert [report["detail"] for report in inside.reports("gap")] == ["bitsandbytes needs a GPU"]


def test_the_virtual_clock_repeats_itself(inside):
    text = """
import json, time
from referee_inside.shim import clock
clock.install()
time.sleep(1000)
print(json.dumps([time.time(), time.perf_counter(), time.monotonic_ns(), time.time_ns()]))
"""
    assert inside.code(text) == inside.code(text)


def test_nothing_is_reported_that_was_not_used(inside):
    inside.code(BEGIN + "print(json.dumps(torch.ones(2).sum().item()))")
    assert inside.reports() == []
