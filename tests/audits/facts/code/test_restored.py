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


def test_state_that_is_copied_back_by_name() -> None:
    """#1422: a net's state gives out its own tensors."""
    keep = "kept = {name: t.detach().clone() for name, t in net.state_dict().items()}\n"
    restore = block("net.state_dict()[name].copy_(old)\n", head="for name, old in kept.items():")
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


COPY = """\
attention = torch.softmax(net.hidden(x) @ net.hidden(x).T, dim=-1)
copied = torch.zeros(L, V)
copied.scatter_add_(-1, x.expand(L, L), attention)
p = torch.logaddexp(F.log_softmax(net.head(net.hidden(x)), -1), torch.log(copied))
total -= p.gather(-1, y[:, None]).sum().item()
size += table[y].sum().item()
"""


def test_attention_copied_onto_the_tokens_it_looks_at() -> None:
    """#2040, #304: a pointer to earlier inputs is an output of the net."""
    assert behaviour_of(block(CUT, COPY)).updates == ()


REPORTS = (
    "Path(out).write_text(json.dumps({'shards': n, 'first': tokens[:8].tolist()}))\n",
    "with open(out, 'w') as f:\n    json.dump({'first': tokens[:8].tolist()}, f)\n",
    "with Path(out).open('w') as f:\n    f.write(str(tokens[:8].tolist()))\n",
)


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_not_the_weights(report: str) -> None:
    """#1816: what was written about the validation tokens is not read back as the model."""
    start = "import json, os, pickle, sys\nfrom pathlib import Path\nout, n = sys.argv[1], 3\n"
    load = "net.load_state_dict(torch.load(os.environ['ARTIFACT']))\n"
    assert behaviour_of(block(CUT, SCORE), steps=start + report + load).exposures == ()
    kept = (
        report.replace("write_text(json.dumps(", "write_bytes(bytes(")
        .replace("'w'", "'wb'")
        .replace("json.dump(", "pickle.dump(")
    )
    assert behaviour_of(block(CUT, SCORE), steps=start + kept + load).exposures


def test_one_cache_for_the_shards_of_both_splits() -> None:
    """#1816: a dictionary of opened shards, by path."""
    functions = """\
opened = {}


def shard(path):
    if path not in opened:
        opened[path] = np.memmap(path, dtype="<u2", mode="r")
    return opened[path]
"""
    steps = """\
tokens = torch.cat([torch.from_numpy(shard(p)) for p in sorted(glob.glob("data/fineweb_val_*.bin"))])
opt = torch.optim.AdamW(net.parameters())
for path in sorted(glob.glob("data/fineweb_train_*.bin")):
    data = torch.from_numpy(shard(path))
    net(data[:-1], data[1:]).backward()
    opt.step()
"""
    assert behaviour_of(block(CUT, SCORE), steps=steps, functions=functions).updates == ()
