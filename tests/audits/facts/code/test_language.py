"""Python's ways to call, hold and hide things: what they do to data and to learning is followed."""

from __future__ import annotations

import re

import pytest

from audits.facts.code.events import UpdateKind
from tests.audits.facts.code.scripts import CUT, SCORE, TRAIN, behaviour_of, block, breaches, read, script

STEP = "def fit(net, opt, x, y):\n    opt.zero_grad()\n    net(x, y).backward()\n    opt.step()\n"
LOCAL = block(TRAIN, head="def fit():") + "fit()\n"
CALLS = {
    "a helper": (STEP, "fit(net, opt, x, y)\n"),
    "keywords": (STEP, "fit(x=x, y=y, opt=opt, net=net)\n"),
    "spread arguments": (STEP, "fit(*(net, opt), **{'x': x, 'y': y})\n"),
    "partial": (STEP, "todo = functools.partial(fit, net, opt)\ntodo(x, y)\n"),
    "an argument": (STEP + "\n\ndef run(what, *given):\n    what(*given)\n", "run(fit, net, opt, x, y)\n"),
    "a lambda": (STEP, "todo = lambda a, b: fit(net, opt, a, b)\ntodo(x, y)\n"),
    "a dictionary of functions": (STEP, "{'fit': fit}['fit'](net, opt, x, y)\n"),
    "a local function": ("", LOCAL),
    "a closure": (
        "def make(net, opt):\n    def fit(x, y):\n        opt.zero_grad()\n        net(x, y).backward()\n"
        "        opt.step()\n    return fit\n",
        "make(net, opt)(x, y)\n",
    ),
    "a decorator": (
        "def loud(f):\n    @functools.wraps(f)\n    def inner(*a, **k):\n        return f(*a, **k)\n"
        "    return inner\n"
        "\n\n@loud\n" + STEP,
        "fit(net, opt, x, y)\n",
    ),
    "a method": (
        "class Fitter:\n    def __init__(self, net, opt):\n        self.net, self.opt = net, opt\n\n"
        "    def fit(self, x, y):\n        self.opt.zero_grad()\n        self.net(x, y).backward()\n"
        "        self.opt.step()\n",
        "Fitter(net, opt).fit(x, y)\n",
    ),
    "a bound method": (
        "class Fitter:\n    def __init__(self, net, opt):\n        self.net = net\n        self.opt = opt\n\n"
        "    def __call__(self, x, y):\n        self.opt.zero_grad()\n        self.net(x, y).backward()\n"
        "        self.opt.step()\n",
        "todo = Fitter(net, opt)\ntodo(x, y)\n",
    ),
    "a class method": (
        "class Fitter:\n    @classmethod\n    def fit(cls, net, opt, x, y):\n        opt.zero_grad()\n"
        "        net(x, y).backward()\n        opt.step()\n",
        "Fitter.fit(net, opt, x, y)\n",
    ),
    "a static method": (
        "class Fitter:\n    @staticmethod\n    def fit(net, opt, x, y):\n        opt.zero_grad()\n"
        "        net(x, y).backward()\n        opt.step()\n",
        "Fitter.fit(net, opt, x, y)\n",
    ),
    "an inherited method": (
        "class Base:\n    def fit(self, net, opt, x, y):\n        opt.zero_grad()\n"
        "        net(x, y).backward()\n        opt.step()\n\n\nclass Fitter(Base):\n    pass\n",
        "Fitter().fit(net, opt, x, y)\n",
    ),
    "a compiled function": (STEP + "\n\nfit = torch.compile(fit)\n", "fit(net, opt, x, y)\n"),
    "a global": (
        "NET = None\n\n\ndef fit(opt, x, y):\n    opt.zero_grad()\n    NET(x, y).backward()\n"
        "    opt.step()\n",
        "global NET\nNET = net\nfit(opt, x, y)\n",
    ),
    "a comprehension": (STEP, "[fit(net, opt, a, b) for a, b in [(x, y)]]\n"),
    "try and finally": (STEP, "try:\n    pass\nfinally:\n    fit(net, opt, x, y)\n"),
    "a with block": (STEP, "with torch.enable_grad():\n    fit(net, opt, x, y)\n"),
    "a walrus": (STEP, "if (todo := fit) is not None:\n    todo(net, opt, x, y)\n"),
}


@pytest.mark.parametrize(("functions", "call"), CALLS.values(), ids=CALLS)
def test_a_step_is_seen_however_it_is_called(functions: str, call: str) -> None:
    before = behaviour_of(block(CUT, call, SCORE), functions=functions)
    assert before.exposures, "missed alarm"
    assert before.adaptations == ()
    after = behaviour_of(block(CUT, SCORE, call), functions=functions)
    assert after.exposures == (), "false alarm"
    assert after.adaptations


