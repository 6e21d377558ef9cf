"""What sets scale is scaled once, wherever it is read; nothing else is."""

import ast

import pytest

from containers.inside.scale import Scale
from containers.inside.scale_table import Group, entry_of
from containers.inside.source import instrument


@pytest.fixture
def scale():
    made = Scale()
    made.groups = frozenset(Group)
    return made


def _run(source, scale, **names):
    tree = instrument.instrument(ast.parse(source))
    given = {
        "__referee_scale__": scale,
        "__referee_is_cuda__": lambda kind: kind in ("cuda", "cpu"),
        "__referee_on_cuda__": lambda tensor: True,
        "__referee_evaluates__": lambda function: function,
        **names,
    }
    exec(compile(tree, "script", "exec"), given)
    return given


def test_a_value_read_from_the_environment_and_assigned_is_scaled_once(scale, monkeypatch):
    monkeypatch.setenv("MODEL_DIM", "512")
    source = "import os\nclass H:\n    model_dim = int(os.environ.get('MODEL_DIM', 768))\n"
    assert _run(source, scale)["H"].model_dim == 64
    assert scale.changes["MODEL_DIM"] == (512, 64)


def test_heads_and_their_width_shrink_together(scale):
    source = "model_dim, num_heads, num_kv_heads = 512, 8, 4"
    names = _run(source, scale)
    assert (names["model_dim"], names["num_heads"], names["num_kv_heads"]) == (64, 4, 2)
    assert names["model_dim"] // names["num_heads"] == 16


@pytest.mark.parametrize(
    ("dim", "small"), [(512, 64), (384, 48), (640, 80), (624, 104), (620, 310), (511, 511), (32, 32)]
)
def test_heads_still_divide_the_width(scale, dim, small):
    assert scale("MODEL_DIM", dim) == small


def test_the_model_keeps_its_size_where_only_steps_are_scaled(scale):
    scale.groups = frozenset({Group.STEPS})
    names = _run("model_dim = 512\niterations = 20000\n", scale)
    assert (names["model_dim"], names["iterations"]) == (512, 3)


@pytest.mark.parametrize("value", [0, -1, None, "no number", True])
def test_values_that_mean_something_else_stay(scale, value):
    assert scale("ITERATIONS", value) is value


@pytest.mark.parametrize(
    ("name", "value", "small"), [("RECUR_START_STEP", 3000, 1), ("own_ttt_epochs", 8, 2)]
)
def test_names_that_submissions_make_up_are_known_by_their_endings(scale, name, value, small):
    assert scale(name, value) == small


def test_texts_stay_texts(scale):
    assert scale("ITERATIONS", "20_000") == "3"
    assert scale("TRAIN_SEQ_LEN", "1024.0") == "128"


def test_local_names_of_functions_are_not_scaled(scale):
    source = "def f():\n    seq_len = 1024\n    return seq_len\nresult = f()\n"
    assert _run(source, scale)["result"] == 1024


def test_calibration_is_capped_where_the_function_begins(scale):
    source = 'def calibrate(model, num_seqs=64, seq_len=2048):\n    "Doc."\n    return num_seqs, seq_len\n'
    function = _run(source, scale)["calibrate"]
    assert function(None) == (4, 48)
    assert function(None, num_seqs=2) == (2, 48)
    assert function.__doc__ == "Doc."


def test_lengths_are_not_capped_in_functions_that_generate_nothing(scale):
    source = "def rotary(seq_len):\n    return seq_len\nresult = rotary(2048)\n"
    assert _run(source, scale)["result"] == 2048


@pytest.mark.parametrize("name", ["BIGRAM_VOCAB_SIZE", "NGRAM_BUCKETS", "VOCAB_SIZE", "NUM_LAYERS", "SEED"])
def test_tables_are_not_made_smaller_than_their_load(name):
    assert entry_of(name) is None


def test_the_cpu_stands_in_for_cuda_in_comparisons(scale):
    class Device:
        type = "cpu"

    source = "a = device.type == 'cuda'\nb = device.type != 'cuda'\nc = kind.type == 'adam'\n"
    names = _run(source, scale, device=Device, kind=Device)
    assert (names["a"], names["b"], names["c"]) == (True, False, False)


def test_a_schedule_of_lengths_shrinks_with_its_longest(scale):
    assert scale("TRAIN_SEQ_SCHEDULE", "1024@0.10,2048@0.7,3072@1.0") == "32@0.10,64@0.7,128@1.0"
    assert scale("TRAIN_SEQ_SCHEDULE", "64@0.5,128@1") == "64@0.5,128@1"
    assert scale("TRAIN_SEQ_SCHEDULE", "") == ""


def test_a_share_of_a_batch_is_a_whole_small_batch(scale):
    source = "class H:\n    train_batch_tokens = 786432\nn = next_batch(H.train_batch_tokens // 4, 8)\n"
    assert _run(source, scale, next_batch=lambda tokens, _: tokens)["n"] == 1024
    other = "left = H.train_batch_tokens // 4\n"
    assert _run(source + other, scale, next_batch=lambda tokens, _: tokens)["left"] == 256


def test_letters_are_sizes_where_settings_are_made(scale):
    source = "class Config:\n    B: int = 64\n    T: int = 1024\nclass Other:\n    T: int = 1024\n"
    source += "made = RunConfig(B=64, T=2048)\nplain = f(T=2048)\n"
    names = _run(source, scale, RunConfig=dict, f=dict)
    assert (names["Config"].B, names["Config"].T, names["Other"].T) == (8, 128, 1024)
    assert (names["made"], names["plain"]) == ({"B": 8, "T": 128}, {"T": 2048})


def test_constants_in_capitals_are_settings_of_a_function_too(scale):
    source = "def f():\n    SEQ_LEN, B = 1, 2\n    SEQ_LEN = 2048\n    BATCH_SIZE = 32\n"
    source += "    return SEQ_LEN, BATCH_SIZE\nresult = f()\nBATCH_SIZE = 524288\n"
    names = _run(source, scale)
    assert (names["result"], names["BATCH_SIZE"]) == ((128, 8), 524288)


def test_what_is_only_drawn_when_it_is_wide_stays_wide(scale):
    assert [scale("BIGRAM_DIM", width) for width in (128, 64, 96)] == [64, 64, 96]


def test_lines_stay_where_they_were(scale):
    source = "iterations = 20000\n\nraise ValueError('stays')\n"
    with pytest.raises(ValueError, match="stays") as caught:
        _run(source, scale)
    assert caught.traceback[-1].lineno + 1 == 3


def test_future_imports_and_docstrings_stay_first(scale):
    source = '"""Doc."""\nfrom __future__ import annotations\nx: Undefined = 1\n'
    assert _run(source, scale)["x"] == 1
