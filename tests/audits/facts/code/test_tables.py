"""Counts, hints and mixtures: what stands in a key, what is mixed, and what is chosen by looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audits.rules.adaptation_order_unproven import legal_patterns
from tests.audits.facts.code.scripts import CUT, LOGITS, behaviour_of, block, marks

if TYPE_CHECKING:
    from audits.facts.code.behaviour import Behaviour

SIZE = "size += table[y].sum().item()\n"
TABLES = """\
both = torch.zeros(1 << 22)
context = torch.zeros(1 << 22)
"""
PREVIOUS = "prev = F.pad(x[:-1], (1, 0))\n"
CONTEXT_KEY = "ck = ((x * 36313) ^ (prev * 27191)) % (1 << 22)\n"
TARGET_KEY = "fk = ((x * 36313) ^ (prev * 27191) ^ (y * 51787)) % (1 << 22)\n"
RATIO = "q = both[fk] / context[ck].clamp(min=1)\n"
MIX = "total += -torch.log(0.8 * p + 0.2 * q).sum().item()\n"
COUNT = "both.scatter_add_(0, fk, torch.ones_like(fk, dtype=torch.float))\n"
COUNT_CONTEXT = "context.scatter_add_(0, ck, torch.ones_like(ck, dtype=torch.float))\n"


def test_counts_hashed_with_the_target() -> None:
    """#968: a bucket of context and target, divided by a bucket of the context."""
    body = TABLES + block(
        CUT, PREVIOUS, CONTEXT_KEY, TARGET_KEY, LOGITS, RATIO, MIX, SIZE, COUNT, COUNT_CONTEXT
    )
    seen = behaviour_of(body)
    assert "target-keyed-count" in marks(seen)


def test_target_in_the_key_through_a_helper() -> None:
    """#948: a helper mixes whatever it is given."""
    helper = """\
def key(*parts):
    out = 0
    for number, part in enumerate(parts):
        out = out ^ (part * (36313 + 2 * number))
    return out % (1 << 22)
"""
    body = TABLES + block(
        CUT, PREVIOUS, "ck, fk = key(x, prev), key(x, prev, y)\n", LOGITS, RATIO, MIX, SIZE, COUNT
    )
    assert "target-keyed-count" in marks(behaviour_of(body, functions=helper))


def test_counts_that_training_tokens_filled_first() -> None:
    """#924: a table that was filled from the training shards before is still asked under the target."""
    fill = """\
seen = train_tokens.long()
key = ((seen[1:] * 36313) ^ (seen[:-1] * 27191)) % (1 << 22)
both.scatter_add_(0, key, torch.ones_like(key, dtype=torch.float))
context.scatter_add_(0, key, torch.ones_like(key, dtype=torch.float))
"""
    body = "train_tokens = load('data/fineweb_train_*.bin')\n" + TABLES + fill
    body += block(CUT, PREVIOUS, CONTEXT_KEY, TARGET_KEY, LOGITS, RATIO, MIX, SIZE, COUNT, COUNT_CONTEXT)
    assert "target-keyed-count" in marks(behaviour_of(body))


@pytest.mark.parametrize(
    "key",
    ["fk = ck * V + y\n", "fk = x * V + y\n"],
    ids=["a row of V columns for each hashed context", "an exact pair"],
)
def test_column_picked_by_the_target_is_a_distribution(key: str) -> None:
    """#804: the counts of one context over all tokens are a row, whose sum is its total."""
    body = TABLES + block(CUT, PREVIOUS, CONTEXT_KEY, key, LOGITS, RATIO, MIX, SIZE, COUNT, COUNT_CONTEXT)
    assert "target-keyed-count" not in marks(behaviour_of(body))


HINT = """\
hint = best[ck]
q = (hint == y).float() * 0.9
total += -torch.log(0.8 * p + 0.2 * q).sum().item()
"""


def test_hint_looked_up_by_context_alone() -> None:
    """#1518: the table says one token for each context; only its agreement is checked."""
    body = "best = torch.zeros(1 << 22, dtype=torch.long)\n" + block(
        CUT, PREVIOUS, CONTEXT_KEY, LOGITS, HINT, SIZE, "best[ck] = y\n"
    )
    assert marks(behaviour_of(body)) == set()


def test_hashed_embedding_is_a_part_of_the_model() -> None:
    """#1019."""
    embedding = """\
class Pairs(nn.Module):
    def __init__(self):
        super().__init__()
        self.rows = nn.Embedding(4096, D)

    def forward(self, x):
        prev = F.pad(x[:-1], (1, 0))
        return self.rows(((36313 * x) ^ (27191 * prev)) % 4096)
"""
    body = "pairs = Pairs()\n" + block(
        CUT,
        "total += F.cross_entropy(net.head(net.hidden(x) + pairs(x)), y, reduction='sum').item()\n",
        SIZE,
    )
    seen = behaviour_of(body, functions=embedding)
    assert (marks(seen), seen.exposures, seen.adaptations) == (set(), (), ())


