"""Scripts whose score is met only by what an argument, a file name or the report itself says."""

from __future__ import annotations

from tests.audits.facts.code.scripts import CUT, SCORE, TRAIN, behaviour_of, block, read, script

EVALUATION = script(block(CUT, SCORE))
LOADS = 'load("data/fineweb_val_*.bin")'
FOREIGN = "from models import make_net\n\n\n"


def test_a_net_made_elsewhere() -> None:
    """#2052: the loss is taken in sight, by a net from a registry that is looked up by name."""
    found = read(FOREIGN + EVALUATION.replace("net = Net()", "net = make_net(L)")).behaviour
    assert found.scores
    assert not found.exposures


def test_what_such_a_net_learns_is_not_overlooked() -> None:
    code = FOREIGN + script(block(CUT, TRAIN, SCORE)).replace("net = Net()", "net = make_net(L)")
    found = read(code).behaviour
    assert found.updates
    assert not found.adaptations


def test_a_loader_asked_for_a_split() -> None:
    """#1036: documents come out of parquet files, and one function serves both splits."""
    functions = """\
def batches(split):
    while True:
        for row in store.rows(split):
            yield torch.tensor(encode(row))
"""
    body = block("local = next(source)\nx, y = local[:-1], local[1:]\n", SCORE)
    code = script('source = batches("val")\n' + body, functions=functions).replace(LOADS, "torch.zeros(9)")
    found = read(code).behaviour
    assert found.scores
    assert not found.exposures


def test_paths_sorted_by_a_word_in_their_names() -> None:
    """#1254: one directory listing, told apart by `"val" in name`."""
    sorts = {
        "comprehension": '[f for f in sorted(os.listdir("data")) if "val" in f]',
        "negated": '[f for f in sorted(os.listdir("data")) if "train" not in f]',
    }
    for names in sorts.values():
        loaded = f"torch.from_numpy(np.concatenate([np.fromfile(f, dtype='<u2') for f in {names}]))"
        assert read(EVALUATION.replace(LOADS, loaded)).behaviour.scores


def test_paths_sorted_into_lists_by_a_conditional_expression() -> None:
    """#476: one line chooses the list that a path is put into."""
    functions = """\
def shards():
    train, val = [], []
    for p in sorted(glob.glob("data/*.bin")):
        (val if "val" in p else train).append(p)
    return train, val


def joined(paths):
    return torch.from_numpy(np.concatenate([np.fromfile(f, dtype="<u2") for f in paths]))
"""
    steps = """\
train, val = shards()
seen, tokens = joined(train), joined(val)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
net(seen[:-1], seen[1:]).backward()
opt.step()
"""
    code = script(block(CUT, SCORE), functions=functions, steps=steps).replace(LOADS, "torch.zeros(9)")
    found = read(code).behaviour
    assert found.scores
    assert found.updates == ()


def test_attributes_copied_one_after_the_other_by_name() -> None:
    """#1340: a loop over `vars(...)` fills the options, and the loader finds its paths there."""
    functions = """\
class Paths:
    val_files = "data/fineweb_val_*.bin"
    train_files = "data/fineweb_train_*.bin"


class Options:
    pass
"""
    steps = """\
options = Options()
for name, value in {pairs}:
    if not name.startswith("__"):
        setattr(options, name, value)
tokens = load(options.val_files)
"""
    for pairs in ("vars(Paths).items()", "Paths.__dict__.items()", "{'val_files': Paths.val_files}.items()"):
        code = script(block(CUT, SCORE), functions=functions, steps=steps.replace("{pairs}", pairs))
        assert read(code.replace(LOADS, "torch.zeros(9)")).behaviour.scores, pairs


ONE_FILE = """\
data = torch.from_numpy(np.fromfile(os.environ["TEXT"], dtype=np.uint8))
n = int(data.numel() * 0.9)
{cuts}
opt = torch.optim.SGD(net.parameters(), lr=0.1)
net(seen[:-1], seen[1:]).backward()
opt.step()
"""


def test_one_file_cut_into_splits() -> None:
    """#1304: what lies behind the boundary of the training text is validation."""
    three = "m = n + 9\nseen, between, tokens = data[:n], data[n:m], data[m:]"
    for cuts in ("seen, tokens = data[:n], data[n:]", three):
        code = script(block(CUT, SCORE), steps=ONE_FILE.format(cuts=cuts)).replace(LOADS, "torch.zeros(9)")
        found = read(code).behaviour
        assert found.scores
        assert found.updates == ()
    learned = ONE_FILE.format(cuts="seen, tokens = data[:n], data[n:]\nseen = tokens")
    code = script(block(CUT, SCORE), steps=learned).replace(LOADS, "torch.zeros(9)")
    assert read(code).behaviour.exposures


def test_pieces_of_a_file_that_do_not_meet() -> None:
    """Windows of training text begin anywhere: they are no split."""
    cuts = "seen, tokens = data[:n], data[n + 9 :]"
    code = script(block(CUT, SCORE), steps=ONE_FILE.format(cuts=cuts)).replace(LOADS, "torch.zeros(9)")
    assert read(code).behaviour.scores == ()


def test_an_entry_that_a_framework_calls() -> None:
    """#1254: nothing in the script calls `main`, and the evaluation runs on another machine."""
    entered = EVALUATION.replace("\n\nmain()\n", "\n")
    assert read(entered).behaviour.scores
    remote = entered.replace("{evaluate(net", "{evaluate.remote(net")
    assert read(remote).behaviour.scores


def test_a_function_that_gives_what_it_closes_over() -> None:
    """#272: the compiled net comes out of a nested function without arguments."""
    steps = "def wrapped():\n    return torch.compile(net)\nwhole = wrapped()"
    body = block(CUT, SCORE, TRAIN)
    code = script(body, steps=steps).replace("{evaluate(net", "{evaluate(whole")
    found = read(code).behaviour
    assert found.adaptations
    assert not found.exposures


def test_a_data_set_that_cuts_windows() -> None:
    """#216: the tokens lie in an object, and its `__getitem__` does nothing but cut them."""
    functions = """\
class Windows:
    def __init__(self, data):
        self.data = data

    def __getitem__(self, i):
        return self.data[i * L : i * L + L], self.data[i * L + 1 : i * L + L + 1]
"""
    found = behaviour_of(
        "windows = Windows(tokens)\n" + block("x, y = windows[i]\n", SCORE), functions=functions
    )
    assert found.scores


def test_a_method_that_calls_its_own_forward() -> None:
    """#1442: `loss_fn` is a name for `forward`."""
    functions = """\
class Named(Net):
    def loss_of(self, x, y):
        return self.forward(x, y)
"""
    code = script(block(CUT, SCORE.replace("net(x, y)", "net.loss_of(x, y)"), TRAIN), functions=functions)
    found = read(code.replace("net = Net()", "net = Named()")).behaviour
    assert found.adaptations
    assert not found.exposures
