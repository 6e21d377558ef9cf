"""One token after the other: what a loop over positions may learn before it scores the next token."""

from __future__ import annotations

import pytest

from tests.audits.facts.code.scripts import CUT, SCORE, behaviour_of, block, breaches, marks, read, script

BY_POSITION = """\
counts = {}
key = 0
logp = torch.log_softmax(net.head(net.hidden(tokens[:-1])), -1)
for t in range(tokens.numel() - 1):
    cur = int(tokens[t])
    nxt = int(tokens[t + 1])
    BEFORE
    seen = counts.get(key, {})
    p = logp[t][nxt].exp() * 0.9 + 0.1 * seen.get(nxt, 0) / max(1, sum(seen.values()))
    total += -math.log(p)
    size += table[nxt].item()
    AFTER
"""
INPUT = "counts.setdefault(key, {})[cur] = counts.setdefault(key, {}).get(cur, 0) + 1"
TARGET = "counts.setdefault(key, {})[nxt] = counts.setdefault(key, {}).get(nxt, 0) + 1"
ORDERS = {
    "the input is counted, then the next token scored": (INPUT, "key = cur", True),
    "the next token is counted once it is scored": ("key = cur", TARGET, True),
    "the next token is counted before it is scored": (TARGET, "key = cur", False),
}


@pytest.mark.parametrize(("before", "after", "legal"), ORDERS.values(), ids=ORDERS)
def test_counts_by_position(before: str, after: str, legal: bool) -> None:
    """#1478: at a position, the token there is known and the one after it is not."""
    seen = behaviour_of(BY_POSITION.replace("BEFORE", before).replace("AFTER", after))
    assert bool(breaches(seen)) is not legal
    assert bool(seen.adaptations) is legal


def test_chunks_are_no_positions() -> None:
    """A loop that strides by whole chunks: a chunk moved by one is no later than the chunk."""
    body = """\
for t in range(0, tokens.numel() - L, L):
    x, y = tokens[t : t + L], tokens[t + 1 : t + 1 + L]
    opt.zero_grad()
    net(x, y).backward()
    opt.step()
    total += net(x, y).item() * y.numel()
    size += table[y].sum().item()
"""
    assert breaches(behaviour_of(body))


MERGED = """\
def blank():
    return {"nats": 0.0, "bytes": 0.0, "slowest": 0.0}


def gathered(parts):
    merged = blank()
    for part in parts:
        for key in merged:
            if key == "slowest":
                merged[key] = max(float(merged[key]), float(part[key]))
            else:
                merged[key] = float(merged[key]) + float(part[key])
    return merged
"""
STATISTICS = """\
local = blank()
for i in range(n):
    x, y = tokens[i * L : i * L + L], tokens[i * L + 1 : i * L + L + 1]
    with torch.no_grad():
        local["nats"] += net(x, y).item() * y.numel()
        local["bytes"] += table[y].sum().item()
everything = [None for _ in range(8)]
torch.distributed.all_gather_object(everything, local)
merged = gathered([local])
total, size = merged["nats"], merged["bytes"]
"""


def test_maximum_of_one_statistic_over_ranks_is_no_oracle() -> None:
    """#1478."""
    seen = behaviour_of(STATISTICS, functions=MERGED)
    assert marks(seen) == set()
    assert seen.exposures == ()


BEST = """\
first = evaluate(net, tokens, table)
step(net, train_tokens)
second = evaluate(net, tokens, table)
print(f"best val_bpb:{min(first, second):.6f}")
"""
STEP = """\
def step(net, tokens):
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    net(tokens[:L], tokens[1 : L + 1]).backward()
    opt.step()
"""


def test_best_of_several_results_is_no_oracle() -> None:
    """#1442: the smaller of two results, and beside it the smaller of two losses of each chunk."""
    seen = behaviour_of(block(CUT, SCORE), steps=BEST, functions=STEP)
    assert "better-of-two-scores" not in marks(seen)
    each = "with torch.no_grad():\n    total += min(net(x, y), other(x, y)).item() * y.numel()\n"
    picked = behaviour_of("other = Net()\nsize = 1.0\n" + block(CUT, each))
    assert "better-of-two-scores" in marks(picked)