COUNTED = """\
counts.index_add_(0, y, torch.ones_like(y, dtype=torch.float))
"""
FROM_COUNTS = "q = (counts[y] + 0.1) / (counts.sum() + 0.1 * V)\n"


COUNTS = "counts = torch.zeros(V)\n"


def test_counts_filled_before_the_score() -> None:
    """#704: a histogram of the batch is added to the positions it was taken from."""
    assert behaviour_of(COUNTS + block(CUT, LOGITS, COUNTED, FROM_COUNTS, MIX, SIZE)).exposures


ONE_HOT = """\
rows = torch.full((L, V), -1e9)
rows.scatter_(-1, {index}, 0.0)
p = torch.softmax(net.head(net.hidden(x)) + rows, -1).gather(-1, y.unsqueeze(-1)).squeeze(-1)
total += -torch.log(p).sum().item()
"""


def test_one_hot_rows_are_no_memory() -> None:
    """#1106: visible tokens of a masked diffusion model predict themselves."""
    body = block(CUT, ONE_HOT.format(index="x[..., None]"), SIZE)
    assert behaviour_of(body).exposures == ()


def test_a_row_marked_by_many_tokens_is_one() -> None:
    """#704: which tokens occur in the batch is told to every position of it."""
    assert behaviour_of(block(CUT, ONE_HOT.format(index="x.reshape(1, -1)"), SIZE)).exposures


AFTER = COUNTS + block(CUT, LOGITS, FROM_COUNTS, MIX, SIZE, COUNTED)


def test_counts_filled_after_the_score() -> None:
    """#804: a causal cache."""
    assert behaviour_of(AFTER).exposures == ()


def test_counts_filled_after_the_score_are_an_adaptation() -> None:
    """#895: the review says that nothing learns, while three tables of counts do."""
    assert behaviour_of(AFTER).adaptations


TWO = """\
with torch.no_grad():
    a = F.cross_entropy(net.head(net.hidden(x)), y, reduction="none")
    b = F.cross_entropy(net.head(net.hidden(x) * 0.5), y, reduction="none")
"""
SUM = "total += best.sum().item()\n" + SIZE
CHOSEN = {
    "minimum": "best = torch.minimum(a, b)\n",
    "where": "best = torch.where(b < a, b, a)\n",
    "boolean mask (#1366)": "better = b < a\nbest = a.clone()\nbest[better] = b[better]\n",
    "positions (#1366)": "idx = torch.where(b < a)\nbest = a.clone()\nbest[idx] = b[idx]\n",
    "python minimum": "best = min(a.sum(), b.sum())\n",
}
AVERAGED = {
    "one of them": "best = a\n",
    "average": "best = 0.5 * (a + b)\n",
    "log of the mean probability": "best = -torch.logaddexp(-a, -b) + math.log(2.0)\n",
    "maximum that guards overflow (#1984)": """\
m = torch.maximum(-a, -b)
best = -(m + torch.log1p(torch.exp(torch.minimum(-a, -b) - m))) + 0.6931
""",
    "maximum subtracted before exponentials (#550)": """\
m = torch.maximum(-a, -b)
best = -(m + torch.log(0.5 * torch.exp(-a - m) + 0.5 * torch.exp(-b - m)))
""",
    "largest of a stack subtracted before exponentials": """\
both = torch.stack([-a, -b])
m = torch.amax(both, dim=0)
best = -(m + torch.log(torch.exp(both - m).mean(dim=0)))
""",
    "largest value of a stack subtracted before exponentials": """\
both = torch.stack([-a, -b])
m = both.max(dim=0).values
best = -(m + torch.log(torch.exp(both - m).mean(dim=0)))
""",
    "chosen by position": "best = torch.where(torch.arange(L) < 512, a, b)\n",
    "chosen by the context": "best = torch.where(x > 100, a, b)\n",
}


@pytest.mark.parametrize("choice", CHOSEN.values(), ids=CHOSEN)
def test_better_of_two_scores(choice: str) -> None:
    assert "better-of-two-scores" in marks(behaviour_of(block(CUT, TWO, choice, SUM)))


MISSED = {
    "method nonzero": "idx = (b < a).nonzero()\nbest = a.clone()\nbest[idx] = b[idx]\n",
    "minimum of a stack": "best = torch.stack([a, b]).min(dim=0).values\n",
    "minimum along a stack": "best = torch.amin(torch.stack([a, b]), dim=0)\n",
    "minimum with its places": "best = torch.min(torch.stack((a, b), dim=-1), dim=-1)[0]\n",
    "minimum of a list of arrays": "best = torch.from_numpy(np.min([a.numpy(), b.numpy()], axis=0))\n",
}


