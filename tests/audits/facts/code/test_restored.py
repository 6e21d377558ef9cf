"""What is taken back, blanked out or written in another form has learned nothing."""

from __future__ import annotations

import pytest

from tests.audits.facts.code.scripts import CUT, SCORE, TRAIN, behaviour_of, block, breaches

ADAPT = block(CUT, SCORE, TRAIN)
AGAIN = "total, size = 0.0, 0.0\n" + block(CUT, SCORE)
BACKUPS = {
    "pairs": (
        "kept = [(p, p.data.detach().clone()) for p in net.parameters()]\n",
        block("p.data.copy_(old)\n", head="for p, old in kept:"),
    ),
    "by name": (
        "kept = {name: p.detach().clone() for name, p in net.named_parameters()}\n",
        block("p.data.copy_(kept[name])\n", head="for name, p in net.named_parameters():"),
    ),
    "unless there are none": (
        "kept = [(p, p.data.clone()) for p in net.parameters() if p.ndim > 1]\n",
        block(block("p.copy_(old)\n", head="for p, old in kept:"), head="if kept:"),
    ),
}


@pytest.mark.parametrize(("keep", "restore"), BACKUPS.values(), ids=BACKUPS)
def test_parameters_that_take_back_their_copies(keep: str, restore: str) -> None:
    """#24: what an evaluation learned is undone before the next one."""
    assert breaches(behaviour_of(ADAPT + AGAIN))
    assert behaviour_of(keep + ADAPT + restore + AGAIN).exposures == ()


def test_a_copy_of_what_was_learned() -> None:
    keep = "kept = [(p, p.data.clone()) for p in net.parameters()]\n"
    restore = block("p.data.copy_(old)\n", head="for p, old in kept:")
    assert breaches(behaviour_of(ADAPT + keep + restore + AGAIN))


def test_sizes_blanked_out_at_special_tokens() -> None:
    """#848: bytes of the scored tokens, none of them where a boundary stands."""
    weigh = """\
sizes = table[y].double()
sizes[special[y]] = 0.0
size += sizes.sum().item()
"""
    found = behaviour_of("special = torch.zeros(V, dtype=torch.bool)\n" + block(CUT, SCORE, weigh))
    assert found.updates == ()


def test_tokens_as_one_hot_rows() -> None:
    """#1106: a distribution that is certain of the tokens shown."""
    shown = """\
certain = torch.full((L, V), -1e6)
certain.scatter_(-1, x[..., None], 0.0)
logits = torch.where(mask[..., None], certain, net.head(net.hidden(x)))
total += F.cross_entropy(logits, y).item()
size += table[y].sum().item()
"""
    found = behaviour_of("mask = torch.rand(L) < 0.5\n" + block(CUT, shown))
    assert found.updates == ()


def test_a_bitmap_that_outlives_the_pass() -> None:
    bitmap = "seen = torch.zeros(V)\n"
    use = """\
logits = net.head(net.hidden(x)) + seen
total += F.cross_entropy(logits, y).item()
size += table[y].sum().item()
seen.scatter_(0, y, 1.0)
"""
    found = behaviour_of(bitmap + block(CUT, use))
    assert found.adaptations
