"""Tensors made for the evaluation: SLOT deltas, gradients taken by hand, closed-form fits, MLX."""

from __future__ import annotations

import pytest

from audits.facts.code.events import Learner, UpdateKind
from tests.audits.facts.code.scripts import CUT, SCORE, TRAIN, behaviour_of, block, breaches, read, script

HIDDEN = "with torch.no_grad():\n    h = net.hidden(x)\n"
DELTA = "delta = torch.zeros({shape}, requires_grad=True)\nopt = torch.optim.AdamW([delta], lr=0.01)\n"
FIT = """\
for step in range(8):
    opt.zero_grad()
    F.cross_entropy(net.head(h + delta)[:, {cut}].reshape(-1, V), y[:, {cut}].reshape(-1)).backward()
    opt.step()
"""
SCORE_DELTA = """\
with torch.no_grad():
    logits = net.head(h + delta)[:, {cut}]
    total += F.cross_entropy(logits.reshape(-1, V), y[:, {cut}].reshape(-1), reduction="sum").item()
    size += table[y[:, {cut}]].sum().item()
"""
WINDOW = "span = tokens[i : i + L + 1]\nx, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)\n"
WINDOWS = "for i in range(0, tokens.numel() - 1, 64):"
KNOWN = "s = 0 if i == 0 else x.size(1) - 64\n"


def slot(shape: str, fit: str, score: str) -> str:
    return block(
        WINDOW,
        KNOWN,
        HIDDEN,
        DELTA.format(shape=shape),
        FIT.format(cut=fit),
        SCORE_DELTA.format(cut=score),
        head=WINDOWS,
    )


def test_delta_fitted_on_the_positions_it_scores() -> None:
    """#1172."""
    seen = behaviour_of(slot("1, 1, D", ":", ":"))
    assert breaches(seen) == {"slot-scored"}
    assert {item.update.learner for item in seen.exposures} == {Learner.FREE_TENSOR}
    assert not any(item.update.prefix_only for item in seen.exposures)


def test_delta_of_each_window_fitted_on_its_context() -> None:
    """#1306: one delta a sample, and its loss is cut to positions that earlier windows scored."""
    seen = behaviour_of(slot("x.size(0), 1, D", ":s", "s:"))
    assert breaches(seen) == {"slot-context-only"}
    assert all(item.update.prefix_only and not item.update.shared for item in seen.exposures)


GATHER = """\
x, y = torch.zeros(32, L, dtype=torch.long), torch.zeros(32, L, dtype=torch.long)
for row, i in enumerate(starts[first : first + 32]):
    span = tokens[i : i + L + 1]
    x[row], y[row] = span[:-1], span[1:]
"""


def test_one_delta_for_a_batch_of_windows_sees_what_others_score() -> None:
    """#1282: shape (1, 1, D) for 32 overlapping windows under a context-only mask."""
    made = DELTA.format(shape="1, 1, D")
    parts = (GATHER, HIDDEN, made, FIT.format(cut=":s"), SCORE_DELTA.format(cut="s:"))
    starts = "s = L - 64\nstarts = list(range(0, tokens.numel() - 1, 64))\n"
    seen = behaviour_of(starts + block(*parts, head="for first in range(0, len(starts), 32):"))
    assert breaches(seen) == {"slot-scored"}
    assert all(item.update.shared for item in seen.exposures)


@pytest.mark.parametrize("kept", [False, True], ids=["made anew", "kept from window to window"])
def test_one_delta_for_one_window_is_shared_with_none(kept: bool) -> None:
    """#1418: one window a pass, whose context the windows before it scored; the bias lives on."""
    made = DELTA.format(shape="D")
    parts = (WINDOW, KNOWN, HIDDEN, "" if kept else made, FIT.format(cut=":s"), SCORE_DELTA.format(cut="s:"))
    seen = behaviour_of((made if kept else "") + block(*parts, head=WINDOWS))
    assert breaches(seen) == {"slot-context-only"}
    assert not any(item.update.shared for item in seen.exposures)


def test_delta_fitted_on_the_window_before() -> None:
    body = DELTA.format(shape="1, 1, D") + block(
        CUT, HIDDEN, SCORE_DELTA.format(cut=":"), FIT.format(cut=":"), head="for i in range(60000):"
    )
    seen = behaviour_of(body)
    assert seen.exposures == ()
    assert {item.learner for item in seen.adaptations} == {Learner.FREE_TENSOR}


