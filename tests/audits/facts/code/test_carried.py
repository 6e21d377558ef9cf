"""What is learned in one place and reaches a score through files, copies and other models."""

from __future__ import annotations

import pytest

from audits.facts.code.events import UpdateKind
from tests.audits.facts.code.scripts import CUT, SCORE, behaviour_of, block, breaches, marks, read, script

SCORED = block(CUT, SCORE)
ADAPT = """\
opt = torch.optim.AdamW(net.parameters(), lr=0.001)
for j in range(60000):
    ax, ay = tokens[j * L : j * L + L], tokens[j * L + 1 : j * L + L + 1]
    opt.zero_grad()
    net(ax, ay).backward()
    opt.step()
"""
ROUND_TRIPS = {
    "one model": "torch.save(net.state_dict(), 'model.pt')\nnet.load_state_dict(torch.load('model.pt'))\n",
    "a second model (#1423)": """\
torch.save({k: (t * 64).round().to(torch.int8) for k, t in net.state_dict().items()}, "model.pt")
other = Net()
other.load_state_dict({k: t.float() / 64 for k, t in torch.load("model.pt").items()})
net = other
""",
    "compressed bytes (#1416)": """\
import io, lzma
buffer = io.BytesIO()
torch.save(net.state_dict(), buffer)
with open("model.xz", "wb") as f:
    f.write(lzma.compress(buffer.getvalue()))
with open("model.xz", "rb") as f:
    state = torch.load(io.BytesIO(lzma.decompress(f.read())))
net = Net()
net.load_state_dict(state)
""",
}


