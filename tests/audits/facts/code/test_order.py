"""Learning before, after and between scoring: which order is an adaptation and which an exposure."""

from __future__ import annotations

import pytest

from audits.facts.code.events import Learner, UpdateKind
from tests.audits.facts.code.scripts import CUT, SCORE, TRAIN, behaviour_of, block, breaches

PREVIOUS = """\
if i > 0:
    j = i - 1
    span = tokens[j * L : j * L + L + 1]
    px, py = span[:-1], span[1:]
    opt.zero_grad()
    net(px, py).backward()
    opt.step()
"""
NEXT = PREVIOUS.replace("i > 0", "i < n - 1").replace("i - 1", "i + 1")
ADJACENT = """\
if i > 0:
    px, py = tokens[(i - 1) * L : i * L], tokens[(i - 1) * L + 1 : i * L + 1]
    opt.zero_grad()
    net(px, py).backward()
    opt.step()
"""

LEGAL = {
    "score, then train (#549)": block(CUT, SCORE, TRAIN),
    "several epochs on a chunk that was scored (#1413)": block(
        CUT, SCORE, block(TRAIN, head="for epoch in range(3):")
    ),
    "train on the chunk before, then score this one (#1518)": block(
        CUT, PREVIOUS, SCORE, head="for i in range(60000):"
    ),
    "a live graph while scoring (#572)": block(
        CUT,
        "loss = net(x, y)\ntotal += loss.item() * y.numel()\nsize += table[y].sum().item()\n",
        "opt.zero_grad()\nloss.backward()\nopt.step()\n",
    ),
    "scored windows inside a chunk, then windows to train on (#461)": block(
        "windows = range(i * L, i * L + L, 64)\n",
        block("x, y = tokens[w : w + 64], tokens[w + 1 : w + 65]\n", SCORE, head="for w in windows:"),
        CUT,
        TRAIN,
    ),
    "documents appended once they are scored (#1530)": "seen = []\n"
    + block(
        CUT,
        SCORE,
        "seen.append((x, y))\n",
        block(
            block("x, y = old\n", TRAIN, head="for old in seen:"),
            head="if len(seen) % 8 == 0:",
        ),
    ),
}

ILLEGAL = {
    "train, then score the same chunk (#1422)": (block(CUT, TRAIN, SCORE), None),
    "train on all, then score all (#494)": (
        block(CUT, TRAIN) + block(CUT, SCORE),
        "train-on-val",
    ),
    "epochs around score-then-train; the last one counts (#762)": (
        block("total, size = 0.0, 0.0\n", block(CUT, SCORE, TRAIN), head="for epoch in range(3):"),
        None,
    ),
    "score only in the last epoch (#762)": (
        block(
            block(CUT, block(SCORE, head="if epoch == 2:"), TRAIN),
            head="for epoch in range(3):",
        ),
        None,
    ),
    "score first, then score all again (#576)": (
        block(CUT, SCORE, TRAIN) + "first, total, size = total, 0.0, 0.0\n" + block(CUT, SCORE),
        None,
    ),
    "train on the chunk after this one (#1658)": (block(CUT, NEXT, SCORE), None),
}


@pytest.mark.parametrize("body", LEGAL.values(), ids=LEGAL)
def test_legal_order_is_an_adaptation(body: str) -> None:
    seen = behaviour_of(body)
    assert seen.exposures == ()
    (update,) = seen.adaptations
    assert (update.kind, update.learner) == (UpdateKind.OPTIMISER, Learner.MODEL)
    assert update.in_loop


@pytest.mark.parametrize(("body", "name"), ILLEGAL.values(), ids=ILLEGAL)
def test_other_order_is_an_exposure(body: str, name: str | None) -> None:
    seen = behaviour_of(body)
    assert seen.adaptations == ()
    assert seen.exposures
    assert all(item.update.learner is Learner.MODEL for item in seen.exposures)
    if name is not None:
        assert breaches(seen) == {name}


def test_chunk_before_in_a_range_that_the_tokens_bound() -> None:
    assert behaviour_of(block(CUT, PREVIOUS, SCORE)).exposures == ()


def test_cut_that_ends_where_this_chunk_begins() -> None:
    assert behaviour_of(block(CUT, ADJACENT, SCORE)).exposures == ()


PICKED = (
    "def of(net, names):\n    every = dict(net.named_parameters())\n    return {n: every[n] for n in names}\n"
)
BY_HAND = {
    "a dictionary": (
        "held = dict(net.named_parameters())\n",
        "for n, p in held.items():\n    p.data -= 0.1 * p.grad\n",
    ),
    "a helper's dictionary (#294)": (
        "held = of(net, ['head.weight'])\n",
        "for n, p in held.items():\n    p.data.sub_(0.1 * p.grad)\n",
    ),
    "all at once (#2104)": (
        "held = list(net.parameters())\n",
        "torch._foreach_add_(held, [p.grad for p in held], alpha=-0.1)\n",
    ),
    "its state": ("", "for n, p in net.named_parameters():\n    net.state_dict()[n].sub_(0.1 * p.grad)\n"),
}


