"""Switches that a net keeps for itself, copies that are trained in its stead, attributes it may lack."""

from __future__ import annotations

import pytest

from tests.audits.facts.code.scripts import CUT, SCORE, behaviour_of, block, read, script

FIELDS = """\
        super().__init__()
        self.remembers = {kept}
        self.memory = nn.Parameter(torch.zeros(D))
        self.embed"""
OPTIONS = """\
class Options:
    memory = bool(int(os.environ.get("MEMORY", "0")))


options = Options()


"""
REMEMBERS = """\
    def remembering(self):
        return self.remembers and not self.training

    def keep(self, h):
        if not {asked}:
            return
        with torch.no_grad():
            self.memory.copy_(h.mean(dim=(0, 1)))

    def forward(self, x, y):
        self.keep(self.embed(x))
        logits = self.head(self.hidden(x) + self.memory)
"""


def remembering(kept: str, asked: str) -> str:
    """Return a script whose net keeps a mean of the inputs it is given, where its option says so."""
    code = script(block(CUT, SCORE)).replace("net = Net()", "net = Net(options)")
    code = code.replace("def __init__(self):", "def __init__(self, options):", 1)
    code = code.replace("        super().__init__()\n        self.embed", FIELDS.format(kept=kept), 1)
    forward = "    def forward(self, x, y):\n        logits = self.head(self.hidden(x))\n"
    return code.replace(forward, REMEMBERS.format(asked=asked), 1).replace(
        "def evaluate", OPTIONS + "def evaluate", 1
    )


@pytest.mark.parametrize("kept", ["options.memory", "bool(options.memory)"])
@pytest.mark.parametrize("asked", ["self.remembers", "self.remembering()"])
def test_switch_that_the_constructor_keeps(kept: str, asked: str) -> None:
    """#2004: a memory of the evaluated text, written inside `forward`, is off in the claimed run."""
    code = remembering(kept, asked)
    assert "self.keep" in code
    assert "Options" in code
    assert read(code).behaviour.exposures == ()
    assert read(code, env={"MEMORY": "1"}).behaviour.exposures


MASTERS = """\
params = [p for p in net.parameters()]
masters = [p.detach().float().clone(){made} for p in params]
opt = torch.optim.SGD({over}, lr=0.1)
"""
STEPS = """\
net(x, y).backward()
for own, p in zip(masters, params):
    own.grad = p.grad.detach().float().clone()
opt.step()
with torch.no_grad():
    for p, own in zip(params, masters):
        p.copy_(own)
"""


def test_copies_that_are_trained_in_the_nets_stead() -> None:
    """#1320: gradients go to full-precision copies, which are written over the weights after each step."""
    made = MASTERS.format(made=".requires_grad_(True)", over="masters")
    first = behaviour_of(made + block(CUT, SCORE, STEPS))
    assert first.adaptations
    assert first.exposures == ()
    assert behaviour_of(made + block(CUT, STEPS, SCORE)).exposures


def test_copies_that_only_restore() -> None:
    saved = MASTERS.format(made="", over="params")
    assert behaviour_of(saved + block(CUT, STEPS, SCORE)).exposures == ()


TWIN = """\
def twin(inner):
    other = getattr(inner, "{name}", None)
    if other is None:
        other = copy.deepcopy(inner)
        setattr(inner, "{name}", other)
    return other
"""


def test_attribute_that_a_net_does_not_have_yet() -> None:
    """#1358: a copy is made at its first use, and hung onto the net under a name that no class mentions."""
    code = script(block(CUT, SCORE), functions=TWIN.format(name="_twin"), steps="net = twin(net)")
    assert read(code).behaviour.scores


def test_attribute_that_the_class_gives() -> None:
    body = "part = twin(net)\nsize = 1.0\n" + block(CUT, "total += part(net.hidden(x)).sum().item()\n")
    assert read(script(body, functions=TWIN.format(name="head"))).behaviour.scores == ()