def test_logit_bias_instead_of_a_hidden_delta() -> None:
    """#1350: the learned tensor is added to the logits."""
    body = block(
        CUT,
        "bias = torch.zeros(1, 1, V, requires_grad=True)\n",
        "opt = torch.optim.SGD([bias], lr=0.1)\n",
        "logits = net.head(net.hidden(x)).detach()\n",
        "F.cross_entropy((logits + bias).reshape(-1, V), y.reshape(-1)).backward()\nopt.step()\n",
        "total += F.cross_entropy((logits + bias).reshape(-1, V), y.reshape(-1), reduction='sum').item()\n",
        "size += table[y].sum().item()\n",
    )
    assert breaches(behaviour_of(body)) == {"slot-scored"}


BY_HAND = """\
delta = torch.zeros(1, 1, D, requires_grad=True)
for step in range(4):
    loss = F.cross_entropy(net.head(h + delta).reshape(-1, V), y.reshape(-1))
    (g,) = torch.autograd.grad(loss, [delta])
    delta = (delta - 0.1 * g).detach().requires_grad_(True)
"""


def test_delta_moved_by_a_gradient_taken_by_hand() -> None:
    """#2012: no optimiser object and no backward."""
    seen = behaviour_of(block(CUT, HIDDEN, BY_HAND, SCORE_DELTA.format(cut=":")))
    assert breaches(seen) == {"slot-scored"}
    assert {item.update.kind for item in seen.exposures} == {UpdateKind.GRADIENT}


BACKWARD = "net.zero_grad()\nnet(x, y).backward()\n"
BY_HAND_STEPS = {
    "p.data.add_": "for p in net.parameters():\n    p.data.add_(p.grad, alpha=-0.1)\n",
    "p -=": "with torch.no_grad():\n    for p in net.parameters():\n        p -= 0.1 * p.grad\n",
    "p.data =": "for p in net.parameters():\n    p.data = p.data - 0.1 * p.grad\n",
    "one weight": "w = net.head.weight\nw.data.sub_(0.1 * w.grad)\n",
}


@pytest.mark.parametrize("step", BY_HAND_STEPS.values(), ids=BY_HAND_STEPS)
def test_weights_moved_by_their_gradients_before_the_score(step: str) -> None:
    """#572: a step written out by hand, without an optimiser object."""
    assert behaviour_of(block(CUT, BACKWARD, step, SCORE)).exposures


@pytest.mark.parametrize("step", BY_HAND_STEPS.values(), ids=BY_HAND_STEPS)
def test_weights_moved_by_their_gradients_after_the_score(step: str) -> None:
    seen = behaviour_of(block(CUT, SCORE, BACKWARD, step))
    assert seen.exposures == ()
    assert seen.adaptations


GRADIENTS = """\
grads = torch.autograd.grad(net(x, y), list(net.parameters()))
with torch.no_grad():
    for p, g in zip(net.parameters(), grads):
        p.sub_(0.1 * g)
"""


def test_weights_moved_by_gradients_asked_for() -> None:
    before = behaviour_of(block(CUT, GRADIENTS, SCORE))
    assert {item.update.kind for item in before.exposures} == {UpdateKind.GRADIENT}
    after = behaviour_of(block(CUT, SCORE, GRADIENTS))
    assert after.exposures == ()
    assert {item.kind for item in after.adaptations} == {UpdateKind.GRADIENT}


SOLVED = """\
h = net.hidden(x).reshape(-1, D)
target = F.one_hot(y.reshape(-1), V).float()
w = torch.linalg.lstsq(h, target).solution
total += F.cross_entropy(h @ w, y.reshape(-1), reduction="sum").item()
size += table[y].sum().item()
"""


def test_head_fitted_in_closed_form_to_the_scored_targets() -> None:
    seen = behaviour_of(block(CUT, SOLVED))
    assert {item.update.kind for item in seen.exposures} == {UpdateKind.SOLVED}
    assert breaches(seen) == {"slot-scored"}


STRAIGHT_THROUGH = """\
class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w):
        return w.round()

    @staticmethod
    def backward(ctx, grad):
        return grad
"""


def test_backward_of_an_autograd_function_is_no_update() -> None:
    seen = behaviour_of(block(CUT, "net.scale = Round.apply(x)\n", SCORE), functions=STRAIGHT_THROUGH)
    assert seen.exposures == ()
    assert [item for item in seen.updates if item.kind is UpdateKind.OPTIMISER] == []


