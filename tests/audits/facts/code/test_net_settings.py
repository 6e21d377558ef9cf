"""Switches that a net keeps from its constructor, and methods of it that tell them."""

from __future__ import annotations

import pytest

from tests.audits.facts.code.scripts import CUT, SCORE, block, read, script

MEMORY = """\
class Config:
    memory = bool(int(os.environ.get("MEMORY", "{default}")))
    sites = int(os.environ.get("SITES", "{default}"))


class Remembering(nn.Module):
    def __init__(self, config, memory=False):
        super().__init__()
        self.embed, self.head = nn.Embedding(V, D), nn.Linear(D, V)
        {kept}
        self.register_buffer("state", torch.zeros(D))

    def active(self):
        \"\"\"Tell whether the memory is on.\"\"\"
        return {asked}

    def keep(self, h):
        if not self.active():
            return
        with torch.no_grad():
            self.state.copy_(0.9 * self.state + 0.1 * h.mean(0))

    def forward(self, x, y):
        h = self.embed(x) + self.state
        loss = F.cross_entropy(self.head(h).reshape(-1, V), y.reshape(-1))
        self.keep(h)
        return loss
"""
WAYS = {
    "converted": ("self.memory = bool(memory)", "self.memory and ((not self.training) or True)"),
    "compared": ("self.memory = config.sites > 0", "self.memory"),
    "negated": ("self.idle = not config.memory", "not self.idle"),
}
STEPS = "net = Remembering(Config, memory=Config.memory)"


def remembering(kept: str, asked: str, default: str) -> str:
    functions = MEMORY.format(kept=kept, asked=asked, default=default)
    return script(block(CUT, SCORE), steps=STEPS, functions=functions)


@pytest.mark.parametrize(("kept", "asked"), WAYS.values(), ids=WAYS)
def test_a_memory_that_is_off_is_not_written(kept: str, asked: str) -> None:
    """#2004: the constructor converts the switch, and a method of the net asks for it."""
    facts = read(remembering(kept, asked, "0"))
    assert facts.behaviour.scores
    assert facts.behaviour.updates == ()


@pytest.mark.parametrize(("kept", "asked"), WAYS.values(), ids=WAYS)
def test_a_memory_that_is_on_is_written(kept: str, asked: str) -> None:
    assert read(remembering(kept, asked, "1")).behaviour.updates


def test_a_switch_that_is_moved_later_is_not_taken_for_its_first_value() -> None:
    kept, asked = WAYS["converted"]
    moved = remembering(kept, asked, "0").replace(
        "    def keep(", "    def wake(self):\n        self.memory = True\n\n    def keep("
    )
    assert read(moved.replace(STEPS, STEPS + "\n    net.wake()")).behaviour.updates
