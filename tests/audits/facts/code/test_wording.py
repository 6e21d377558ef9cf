"""The same loss, the same step and the same metric, as different hands write them."""

from __future__ import annotations

import pytest

from tests.audits.facts.code.scripts import CUT, SCORE, TRAIN, behaviour_of, block, read, script

SIZE = "size += table[y].sum().item()\n"
FORWARD = "logits = net.head(net.hidden(x))\n"
LOSSES = {
    "cross entropy, none": "total += F.cross_entropy(logits, y, reduction='none').double().sum().item()\n",
    "keywords": "total += F.cross_entropy(input=logits, target=y, reduction='sum').item()\n",
    "nll_loss": "total += F.nll_loss(F.log_softmax(logits, dim=-1), y, reduction='sum').item()\n",
    "gather method": "total -= logits.log_softmax(-1).gather(1, y[:, None]).sum().item()\n",
    "gather function": "total -= torch.gather(F.log_softmax(logits, -1), 1, y.unsqueeze(1)).sum().item()\n",
    "an index": "total -= F.log_softmax(logits, dim=-1)[torch.arange(L), y].sum().item()\n",
    "logsumexp": "total += (torch.logsumexp(logits, -1) - logits.gather(1, y[:, None])[:, 0]).sum().item()\n",
    "log of softmax": "total -= torch.softmax(logits, -1).gather(1, y[:, None]).log().sum().item()\n",
    "numpy": "total -= np.take_along_axis(F.log_softmax(logits, -1).numpy(), y[:, None], 1).sum()\n",
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses(loss: str) -> None:
    legal = behaviour_of(block(CUT, "with torch.no_grad():\n    " + FORWARD, loss, SIZE, TRAIN))
    assert legal.exposures == ()
    assert legal.adaptations
    illegal = behaviour_of(block(CUT, TRAIN, "with torch.no_grad():\n    " + FORWARD, loss, SIZE))
    assert illegal.exposures


METRICS = (
    "total / math.log(2.0) / size",
    "total / (math.log(2) * size)",
    "(total / size) / np.log(2)",
    "total / size / 0.6931471805599453",
    "total / size * 1.4426950408889634",
    "(total / tokens.numel() / math.log(2.0)) * (tokens.numel() / size)",
    "total * math.log2(math.e) / size",
    "total / torch.log(torch.tensor(2.0)) / size",
)


@pytest.mark.parametrize("metric", METRICS)
def test_bits_per_byte(metric: str) -> None:
    code = script(block(CUT, SCORE, TRAIN))
    changed = code.replace("return total / math.log(2.0) / size", f"return {metric}")
    found = read(changed).behaviour
    assert found.scores
    assert found.adaptations
    assert found.exposures == ()


LOSS = "loss = net(x, y)\n"
STEPS = {
    "zero to none": "opt.zero_grad(set_to_none=True)\n" + LOSS + "loss.backward()\nopt.step()\n",
    "scaled": LOSS + "(loss / 4).backward()\nopt.step()\nopt.zero_grad()\n",
    "clipped": LOSS + "loss.backward()\ntorch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)\nopt.step()\n",
    "grad scaler": "scaler = torch.amp.GradScaler()\n"
    + LOSS
    + "scaler.scale(loss).backward()\nscaler.step(opt)\nscaler.update()\n",
    "closure": block("opt.zero_grad()\n" + LOSS + "loss.backward()\nreturn loss\n", head="def again():")
    + "opt.step(again)\n",
    "several optimisers": "opts = [opt, torch.optim.Adam(net.head.parameters())]\n"
    + LOSS
    + "loss.backward()\nfor o in opts:\n    o.step()\n",
    "parameter groups": "opt = torch.optim.AdamW([{'params': [p for p in net.parameters()], 'lr': 0.1}])\n"
    + LOSS
    + "loss.backward()\nopt.step()\n",
    "chosen parameters": "chosen = [p for n, p in net.named_parameters() if 'head' in n]\n"
    "opt = torch.optim.SGD(chosen, lr=0.1)\n" + LOSS + "loss.backward()\nopt.step()\n",
    "autocast": "with torch.autocast('cuda'):\n    loss = net(x, y)\nloss.backward()\nopt.step()\n",
    "all-reduced": LOSS + "loss.backward()\nfor p in net.parameters():\n"
    "    torch.distributed.all_reduce(p.grad)\nopt.step()\n",
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_steps(step: str) -> None:
    assert behaviour_of(block(CUT, step, SCORE)).exposures
    seen = behaviour_of(block(CUT, SCORE, step))
    assert seen.exposures == ()
    assert seen.adaptations


OWN = """\
class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(p.grad, alpha=-group["lr"])
"""


@pytest.mark.parametrize("parts", [(SCORE, TRAIN), (TRAIN, SCORE)], ids=["score first", "train first"])
def test_an_optimiser_of_their_own(parts: tuple[str, ...]) -> None:
    body = "opt = Muon(net.parameters(), lr=0.02)\n" + block(CUT, *parts)
    seen = behaviour_of(body, functions=OWN)
    assert bool(seen.exposures) is (parts[0] == TRAIN)
    assert bool(seen.adaptations) is (parts[0] == SCORE)


CUTS = {
    "span": "span = tokens[i * L : i * L + L + 1]\nx, y = span[:-1], span[1:]\n",
    "bounds": "a, b = i * L, (i + 1) * L\nx, y = tokens[a:b], tokens[a + 1 : b + 1]\n",
    "moved": "span = tokens[i * L : (i + 1) * L + 1].to('cuda').long()\nx = span[:-1].view(1, -1)\n"
    "y = span[1:].view(1, -1)\n",
    "stacked": "x = torch.stack([tokens[i * L : i * L + L]])\n"
    "y = torch.stack([tokens[i * L + 1 : i * L + L + 1]])\n",
    "gathered": "at = torch.arange(L) + i * L\nx, y = tokens[at], tokens[at + 1]\n",
    "clamped": "end = min(i * L + L, tokens.numel() - 1)\n"
    "x, y = tokens[i * L : end], tokens[i * L + 1 : end + 1]\n",
    "filled": "x = torch.zeros(4, L, dtype=torch.long)\ny = torch.zeros(4, L, dtype=torch.long)\n"
    "for r in range(4):\n    span = tokens[(i * 4 + r) * L : (i * 4 + r) * L + L + 1]\n"
    "    x[r] = span[:-1]\n    y[r] = span[1:]\n",
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_cuts(cut: str) -> None:
    assert behaviour_of(block(cut, TRAIN, SCORE)).exposures
    seen = behaviour_of(block(cut, SCORE, TRAIN))
    assert seen.exposures == ()
    assert seen.adaptations


def test_loss_as_a_module() -> None:
    loss = "total += nn.CrossEntropyLoss(reduction='sum')(logits, y).item()\n"
    assert behaviour_of(block(CUT, TRAIN, FORWARD, loss, SIZE)).exposures


def test_backward_as_a_function() -> None:
    step = LOSS + "torch.autograd.backward(loss)\nopt.step()\n"
    assert behaviour_of(block(CUT, step, SCORE)).exposures


def test_chunk_cut_out_by_narrow() -> None:
    cut = "span = tokens.narrow(0, i * L, L + 1)\nx, y = span[:-1], span[1:]\n"
    assert behaviour_of(block(cut, SCORE, TRAIN)).exposures == ()
