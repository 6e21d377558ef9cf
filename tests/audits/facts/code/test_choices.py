"""Weights picked by their validation score, however the choice is written down."""

from __future__ import annotations

import pytest

from tests.audits.facts.code.scripts import CUT, SCORE, behaviour_of, block, marks

SCORED = block(CUT, SCORE)
BOTH = """\
raw = {k: t.clone() for k, t in net.state_dict().items()}
ema = {k: t * 0.9 for k, t in raw.items()}
net.load_state_dict(raw)
first = evaluate(net, tokens, table)
net.load_state_dict(ema)
other = evaluate(net, tokens, table)
"""
EACH = "raw = net.state_dict()\nfor st in (raw, {k: t * 0.9 for k, t in raw.items()}):\n"
LOADED = "    net.load_state_dict(st)\n    b = evaluate(net, tokens, table)\n"
CHOSEN = {
    "an expression": "net.load_state_dict(ema if other < first else raw)\n",
    "a branch": "if other > first:\n    net.load_state_dict(raw)\n",
    "a margin": "if other > first - 0.001:\n    net.load_state_dict(raw)\n",
    "a truth value": "better = other < first\nif not better:\n    net.load_state_dict(raw)\n",
    "a name (#754)": (
        "best, source = first, 'raw'\nif other < best:\n    best, source = other, 'ema'\n"
        "if source == 'raw':\n    net.load_state_dict(raw)\n"
    ),
    "a pair": "best, st = first, raw\nif other < best:\n    best, st = other, ema\nnet.load_state_dict(st)\n",
    "a record": (
        "best = {'bpb': first, 'state': raw}\nif other < best['bpb']:\n"
        "    best = {'bpb': other, 'state': ema}\nnet.load_state_dict(best['state'])\n"
    ),
    "keys of a record": (
        "best = {'bpb': first, 'state': raw}\nif other < best['bpb']:\n    best['bpb'] = other\n"
        "    best['state'] = ema\nnet.load_state_dict(best['state'])\n"
    ),
    "the least by a key": (
        "scores, states = {'raw': first, 'ema': other}, {'raw': raw, 'ema': ema}\n"
        "net.load_state_dict(states[min(scores, key=scores.get)])\n"
    ),
    "the least by a function": (
        "name, st, _ = min([('raw', raw, first), ('ema', ema, other)], key=lambda c: c[2])\n"
        "net.load_state_dict(st)\n"
    ),
    "the least of pairs": "_, st = min([(first, raw), (other, ema)])\nnet.load_state_dict(st)\n",
    "an order": (
        "found = [(first, raw), (other, ema)]\nfound.sort(key=lambda c: c[0])\n"
        "net.load_state_dict(found[0][1])\n"
    ),
    "an ordered copy": "found = sorted([(first, raw), (other, ema)])\nnet.load_state_dict(found[0][1])\n",
    "a position": "net.load_state_dict([raw, ema][int(np.argmin([first, other]))])\n",
}
LOOPS = {
    "from infinity": "    if b < best:\n        best, kept = b, st\n",
    "from nothing": "    if best is None or b < best:\n        best, kept = b, st\n",
    "in a file": "    if b < best:\n        best = b\n        torch.save(st, 'best.pt')\n",
}
QUIET = {
    "the last": "net.load_state_dict(ema)\n",
    "a report": "print(min(first, other))\nif other < first:\n    print(2)\nnet.load_state_dict(raw)\n",
    "the best number": "best = first\nif other < best:\n    best = other\nnet.load_state_dict(raw)\n",
    "a check": "if not math.isfinite(other):\n    raise RuntimeError\nnet.load_state_dict(raw)\n",
    "a bound": "if other > 1.2:\n    net.load_state_dict(raw)\n",
    "the least size": "st = min([(len(raw), raw), (len(ema), ema)])[1]\nnet.load_state_dict(st)\n",
}


@pytest.mark.parametrize("choice", CHOSEN.values(), ids=CHOSEN)
def test_the_better_of_two(choice: str) -> None:
    found = behaviour_of(SCORED, steps=BOTH + choice)
    assert (marks(found), found.exposures) == ({"weights-chosen-by-score"}, ())


@pytest.mark.parametrize("kept", LOOPS.values(), ids=LOOPS)
def test_the_best_so_far(kept: str) -> None:
    start = "best, kept = None, None\n" if "None" in kept else "best, kept = float('inf'), None\n"
    last = "net.load_state_dict(torch.load('best.pt') if kept is None else kept)\n"
    if "save" not in kept:
        last = "net.load_state_dict(kept)\n"
    assert marks(behaviour_of(SCORED, steps=start + EACH + LOADED + kept + last)) == {
        "weights-chosen-by-score"
    }


@pytest.mark.parametrize("rest", QUIET.values(), ids=QUIET)
def test_scores_that_decide_on_nothing(rest: str) -> None:
    assert marks(behaviour_of(SCORED, steps=BOTH + rest)) == set()