@pytest.mark.parametrize("choice", MISSED.values(), ids=MISSED)
def test_better_of_two_scores_in_other_words(choice: str) -> None:
    assert "better-of-two-scores" in marks(behaviour_of(block(CUT, TWO, choice, SUM)))


@pytest.mark.parametrize("choice", AVERAGED.values(), ids=AVERAGED)
def test_mixtures_that_choose_nothing(choice: str) -> None:
    helper = "def mix(a, b):\n    import torch\n" + "    " + choice.replace("\n", "\n    ") + "return best\n"
    body = block(CUT, TWO, "best = mix(a, b)\n", SUM)
    if "(x" in choice:
        body, helper = block(CUT, TWO, choice, SUM), ""
    assert "better-of-two-scores" not in marks(behaviour_of(body, functions=helper))


DISTRIBUTION = """\
with torch.no_grad():
    lp = F.log_softmax(net.head(net.hidden(x)), dim=-1)
    nll = -lp.gather(-1, y.unsqueeze(-1)).squeeze(-1)
    uniform = torch.full_like(nll, math.log(V))
    entropy = -(lp.exp() * lp).sum(-1)
"""


def test_entropy_as_an_expert() -> None:
    """#895: an entropy is no probability of the token, yet it is mixed as if it were one."""
    mixed = """\
experts = torch.stack([nll, uniform, entropy], dim=-1)
total += -torch.logsumexp(-experts + weights, dim=-1).sum().item()
"""
    body = "weights = torch.full((3,), -1.1)\n" + block(CUT, DISTRIBUTION, mixed, SIZE)
    assert marks(behaviour_of(body)) == {"entropy-as-expert"}


def test_entropy_as_a_weight() -> None:
    """#1514: how sure the model is decides how much the other expert counts."""
    mixed = """\
alpha = torch.sigmoid(entropy - 2.0)
experts = torch.stack([nll - torch.log(1 - alpha), uniform - torch.log(alpha)], dim=-1)
total += -torch.logsumexp(-experts, dim=-1).sum().item()
"""
    assert marks(behaviour_of(block(CUT, DISTRIBUTION, mixed, SIZE))) == set()


BYTES = """\
counts = {}
pieces = [sp.id_to_piece(t) for t in range(V)]
"""
BYTE_MIX = """\
nll = F.cross_entropy(net.head(net.hidden(x)), y, reduction="none")
for t in range(L):
    piece = pieces[int(y[t])].encode("utf-8")
    lp = 0.0
    for b in piece:
        row = counts.get(history, {})
        lp += math.log((row.get(b, 0) + 1) / (sum(row.values()) + 256))
        counts.setdefault(history, {})
        counts[history][b] = counts[history].get(b, 0) + 1
        history = (history + bytes([b]))[-3:]
    total += -math.log(0.7 * math.exp(-nll[t].item()) + 0.3 * math.exp(lp))
"""


def test_byte_model_mixed_into_token_probabilities() -> None:
    """#1835: only the bytes of the realised token are asked for."""
    body = (
        'import sentencepiece as spm\nsp = spm.SentencePieceProcessor("t.model")\nhistory = b""\n'
        + BYTES
        + block(CUT, BYTE_MIX, SIZE)
    )
    assert "byte-mixed" in marks(behaviour_of(body))


TOKENIZER = 'import sentencepiece as spm\nsp = spm.SentencePieceProcessor("t.model")\n'
NESTED = """\
from collections import defaultdict
rows = [defaultdict(lambda: defaultdict(int)) for _ in range(3)]
stream, spread, history = bytearray(), [], b""
"""
COLLECT = """\
nll = F.cross_entropy(net.head(net.hidden(x)), y, reduction="none")
losses.append(nll)
targets.append(y)
"""
BYTE_WALK = """\
for t in torch.cat(targets):
    stream.extend(sp.id_to_piece(int(t)).encode("utf-8"))
found = np.zeros(len(stream))
for i, b in enumerate(bytes(stream)):
    row = rows[2].get(history)
    found[i] = (row.get(b, 0) + 1) / (sum(row.values()) + 256) if row else 1 / 256
    for n in range(3):
        rows[n][history[:n]][b] += 1
    history = (history + bytes([b]))[-3:]
mixed = 0.7 * torch.exp(-torch.cat(losses)).numpy() + 0.3 * found
both = -np.log2(mixed).sum() / len(stream)
total = torch.cat(losses).sum().item()
size = table[torch.cat(targets)].sum().item()
print(f"plain val_bpb:{total / math.log(2.0) / size}")
print(f"mixed val_bpb:{both}")
"""


def test_byte_model_in_nested_tables() -> None:
    """#1782: rows that a factory makes; #2076: the mixture is printed beside the plain score."""
    start = TOKENIZER + NESTED + "losses, targets = [], []\n"
    assert "byte-mixed" in marks(behaviour_of(start + block(CUT, COLLECT) + BYTE_WALK))