BETTER = """\
other = Net()
one, two = evaluate(net, tokens[5:], table), evaluate(other, tokens[5:], table)
print(f"best val_bpb:{one if one <= two else two:.6f}")
"""


def test_the_better_of_two_results_is_no_oracle() -> None:
    """#304: two whole evaluations are run and one of their results is shown."""
    assert "better-of-two-scores" not in marks(behaviour_of(block(CUT, SCORE), steps=BETTER))
    listed = BETTER.replace("one if one <= two else two", "np.min([one, two])")
    assert "better-of-two-scores" not in marks(behaviour_of(block(CUT, SCORE), steps=listed))


def test_the_better_of_two_losses_of_a_chunk_is_one() -> None:
    better = "a, b = net(x, y), other(x, y)\ntotal += (a if a < b else b).item() * y.numel()\n"
    seen = behaviour_of("other = Net()\n" + block(CUT, better, "size += table[y].sum().item()\n"))
    assert "better-of-two-scores" in marks(seen)


HELPER = """\
import math


def judge(tokens, table):
    from train_gpt import build

    net, total, size = build(), 0.0, 0.0
    for i in range(1000):
        x, y = tokens[i * 1024 : i * 1024 + 1024], tokens[i * 1024 + 1 : i * 1024 + 1025]
        total += net(x, y).item() * y.numel()
        size += table[y].sum().item()
    return total / math.log(2.0) / size
"""


def test_helper_that_imports_the_script_it_serves() -> None:
    """#1478: the model of the scored path comes from the main script, by way of a helper."""
    code = script("pass\n", functions="def build():\n    return Net()\n").replace(
        "import torch\n", "import torch\nfrom judging import judge\n", 1
    )
    code = code.replace("{evaluate(net, tokens, table)", "{judge(tokens, table)")
    assert read(code, files={"judging.py": HELPER}).behaviour.scores


CURSOR = """\
at = 0
while at < tokens.numel() - 1:
    end = min(at + L, tokens.numel() - 1)
    x, y = tokens[at:end], tokens[at + 1 : end + 1]
    {first}
    {second}
    at = end
"""
ADD = "total += net(x, y).item() * y.numel(); size += table[y].sum().item()"
LEARN = "opt.zero_grad(); net(x, y).backward(); opt.step()"


@pytest.mark.parametrize(("first", "second", "legal"), [(ADD, LEARN, True), (LEARN, ADD, False)])
def test_cursor_that_is_set_to_the_end_of_a_chunk(first: str, second: str, legal: bool) -> None:
    """#1478: a loop may move on without counting."""
    seen = behaviour_of(CURSOR.format(first=first, second=second))
    assert bool(breaches(seen)) is not legal


HISTOGRAM = """\
def bias(ids):
    counts = torch.bincount(ids.reshape(-1), minlength=V).float()
    return 0.05 * ((counts + 1.0) / (counts.sum() + V)).log()
"""
BIASED = """\
x, y = tokens[at : at + L], tokens[at + 1 : at + L + 1]
with torch.no_grad():
    logits = net.head(net.hidden(x)) + bias({cache})
    total += F.cross_entropy(logits, y, reduction="sum").item()
    size += table[y].sum().item()
"""
CACHES = {
    "the inputs of the whole chunk": ("x", False),
    "the targets": ("y", False),
    "what stands before the chunk": ("tokens[:at]", True),
    "a window before the chunk": ("tokens[max(0, at - 256) : at]", True),
}


@pytest.mark.parametrize(("cache", "legal"), CACHES.values(), ids=CACHES)
def test_histogram_added_to_every_position(cache: str, legal: bool) -> None:
    """#704: counts of a batch's inputs tell its earlier positions what comes later."""
    loop = block(BIASED.format(cache=cache), head="for at in range(0, tokens.numel() - L, L):")
    assert bool(behaviour_of(loop, functions=HISTOGRAM).exposures) is not legal


def test_histogram_that_only_counts_bytes() -> None:
    body = block(CUT, SCORE, "size += (torch.bincount(y, minlength=V) * table).sum().item()\n")
    assert behaviour_of(body).exposures == ()