WRAPPED = {
    "compile": "net = torch.compile(net, dynamic=False)\n",
    "data parallel": "from torch.nn.parallel import DistributedDataParallel as DDP\nnet = DDP(net)\n",
    "both": "net = torch.nn.parallel.DistributedDataParallel(torch.compile(net))\nnet = net.module\n",
    "moved": "net = net.to('cuda').bfloat16().train()\n",
    "an alias": "other = net\nnet = other\n",
    "a list": "nets = [net]\nnet = nets[0]\n",
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_a_model_is_the_same_however_it_is_wrapped(wrap: str) -> None:
    """The optimiser holds the parameters of the model inside; the wrapper is scored."""
    body = "inner = net\n" + wrap + block(CUT, TRAIN.replace("net(", "inner("), SCORE)
    assert behaviour_of(body).exposures
    body = "inner = net\n" + wrap + block(CUT, SCORE, TRAIN.replace("net(", "inner("))
    seen = behaviour_of(body)
    assert seen.exposures == ()
    assert seen.adaptations


COPY = "copied = copy.deepcopy(net)\nopt = torch.optim.SGD(copied.parameters(), lr=0.1)\n"
ON_COPY = TRAIN.replace("net(", "copied(")


def test_a_deep_copy_that_trains_and_is_scored() -> None:
    assert behaviour_of(COPY + block(CUT, ON_COPY, SCORE.replace("net(", "copied("))).exposures


def test_a_deep_copy_that_trains_leaves_the_original_alone() -> None:
    """#1458."""
    assert behaviour_of(COPY + block(CUT, ON_COPY, SCORE)).exposures == ()


GENERATOR = """\
def chunks(tokens, n):
    for i in range(n):
        span = tokens[i * L : i * L + L + 1]
        yield span[:-1], span[1:]
"""
LOADER = """\
class Chunks:
    def __init__(self, tokens, n):
        self.tokens, self.n = tokens, n

    def __iter__(self):
        for i in range(self.n):
            span = self.tokens[i * L : i * L + L + 1]
            yield span[:-1], span[1:]
"""
SOURCES = {
    "a generator": (GENERATOR, "for x, y in chunks(tokens, n):"),
    "an iterable object": (LOADER, "for x, y in Chunks(tokens, n):"),
    "a numbered generator": (GENERATOR, "for k, (x, y) in enumerate(chunks(tokens, n)):"),
    "a list of pairs": ("", "for x, y in [(c[:-1], c[1:]) for c in tokens.split(L)]:"),
    "zipped lists": ("", "for x, y in zip(tokens[:-1].split(L), tokens[1:].split(L)):"),
}


@pytest.mark.parametrize(("functions", "head"), SOURCES.values(), ids=SOURCES)
def test_chunks_from_elsewhere(functions: str, head: str) -> None:
    assert behaviour_of(block(TRAIN, SCORE, head=head), functions=functions).exposures
    seen = behaviour_of(block(SCORE, TRAIN, head=head), functions=functions)
    assert seen.exposures == ()
    assert seen.adaptations


FILL = """\
def fill(table, keys):
    np.add.at(table, keys, 1)
"""


def test_a_table_that_a_helper_fills_is_the_callers() -> None:
    """#1440: in-place writes into an argument are seen where the array came from."""
    use = """\
p = torch.softmax(net.head(net.hidden(x)), dim=-1).gather(-1, y.unsqueeze(-1)).squeeze(-1)
total += -torch.log(0.9 * p + 0.1 * counts[y] / counts.sum()).sum().item()
size += table[y].sum().item()
"""
    counts = "counts = np.zeros(V)\n"
    before = behaviour_of(counts + block(CUT, "fill(counts, y)\n", use), functions=FILL)
    assert {item.update.kind for item in before.exposures} == {UpdateKind.TABLE}
    after = behaviour_of(counts + block(CUT, use, "fill(counts, y)\n"), functions=FILL)
    assert after.exposures == ()


RECURSIVE = """\
def evaluate_from(net, opt, tokens, table, i, total, size):
    if i > 60000:
        return total, size
    x, y = tokens[i * L : i * L + L], tokens[i * L + 1 : i * L + L + 1]
    opt.zero_grad()
    net(x, y).backward()
    opt.step()
    total = total + net(x, y).item() * y.numel()
    size = size + table[y].sum().item()
    return evaluate_from(net, opt, tokens, table, i + 1, total, size)
"""


def test_recursion_instead_of_a_loop() -> None:
    body = "total, size = evaluate_from(net, opt, tokens, table, 0, total, size)\n"
    assert behaviour_of(body, functions=RECURSIVE).exposures


@pytest.mark.parametrize("parts", [(SCORE, TRAIN), (TRAIN, SCORE)], ids=["score first", "train first"])
def test_names_mean_nothing(parts: tuple[str, ...]) -> None:
    """Every name of the script is one letter."""
    code = script(block(CUT, *parts))
    short = code
    words = (
        "evaluate",
        "tokens",
        "train_tokens",
        "table",
        "total",
        "size",
        "opt",
        "net",
        "load",
        "Net",
        "main",
    )
    for number, word in enumerate(words):
        short = re.sub(rf"\b{word}\b", f"_{chr(97 + number)}", short)
    assert short != code
    plain, renamed = read(code).behaviour, read(short).behaviour
    assert breaches(plain) == breaches(renamed)
    assert [item.location for item in plain.adaptations] == [item.location for item in renamed.adaptations]
    assert plain.scores == renamed.scores


def test_a_script_that_executes_its_text() -> None:
    """#1412: the code is a text that is run."""
    code = script(block(CUT, TRAIN, SCORE))
    assert read(f"code = {code!r}\nexec(code)\n").behaviour.exposures