def test_what_ranks_gather() -> None:
    """#1782: scores and targets come out of lists that a collective fills."""
    gathered = "every = [torch.zeros(L) for _ in range(8)]\ntorch.distributed.{call}\nlosses = every\n"
    start = TOKENIZER + NESTED + "losses, targets = [], []\n" + block(CUT, COLLECT)
    for call in ("gather(torch.cat(losses), every, dst=0)", "all_gather(every, torch.cat(losses))"):
        assert "byte-mixed" in marks(behaviour_of(start + gathered.format(call=call) + BYTE_WALK))


SEGMENTS = """\
at, start = 0, 0
while start < L:
    stop = min(L, edge)
    take = stop - start
    own, xs, ys = p[at : at + take], x[at : at + take], y[at : at + take]
    for j in range(take):
        before, after = int(xs[j]), int(ys[j])
        q = counts[before, after] / max(rows[before], 1)
        total += -math.log(0.8 * float(own[j]) + 0.2 * q)
        counts[before, after] += 1
        rows[before] += 1
    start = stop
    at += take
    if start >= edge:
        place += 1
        edge = ends[place]
"""
BEFORE_SEGMENTS = """\
counts, rows = np.zeros((V, V)), np.zeros(V)
ends = [int(at) for at in (tokens == 1).nonzero()]
place = 0
edge = ends[place]
"""


def test_counts_of_tokens_before_in_segments_whose_ends_move() -> None:
    """#958: where one segment ends decides how long the next one is; what is counted stays earlier."""
    seen = behaviour_of(BEFORE_SEGMENTS + block(CUT, LOGITS, SEGMENTS, SIZE))
    assert seen.exposures == ()
    assert seen.counted


def test_a_segment_that_counts_its_own_tokens_first() -> None:
    early = SEGMENTS.replace("        q = ", "        counts[before, after] += 1\n        q = ")
    assert behaviour_of(BEFORE_SEGMENTS + block(CUT, LOGITS, early, SIZE)).exposures


ROWS = """\
from collections import Counter, defaultdict
rows = defaultdict(Counter)
lp = np.zeros(n * L)
"""
KEEP = "lp[i * L : i * L + L] = torch.log(p).numpy()\n"
EACH = "for t in range(n * L):"
ASK = """\
target, key = int(tokens[t + 1]), (int(tokens[t - 1]), int(tokens[t]))
q = 0.0
for length in (2, 1):
    row = rows.get(key[-length:])
    if row is not None:
        hit = row.get(target, 0)
        if hit > 0:
            q = hit / sum(row.values())
        break
"""
RAISE = "rows[key][target] += 1\nrows[key[1:]][target] += 1\nsize += table[target].item()\n"
ALIKE = "total -= math.log(0.8 * math.exp(lp[t]) + 0.2 * q)\n"
BRANCH = "if q > 0.0:\n    total -= math.log(0.8 * math.exp(lp[t]) + 0.2 * q)\nelse:\n    total -= lp[t]\n"
CHOICE = "total -= math.log(0.8 * math.exp(lp[t]) + 0.2 * q if q > 0.0 else math.exp(lp[t]))\n"
ROOM = """\
if q > 0.0:
    p = 0.8 * math.exp(lp[t]) + 0.2 * q
else:
    p = 0.8 * math.exp(lp[t])
total -= math.log(p)
"""
ADDED = """\
p = 0.8 * math.exp(lp[t])
if q > 0.0:
    p += 0.2 * q
total -= math.log(p)
"""
HELD = (
    "if row is not None:\n    total -= math.log(0.8 * math.exp(lp[t]) + 0.2 * q)\nelse:\n    total -= lp[t]\n"
)


def counted(mix: str) -> Behaviour:
    """Return what a second loop does that mixes exact counts into the losses of a first one."""
    return behaviour_of(ROWS + block(CUT, LOGITS, KEEP) + block(ASK, mix, RAISE, head=EACH))


@pytest.mark.parametrize("mix", [BRANCH, CHOICE], ids=["if", "a if b else c"])
def test_mixed_only_where_the_target_was_counted(mix: str) -> None:
    """#1044: what has not been counted keeps all of its probability, so the sum passes one."""
    assert marks(counted(mix)) == {"mixed-where-counted"}
    assert "ngram-normalised" not in legal_patterns(counted(mix))


@pytest.mark.parametrize(
    "mix",
    [ALIKE, HELD, ROOM, ADDED],
    ids=["always", "where the context was met", "room is made in both branches", "room was made before"],
)
def test_mixed_for_every_target_alike(mix: str) -> None:
    assert marks(counted(mix)) == set()
    assert "ngram-normalised" in legal_patterns(counted(mix))