@pytest.mark.parametrize(("hold", "step"), BY_HAND.values(), ids=BY_HAND)
def test_steps_by_hand(hold: str, step: str) -> None:
    train = "net(x, y).backward()\n" + step + "net.zero_grad()\n"
    assert behaviour_of(hold + block(CUT, train) + block(CUT, SCORE), functions=PICKED).exposures
    legal = behaviour_of(hold + block(CUT, SCORE, train), functions=PICKED)
    assert legal.adaptations
    assert legal.exposures == ()


def test_parameter_made_of_counts() -> None:
    made = "net.head.bias = nn.Parameter(torch.bincount({}, minlength=V).float().log())\n"
    assert behaviour_of(block(CUT, SCORE), steps=made.format("tokens")).exposures
    assert behaviour_of(block(CUT, SCORE), steps=made.format("train_tokens")).exposures == ()


EPOCHS = ILLEGAL["epochs around score-then-train; the last one counts (#762)"][0]


def test_later_epochs_are_told_from_training_first() -> None:
    assert breaches(behaviour_of(EPOCHS)) == {"multi-epoch-final-score"}


def test_train_then_score_shares_a_pass() -> None:
    (exposure,) = behaviour_of(block(CUT, TRAIN, SCORE)).exposures
    assert exposure.same_pass
    assert not exposure.carried


def test_train_then_score_is_told_from_later_epochs() -> None:
    """#1422: the loss is taken inside `forward`, for training and for scoring."""
    (exposure,) = behaviour_of(block(CUT, TRAIN, SCORE)).exposures
    assert exposure.update_first


def test_two_sweeps_share_no_pass() -> None:
    (exposure,) = behaviour_of(block(CUT, TRAIN) + block(CUT, SCORE)).exposures
    assert not exposure.same_pass


RESCORED = """\
first = total / math.log(2.0) / size
print(f"first val_bpb:{first}")
total, size = 0.0, 0.0
"""


def test_scoring_again_is_told_from_scoring_late() -> None:
    """#1246: the first score keeps the order; the second is taken with what the first left behind."""
    again = behaviour_of(block(CUT, SCORE, TRAIN) + RESCORED + block(CUT, SCORE))
    assert breaches(again) == {"two-pass-rescore"}
    assert all(item.kept_order_elsewhere for item in again.exposures)
    late = behaviour_of(block(CUT, TRAIN) + block(CUT, SCORE))
    assert breaches(late) == {"train-on-val"}


def test_a_further_sweep_after_scoring_belongs_to_the_first() -> None:
    """#1430: score-first training goes over its tokens once more, and another evaluation scores them then."""
    again = behaviour_of(block(CUT, SCORE, TRAIN) + RESCORED + block(CUT, TRAIN) + block(CUT, SCORE))
    assert len(again.exposures) == 2
    assert breaches(again) == {"two-pass-rescore"}
    before = behaviour_of(block(CUT, TRAIN) + block(CUT, SCORE, TRAIN))
    assert breaches(before) == {"train-on-val"}


def test_plain_scoring_learns_nothing() -> None:
    seen = behaviour_of(block(CUT, SCORE))
    assert (seen.exposures, seen.adaptations, seen.updates) == ((), (), ())
    assert len(seen.scores) == 1


def test_training_shards_are_no_validation() -> None:
    body = block(CUT.replace("tokens", "train_tokens"), TRAIN) + block(CUT, SCORE)
    seen = behaviour_of(body.replace("train_tokens[", "load('data/fineweb_train_*.bin')["))
    assert (seen.exposures, seen.adaptations, seen.updates) == ((), (), ())


WHILE = """\
i = 0
chunks = int(open("chunks.txt").read())
while i < chunks:"""
STREAM = """\
stream = open("data/fineweb_val_000000.bin", "rb")
while True:"""
NEXT_BYTES = """\
raw = stream.read(2 * L + 2)
if not raw:
    break
span = torch.from_numpy(np.frombuffer(raw, dtype="<u2"))
x, y = span[:-1], span[1:]
"""


def test_while_loop_over_a_file_that_trains_first() -> None:
    assert behaviour_of(block(NEXT_BYTES, TRAIN, SCORE, head=STREAM)).exposures


def test_while_loop_over_a_file_that_scores_first() -> None:
    """#1412: tokens are read from the stream as they are needed."""
    seen = behaviour_of(block(NEXT_BYTES, SCORE, TRAIN, head=STREAM))
    assert seen.exposures == ()
    assert seen.adaptations


