"""Idioms that the reference's evaluators taught: hooks that add, unpacked rows, planned windows."""

from __future__ import annotations

from audits.facts.code.events import Learner
from audits.rules.adaptation_order_unproven import legal_patterns
from tests.audits.facts.code.scripts import (
    CUT,
    SCORE,
    TRAIN,
    behaviour_of,
    block,
    breaches,
    marks,
    read,
    script,
)
from tests.audits.facts.code.test_deltas import DELTA, FIT, HIDDEN, SCORE_DELTA

ADAPTER = """\
class Adapter(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.up = nn.Parameter(torch.zeros(V, 8))
        self.down = nn.Parameter(torch.randn(8, D))
"""
ATTACH = """\
adapter = Adapter(net)

def add(layer, inputs, output):
    return output + inputs[0] @ adapter.down.T @ adapter.up.T

handle = net.head.register_forward_hook(add)
opt = torch.optim.Adam(adapter.parameters(), lr=0.01)
"""


def test_an_adapter_that_a_hook_adds_learns_what_it_is_trained_on() -> None:
    seen = behaviour_of(ATTACH + block(CUT, SCORE, TRAIN), functions=ADAPTER)
    assert not seen.exposures
    assert {update.learner for update in seen.adaptations} == {Learner.ADAPTER}
    assert legal_patterns(seen) == ("lora-ttt", "score-first-ttt")


SCORE_APART = """\
with torch.no_grad():
    total += F.cross_entropy(net.head(net.hidden(x)), y, reduction="sum").item()
    size += table[y].sum().item()
"""


def test_an_adapter_that_a_hook_adds_is_seen_when_it_learns_first() -> None:
    seen = behaviour_of(ATTACH + block(CUT, TRAIN, SCORE_APART), functions=ADAPTER)
    assert breaches(seen) == {"train-on-val"}


PARTS = """\
x, y = (part.to("cuda") for part in (tokens[i * L : i * L + L], tokens[i * L + 1 : i * L + L + 1]))
"""
LOOK_UP = """\
with torch.no_grad():
    p = torch.softmax(net.head(net.hidden(x)), dim=-1)
    rows = counts[(x * 36313 ^ x.roll(1) * 27191) % 4096]
    p = 0.9 * p + 0.1 * rows / (rows.sum(dim=-1, keepdim=True) + 1)
    total -= p.gather(-1, y.unsqueeze(-1)).log().sum().item()
    size += table[y].sum().item()
counts.index_put_(((x * 36313 ^ x.roll(1) * 27191) % 4096, y), torch.ones(L), accumulate=True)
"""


def test_parts_of_a_row_that_are_moved_in_one_line_stay_apart() -> None:
    """The inputs are no targets, though one expression moves both."""
    seen = behaviour_of("counts = torch.zeros(4096, V)\n" + block(PARTS, LOOK_UP))
    assert not marks(seen)
    assert legal_patterns(seen) == ("ngram-normalised",)


PLAN = """\
class Window(NamedTuple):
    start: int
    scored_from: int
    end: int


def windows(inputs, window, stride):
    start = scored = 0
    while scored < inputs:
        end = min(start + window, inputs)
        yield Window(start, scored, end)
        start, scored = start + stride, end
"""
PLANNED = """\
x, y = tokens[w.start : w.end].reshape(1, -1), tokens[w.start + 1 : w.end + 1].reshape(1, -1)
s = w.scored_from - w.start
"""


def test_a_planned_window_has_a_context_although_the_first_has_none() -> None:
    """What a generator yields is of every pass: its first window scores from position 0 on."""
    parts = (PLANNED, HIDDEN, DELTA.format(shape="x.size(0), 1, D"), FIT.format(cut=":s"))
    body = block(*parts, SCORE_DELTA.format(cut="s:"), head="for w in windows(tokens.numel() - 1, L, 64):")
    seen = behaviour_of(body, functions="from typing import NamedTuple\n\n\n" + PLAN)
    assert breaches(seen) == {"slot-context-only"}


HALVES = "h = torch.cat((h[..., half:], h[..., :half]), dim=-1)\n"


def test_a_cut_through_features_is_no_cut_of_positions() -> None:
    """Heads and halves of a vector are cut at numbers that are not constant too."""
    half = "half = net.head.in_features // 2\n"
    made = CUT.replace("i * L : i * L + L]", "None, i * L : i * L + L]").replace(
        "[i * L + 1", "[None, i * L + 1"
    )
    parts = (made, HIDDEN, HALVES, DELTA.format(shape="x.size(0), 1, D"))
    context = behaviour_of(
        half + block(*parts, "s = x.size(1) - 64\n", FIT.format(cut=":s"), SCORE_DELTA.format(cut="s:"))
    )
    assert breaches(context) == {"slot-context-only"}
    whole = behaviour_of(half + block(*parts, FIT.format(cut=":"), SCORE_DELTA.format(cut=":")))
    assert breaches(whole) == {"slot-scored"}


def test_the_plain_script_is_read_whole() -> None:
    assert read(script(block(CUT, SCORE))).behaviour.complete


PACKED = """\
@dataclass
class Stored:
    values: torch.Tensor

    def unpack(self):
        return self.values.float()


def store(net):
    return {name: Stored(value.half()) for name, value in net.state_dict().items()}


def pack(stored):
    return b"".join(entry.values.numpy().tobytes() for entry in stored.values())


def unpack(blob):
    return {"w": Stored(torch.from_numpy(np.frombuffer(blob, dtype=np.float16)))}
"""
STEPS = """\
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for i in range(100):
    x, y = tokens[i * L : i * L + L], tokens[i * L + 1 : i * L + L + 1]
    opt.zero_grad()
    net(x, y).backward()
    opt.step()
Path("model.bin").write_bytes(pack(store(net)))
net = Net()
net.load_state_dict({name: entry.unpack() for name, entry in unpack(Path("model.bin").read_bytes()).items()})
"""


def test_weights_that_travel_in_records_are_followed_through_the_artifact() -> None:
    """A helper that is given records is given what their fields hold."""
    functions = "from dataclasses import dataclass\nfrom pathlib import Path\n\n\n" + PACKED
    seen = behaviour_of(block(CUT, SCORE), steps=STEPS, functions=functions)
    assert breaches(seen) == {"prequant-ttt"}