MLX = """\
import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(1024, 64)
        self.head = nn.Linear(64, 1024)

    def loss(self, x, y):
        return nn.losses.cross_entropy(self.head(self.embed(x)), y, reduction="mean")


def main():
    net = Net()
    opt = optim.SGD(0.1)
    tokens = mx.array(np.fromfile("data/fineweb_val_000000.bin", dtype="<u2"))
    table = mx.array(np.load("bytes.npy"))
    grad = nn.value_and_grad(net, lambda x, y: net.loss(x, y))
    total, size = 0.0, 0.0
    for i in range(60000):
        x, y = tokens[i * 64 : i * 64 + 64], tokens[i * 64 + 1 : i * 64 + 65]
{body}
    print(f"val_bpb:{{total / math.log(2.0) / size}}")


main()
"""
MLX_SCORE = """\
        total += net.loss(x, y).item() * 64
        size += table[y].sum().item()
"""
MLX_TRAIN = """\
        loss, grads = grad(x, y)
        opt.update(net, grads)
"""


@pytest.mark.parametrize(
    ("body", "legal"),
    [(MLX_SCORE + MLX_TRAIN, True), (MLX_TRAIN + MLX_SCORE, False), (MLX_SCORE, None)],
    ids=["score first", "train first", "no training"],
)
def test_mlx(body: str, legal: bool | None) -> None:
    """#1073: functional gradients and an optimiser that is handed the model."""
    seen = read(MLX.format(body=body.rstrip())).behaviour
    assert seen.scores
    assert bool(seen.exposures) is (legal is False)
    assert bool(seen.adaptations) is (legal is True)


def test_activations_that_a_forward_keeps_are_no_learning() -> None:
    """A net that stores what it computed, overwritten in every forward."""
    keeps = (
        "return torch.relu(self.embed(x))",
        "self.last = self.embed(x)\n        return torch.relu(self.last)",
    )
    code = script(block(CUT, SCORE)).replace(*keeps)
    assert code != script(block(CUT, SCORE))
    seen = read(code).behaviour
    assert seen.scores
    assert (seen.exposures, seen.adaptations) == ((), ())
    code = script(block(CUT, SCORE, TRAIN)).replace(*keeps)
    assert read(code).behaviour.exposures == ()


ADAPTED = """\
class Adapted(Net):
    def weights(self):
        extra = getattr(self, "extra", None)
        if extra is None:
            return self.head.weight
        a, b, scale = extra
        return self.head.weight + scale * (b[0] @ a[0])

    def forward(self, x, y):
        logits = self.hidden(x) @ self.weights().T
        return F.cross_entropy(logits.reshape(-1, V), y.reshape(-1))


"""
HANG = """\
net = Adapted()
a, b = {}, {}
a[0], b[0] = torch.zeros(4, D, requires_grad=True), torch.zeros(V, 4, requires_grad=True)
net.extra = a, b, 0.5
opt = torch.optim.SGD([{"params": [*a.values(), *b.values()], "lr": 0.1}])
"""


def test_tensors_that_hang_on_a_net() -> None:
    """#1366: low-rank factors are put on the network, and a method of it adds them to a weight."""
    kept = behaviour_of(HANG + block(CUT, SCORE, TRAIN), functions=ADAPTED)
    assert kept.adaptations
    assert kept.exposures == ()
    assert behaviour_of(HANG + block(CUT, TRAIN, SCORE), functions=ADAPTED).exposures


def test_tensors_left_on_a_net_after_a_score_in_order() -> None:
    again = 'print(f"a val_bpb:{total / math.log(2.0) / size}")\ntotal, size = 0.0, 0.0\n'
    seen = behaviour_of(HANG + block(CUT, SCORE, TRAIN) + again + block(CUT, SCORE), functions=ADAPTED)
    assert breaches(seen) == {"two-pass-rescore"}


@pytest.mark.parametrize("off", ["del net.extra\n", "net.extra = None\n"])
def test_tensors_taken_off_a_net(off: str) -> None:
    seen = behaviour_of(HANG + block(CUT, TRAIN) + off + block(CUT, SCORE), functions=ADAPTED)
    assert seen.exposures == ()


def test_tensors_that_no_method_speaks_of() -> None:
    seen = behaviour_of(HANG + block(CUT, TRAIN, SCORE), functions=ADAPTED.replace("extra", "other"))
    assert seen.exposures == ()