def test_while_loop_with_a_counter_that_trains_first() -> None:
    assert behaviour_of(block(CUT, TRAIN, SCORE, "i += 1\n", head=WHILE)).exposures


def test_while_loop_with_a_counter_that_scores_first() -> None:
    assert behaviour_of(block(CUT, SCORE, TRAIN, "i += 1\n", head=WHILE)).exposures == ()


LORA = """\
class Lora(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.head = net.head
        self.down = nn.Parameter(torch.zeros(D, 8))
        self.up = nn.Parameter(torch.zeros(8, D))

    def forward(self, h):
        return h + h @ self.down @ self.up
"""
LORA_LOSS = "F.cross_entropy(net.head(lora(net.hidden(x))).reshape(-1, V), y.reshape(-1))"
LORA_SCORE = f"""\
with torch.no_grad():
    total += {LORA_LOSS}.item() * y.numel()
    size += table[y].sum().item()
"""
LORA_TRAIN = f"opt.zero_grad()\n{LORA_LOSS}.backward()\nopt.step()\n"
FRESH = "lora = Lora(net)\nopt = torch.optim.Adam(lora.parameters(), lr=0.01)\n"
IN_DOCUMENT = "x, y = doc[i * L : i * L + L], doc[i * L + 1 : i * L + L + 1]\n"


LORA_ORDERS = {
    "score first": ((LORA_SCORE, LORA_TRAIN), True),
    "train first": ((LORA_TRAIN, LORA_SCORE), False),
}


@pytest.mark.parametrize(("parts", "legal"), LORA_ORDERS.values(), ids=LORA_ORDERS)
def test_low_rank_adapter_reset_for_each_document(parts: tuple[str, ...], legal: bool) -> None:
    """#1530: a fresh adapter a document, trained on each of its chunks after that chunk is scored."""
    per_document = FRESH + block(IN_DOCUMENT, *parts, head="for i in range(doc.numel() // L):")
    body = block(per_document, head="for doc in tokens.split(4096):")
    seen = behaviour_of(body, functions=LORA)
    assert bool(seen.exposures) is not legal
    learners = {item.learner for item in (*seen.adaptations, *(e.update for e in seen.exposures))}
    assert learners == {Learner.ADAPTER}


def test_epochs_over_a_document_before_it_is_scored() -> None:
    """#1972: the adapter of a document sees all of its chunks before any is scored."""
    body = block(
        FRESH,
        block(IN_DOCUMENT, LORA_TRAIN, head="for i in range(doc.numel() // L):"),
        block(IN_DOCUMENT, LORA_SCORE, head="for i in range(doc.numel() // L):"),
        head="for doc in tokens.split(4096):",
    )
    assert behaviour_of(body, functions=LORA).exposures


ROLLBACK = """\
before = {name: t.clone() for name, t in net.state_dict().items()}
x, y = tokens[:L], tokens[1 : L + 1]
opt = torch.optim.SGD(net.parameters(), lr=0.1)
net(x, y).backward()
opt.step()
"""


def test_weights_restored_from_a_saved_state_forget_the_step() -> None:
    """#1797: a compile warm-up on real tokens, discarded before the evaluation."""
    seen = behaviour_of(block(CUT, SCORE), steps=ROLLBACK + "net.load_state_dict(before)\n")
    assert seen.exposures == ()
    assert seen.updates, "the step on validation tokens is still told"
    kept = behaviour_of(block(CUT, SCORE), steps=ROLLBACK)
    assert kept.exposures


SNAPSHOT = "before = {name: p.data.clone() for name, p in net.named_parameters()}\n"
RESTORES = {
    "copy_": "for name, p in net.named_parameters():\n    p.data.copy_(before[name])\n",
    "data": "for name, p in net.named_parameters():\n    p.data = before[name].clone()\n",
    "zip": "for p, old in zip(net.parameters(), before.values()):\n    p.copy_(old)\n",
}


@pytest.mark.parametrize("restore", RESTORES.values(), ids=RESTORES)
def test_weights_restored_in_place_forget_the_sweep(restore: str) -> None:
    """#1300: two score-first evaluations, each from the same weights."""
    sweep = "print(evaluate(net, tokens, table))\n"
    body = block(CUT, SCORE, TRAIN)
    assert breaches(behaviour_of(body, steps=SNAPSHOT + sweep)) == {"two-pass-rescore"}
    seen = behaviour_of(body, steps=SNAPSHOT + sweep + restore)
    assert seen.exposures == ()
    assert seen.adaptations


def test_one_part_written_over_restores_nothing() -> None:
    sweep = "print(evaluate(net, tokens, table))\n"
    part = "for _ in range(2):\n    net.head.weight.data.copy_(before['head.weight'])\n"
    assert behaviour_of(block(CUT, SCORE, TRAIN), steps=SNAPSHOT + sweep + part).exposures