@pytest.mark.parametrize("trip", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
def test_training_on_validation_before_quantising(trip: str) -> None:
    seen = behaviour_of(SCORED, steps=ADAPT + trip)
    assert UpdateKind.OPTIMISER in {item.update.kind for item in seen.exposures}
    assert breaches(seen) & {"prequant-ttt", "train-on-val"}


def test_carried_over_to_a_second_model() -> None:
    seen = behaviour_of(SCORED, steps=ADAPT + ROUND_TRIPS["a second model (#1423)"])
    assert "prequant-ttt" in breaches(seen)
    assert any(item.carried for item in seen.exposures)


@pytest.mark.parametrize("trip", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
def test_training_on_training_shards_before_quantising(trip: str) -> None:
    seen = behaviour_of(SCORED, steps=ADAPT.replace("tokens[", "train_tokens[") + trip)
    assert (seen.exposures, seen.adaptations, seen.updates) == ((), (), ())


BETTER = """\
raw = {k: t.clone() for k, t in net.state_dict().items()}
best, source = evaluate(net, tokens, table), "raw"
net.load_state_dict({k: t * 0.9 for k, t in raw.items()})
other = evaluate(net, tokens, table)
if other < best:
    best, source = other, "averaged"
if source == "raw":
    net.load_state_dict(raw)
"""


@pytest.mark.parametrize("trip", ["", *ROUND_TRIPS.values()], ids=["none", *ROUND_TRIPS])
def test_weights_chosen_by_score_stay_so_in_the_artifact(trip: str) -> None:
    """#754: the better of two sets of weights is exported and read back."""
    assert "weights-chosen-by-score" in marks(behaviour_of(SCORED, steps=BETTER + trip))
    kept = BETTER.replace("if other < best:", "if len(raw) > 100:")
    assert marks(behaviour_of(SCORED, steps=kept + trip)) == set()


AVERAGED = "averaged = {k: t.clone() for k, t in net.state_dict().items()}\n"


def test_weights_put_in_place_of_those_that_were_read_back() -> None:
    """#1270: the round trip is scored, then the averaged weights are loaded again and scored."""
    again = "net.load_state_dict(averaged)\n"
    for trip in (ROUND_TRIPS["one model"], ROUND_TRIPS["compressed bytes (#1416)"]):
        assert marks(behaviour_of(SCORED, steps=AVERAGED + trip + again)) == {"artifact-replaced"}
        assert marks(behaviour_of(SCORED, steps=AVERAGED + trip)) == set()
        assert marks(behaviour_of(SCORED, steps=trip + AVERAGED + again)) == set()
        assert marks(behaviour_of(SCORED, steps=AVERAGED + trip + again + trip)) == set()


def test_model_that_was_changed_is_not_the_one_scored() -> None:
    """#1458: the adapted copy is dropped and the model as trained is scored."""
    steps = "kept = copy.deepcopy(net)\n" + ADAPT + "net = kept\n"
    assert behaviour_of(SCORED, steps=steps).exposures == ()


def test_copy_of_a_changed_model_has_learned_too() -> None:
    assert behaviour_of(SCORED, steps=ADAPT + "net = copy.deepcopy(net)\n").exposures


AVERAGE = """\
ema = {k: t.clone() for k, t in net.state_dict().items()}
ADAPT
for k, t in net.state_dict().items():
    MIX
net.load_state_dict(ema)
"""
ASSIGNED, IN_PLACE = "ema[k] = 0.9 * ema[k] + 0.1 * t", "ema[k].mul_(0.9).add_(t, alpha=0.1)"


def averaged(mix: str, adapt: str = ADAPT) -> str:
    return AVERAGE.replace("ADAPT\n", adapt).replace("MIX", mix)


def test_average_of_weights_that_saw_validation() -> None:
    """#1170: the weights that are scored are an average over the adaptation."""
    assert behaviour_of(SCORED, steps=averaged(ASSIGNED)).exposures


def test_average_kept_in_place() -> None:
    assert behaviour_of(SCORED, steps=averaged(IN_PLACE)).exposures


@pytest.mark.parametrize("mix", [ASSIGNED, IN_PLACE])
def test_average_of_weights_that_saw_training_data(mix: str) -> None:
    seen = behaviour_of(SCORED, steps=averaged(mix, ADAPT.replace("tokens[", "train_tokens[")))
    assert (seen.exposures, seen.updates) == ((), ())


HESSIAN = """\
hessian = torch.zeros(D, D)


def keep(module, inputs, output):
    rows = inputs[0].reshape(-1, D)
    hessian.addmm_(rows.t(), rows)


handle = net.head.register_forward_hook(keep)
with torch.no_grad():
    for j in range(64):
        net.hidden({source}[j * L : j * L + L])
        net.head(net.hidden({source}[j * L : j * L + L]))
handle.remove()
scale = torch.diagonal(hessian).sqrt()
state = net.state_dict()
state["head.weight"] = (state["head.weight"] / scale).round() * scale
net.load_state_dict(state)
"""


def test_hessians_from_forward_hooks_on_validation() -> None:
    """#1430: GPTQ statistics from what the name calls self-generated tokens."""
    seen = behaviour_of(SCORED, steps=HESSIAN.format(source="tokens"))
    assert breaches(seen) == {"calib-on-val"}
    assert {item.update.kind for item in seen.exposures} <= {UpdateKind.LOADED, UpdateKind.IN_PLACE}


def test_hessians_from_forward_hooks_on_training_data() -> None:
    """#1019."""
    seen = behaviour_of(SCORED, steps=HESSIAN.format(source="train_tokens"))
    assert (seen.exposures, seen.updates) == ((), ())


def test_forward_passes_alone_teach_nothing() -> None:
    """#1702: validation forwards before the evaluation, thrown away."""
    seen = behaviour_of(SCORED, steps="with torch.no_grad():\n    net(tokens[:L], tokens[1 : L + 1])\n")
    assert (seen.exposures, seen.adaptations, seen.updates) == ((), (), ())


def test_file_that_the_script_did_not_write_is_no_carrier() -> None:
    steps = ADAPT + 'net = Net()\nnet.load_state_dict(torch.load("given.pt"))\n'
    assert behaviour_of(SCORED, steps=steps).exposures == ()


CALLED = (
    "total += torch.func.functional_call(net, weights, (x, y)).item() * L\nsize += table[y].sum().item()\n"
)
TAUGHT = """\
grads = torch.autograd.grad(torch.func.functional_call(net, weights, (x, y)), list(weights.values()))
weights = {k: t - 0.1 * g for (k, t), g in zip(weights.items(), grads)}
"""


WEIGHTS = "weights = {k: t.clone() for k, t in net.named_parameters()}\n"


def test_functional_weights_that_score_first() -> None:
    assert behaviour_of(WEIGHTS + block(CUT, CALLED, TAUGHT)).exposures == ()


def test_functional_weights_that_train_first() -> None:
    assert behaviour_of(WEIGHTS + block(CUT, TAUGHT, CALLED)).exposures


def test_score_through_a_module_beside_the_script() -> None:
    helper = "def fit(net, x, y, opt):\n    opt.zero_grad()\n    net(x, y).backward()\n    opt.step()\n"
    for parts, legal in ((("fit(net, x, y, opt)\n", SCORE), False), ((SCORE, "fit(net, x, y, opt)\n"), True)):
        code = "from fitting import fit\n" + script(block(CUT, *parts))
        seen = read(code, files={"fitting.py": helper}).behaviour
        assert bool(seen.exposures) is not legal
        assert {item.location.path for item in seen.updates} == {"fitting.py"}
