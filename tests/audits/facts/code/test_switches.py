"""Which branches the claimed run takes: defaults, run command, options, logs, and what these imply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audits.example_folder import claims, log
from audits.facts.settings import ValueOrigin
from tests.audits.facts.code.scripts import CUT, SCORE, TRAIN, block, breaches, read, script

if TYPE_CHECKING:
    from audits.facts.code import CodeFacts

SWITCHED = block(CUT, block(TRAIN, head="if {test}:"), SCORE)


def switched(test: str, before: str = "") -> str:
    """Return a script that trains on each chunk before it is scored, if `test` holds."""
    return script(SWITCHED.replace("{test}", test), functions=before)


ENVIRONMENT = 'TTT = bool(int(os.environ.get("TTT_ENABLED", "{default}")))\n'


def by_environment(default: str) -> str:
    return switched("TTT", ENVIRONMENT.format(default=default))


def test_off_by_default_is_dormant() -> None:
    facts = read(by_environment("0"))
    assert facts.behaviour.exposures == ()
    assert facts.dormant.exposures
    setting = facts.settings.get("TTT_ENABLED")
    assert setting is not None
    assert (setting.default, setting.value, setting.origin) == ("0", "0", ValueOrigin.DEFAULT)


def test_on_by_the_run_command() -> None:
    """#1172."""
    facts = read(by_environment("0"), env={"TTT_ENABLED": "1"})
    assert facts.behaviour.exposures
    assert facts.dormant.exposures == ()
    setting = facts.settings.get("ttt_enabled")
    assert setting is not None
    assert (setting.default, setting.value, setting.origin) == ("0", "1", ValueOrigin.COMMAND)
    assert setting.origin_location is not None
    assert setting.origin_location.path == "README.md"


def test_off_by_the_run_command() -> None:
    facts = read(by_environment("1"), env={"TTT_ENABLED": "0"})
    assert facts.behaviour.exposures == ()
    assert facts.dormant.exposures


def test_placeholders_of_a_command_change_nothing() -> None:
    assert read(by_environment("1"), env={"TTT_ENABLED": "$TTT"}).behaviour.exposures


def logged(value: str) -> dict[str, str]:
    return {"train.log": log(extra_header=f"ttt_enabled:{value} ttt_lr:0.002"), "submission.json": claims()}


def test_on_by_the_log() -> None:
    """#1118: off by default and in the README, on in the run that was logged."""
    facts = read(by_environment("0"), files=logged("1"))
    assert facts.behaviour.exposures
    setting = facts.settings.get("TTT_ENABLED")
    assert setting is not None
    assert setting.origin is ValueOrigin.LOG


def test_off_by_the_log() -> None:
    """#788: on by default, off in the run that gave the headline."""
    facts = read(by_environment("1"), files=logged("False"))
    assert facts.behaviour.exposures == ()
    assert facts.dormant.exposures


def test_the_log_has_the_last_word() -> None:
    facts = read(by_environment("0"), env={"TTT_ENABLED": "1"}, files=logged("0"))
    assert facts.behaviour.exposures == ()


KNOBS = """\
SLOT_ENABLED = bool(int(os.environ.get("SLOT_ENABLED", "0")))
SLOT_STEPS = int(os.environ.get("SLOT_STEPS", "8"))
SLOT_LR = float(os.environ.get("SLOT_LR", "0.01"))
"""


def test_switch_implied_by_its_knobs() -> None:
    """#1150: two knobs of a switch were set for the run, the switch itself is not documented."""
    code = switched("SLOT_ENABLED", KNOBS)
    facts = read(code, env={"SLOT_STEPS": "5", "SLOT_LR": "0.003"})
    assert facts.behaviour.exposures
    assert all(item.assumed for item in facts.behaviour.exposures)
    for knobs in ({"SLOT_STEPS": "5"}, {"SLOT_STEPS": "8", "SLOT_LR": "0.01"}):
        assert read(code, env=knobs).behaviour.exposures == ()


SAID = """\
if TTT:
    print(f"ttt_sliding:start chunks={n}")
"""


def run_of(code: str, header: str = "") -> CodeFacts:
    """Return the facts about a script whose claimed run logged a line."""
    return read(code, files={"train.log": log(extra_header=header), "submission.json": claims()})


def test_switch_told_by_a_log_line() -> None:
    """#1231: the log holds a line that only the switched-on branch prints."""
    code = script(SAID + SWITCHED.replace("{test}", "TTT"), functions=ENVIRONMENT.format(default="0"))
    facts = run_of(code, "ttt_sliding:start chunks=1893")
    assert facts.behaviour.exposures
    assert not any(item.assumed for item in facts.behaviour.exposures)
    setting = facts.settings.get("TTT_ENABLED")
    assert setting is not None
    assert setting.origin is ValueOrigin.LOG
    assert run_of(code).behaviour.exposures == ()


PAIR = ENVIRONMENT.format(default="0") + 'ORDERED = bool(int(os.environ.get("TTT_ORDERED", {default})))\n'
SAID_OF_BOTH = """\
if TTT and not ORDERED:
    print(f"ttt_all:start chunks={n}")
if TTT and ORDERED:
    print(f"ttt_chunk:start chunks={n}")
"""
SAID_OF_EITHER = """\
if TTT or ORDERED:
    print(f"ttt_any:start chunks={n}")
"""


def told_of_both(line: str, said: str = SAID_OF_BOTH, default: str = '"0"') -> list[str]:
    """Return the values of two switches after a run that logged a line."""
    code = said + SWITCHED.replace("{test}", "TTT and not ORDERED")
    facts = run_of(script(code, functions=PAIR.format(default=default)), line)
    return [str(setting.value) for name, setting in facts.settings.by_name if name.startswith("TTT")]


def test_two_switches_told_by_a_log_line_that_needs_both() -> None:
    """#1232: with the first alone, the code would learn before it scores."""
    assert told_of_both("ttt_chunk:start chunks=9") == ["1", "1"]


def test_two_switches_are_not_told_where_one_would_do() -> None:
    assert told_of_both("nothing:start chunks=9") == ["0", "0"]
    assert told_of_both("ttt_any:start chunks=9", SAID_OF_EITHER) == ["0", "0"]
    assert told_of_both("ttt_all:start chunks=9") == ["0", "0"]


def test_a_number_is_not_told_by_a_log_line_that_needs_it() -> None:
    """#326: a length of 0 stands for another; that it was not 0 does not say what it was."""
    assert told_of_both("ttt_chunk:start chunks=9", default="0") == ["0", "0"]


FRAGMENT = """\
print(f"scoring:start chunks={n}{f' delta_steps={n}' if TTT else ''}")
"""


def test_switch_told_by_a_part_of_a_log_line() -> None:
    """#1150: a formatted part of a line is only there with the switch on."""
    code = script(FRAGMENT + SWITCHED.replace("{test}", "TTT"), functions=ENVIRONMENT.format(default="0"))
    assert run_of(code, "scoring:start chunks=1893 delta_steps=5").behaviour.exposures
    assert run_of(code, "scoring:start chunks=1893").behaviour.exposures == ()


ORDERED = 'ORDER = int(os.environ.get("TABLE_ORDER", "0"))\n'
STATED = """\
if ORDER >= 2:
    print(f"table_eval:order={ORDER} chunks={n}")
"""


def test_value_of_a_switch_told_by_a_log_line() -> None:
    """#782: off at 0, on from 2 upwards; the log says 7."""
    code = script(STATED + SWITCHED.replace("{test}", "ORDER >= 2"), functions=ORDERED)
    facts = run_of(code, "table_eval:order=7 chunks=1893")
    assert facts.behaviour.exposures
    setting = facts.settings.get("TABLE_ORDER")
    assert setting is not None
    assert setting.value == "7"


MODES = 'MODE = os.environ.get("EVAL_MODE", "plain")\n'
CHOSEN = """\
if MODE == "adapted":
    print(f"adapted:start chunks={n}")
else:
    print(f"windows:start chunks={n}")
"""


def test_choice_told_by_a_log_line() -> None:
    """#548: one of several ways to score, by a word; the other branch's line tells nothing of the word."""
    code = script(CHOSEN + SWITCHED.replace("{test}", 'MODE == "adapted"'), functions=MODES)
    facts = run_of(code, "adapted:start chunks=1893")
    assert facts.behaviour.exposures
    setting = facts.settings.get("EVAL_MODE")
    assert setting is not None
    assert setting.value == "adapted"
    assert run_of(code, "windows:start chunks=1893").behaviour.exposures == ()


UNLESS = """\
if not SKIP:
    print(f"round_trip:start chunks={n}")
if TTT and not SKIP:
    print(f"ttt_sliding:start chunks={n}")
"""


def test_switch_confirmed_by_another_line() -> None:
    """#922: a line under two switches tells one where the other, as it is set, explains a line of its own."""
    before = ENVIRONMENT.format(default="0") + 'SKIP = os.environ.get("SKIP_EXPORT", "0") == "1"\n'
    code = script(UNLESS + SWITCHED.replace("{test}", "TTT"), functions=before)
    told = run_of(code, "round_trip:start chunks=9\nttt_sliding:start chunks=9").behaviour.exposures
    assert [item.assumed for item in told] == [False]
    assert all(item.assumed for item in run_of(code, "ttt_sliding:start chunks=9").behaviour.exposures)


PRESET = """\
from dataclasses import dataclass


@dataclass
class Config:
    ttt: bool = os.environ.get("TTT_ENABLED", "0") == "1"


config = Config()
if os.path.exists("adapt.json"):
    config.ttt = {value}
"""


def test_field_that_one_branch_sets_keeps_its_default_in_the_other() -> None:
    """#922: presets write over fields, and a branch that does not write leaves what the class gave."""
    code = switched("not config.ttt", PRESET.format(value="True"))
    assert read(code).behaviour.exposures
    assert read(switched("config.ttt", PRESET.format(value="False"))).behaviour.exposures == ()


BOTH = """\
A = os.environ.get("PLAIN_SWEEP", "0") == "1"
B = os.environ.get("OTHER_SWEEP", "0") == "1"
"""
EITHER = """\
if A or B:
    print(f"sweeping:start chunks={n}")
"""


def test_line_under_two_switches_tells_neither() -> None:
    code = script(EITHER + SWITCHED.replace("{test}", "A"), functions=BOTH)
    assert run_of(code, "sweeping:start chunks=1893").behaviour.exposures == ()


def test_line_that_is_printed_anyway_tells_nothing() -> None:
    code = script(SAID + 'print(f"ttt_sliding:start chunks={n}")\n' + SWITCHED.replace("{test}", "TTT"))
    code = code.replace("class Net", ENVIRONMENT.format(default="0") + "\n\nclass Net", 1)
    assert run_of(code, "ttt_sliding:start chunks=1893").behaviour.exposures == ()


def test_other_runs_logs_tell_nothing() -> None:
    """A folder may hold the logs of experiments: only the run that the claim rests on counts."""
    code = script(SAID + SWITCHED.replace("{test}", "TTT"), functions=ENVIRONMENT.format(default="0"))
    files = {
        "train_seed42.log": log(val_bpb=1.23456789),
        "other.log": log(val_bpb=1.11111111, seed=7, extra_header="ttt_sliding:start chunks=1893"),
        "submission.json": claims(1.23456789),
    }
    assert read(code, files=files).behaviour.exposures == ()


LEGAL = script(
    SAID + block(CUT, SCORE, block(TRAIN, head="if TTT:")), functions=ENVIRONMENT.format(default="0")
)


def test_adaptation_implied_by_a_log_line() -> None:
    """#1231: a legal adaptation gave the claimed score; it is not dormant."""
    text = log(extra_header="ttt_sliding:start chunks=1893")
    facts = read(LEGAL, files={"train.log": text, "submission.json": claims()})
    assert facts.behaviour.adaptations


DATACLASS = """\
from dataclasses import dataclass, field


@dataclass
class Config:
    lr: float = 0.1
    extras: list = field(default_factory=list)
    ttt: bool = field(default_factory=lambda: os.environ.get("TTT_ENABLED", "{default}") == "1")
    adapt: bool = False

    def __post_init__(self):
        self.adapt = self.ttt and self.lr > 0


config = Config()
"""


@pytest.mark.parametrize("default", ["0", "1"])
def test_dataclass_with_a_factory_and_a_post_init(default: str) -> None:
    """#1514."""
    code = switched("config.adapt", DATACLASS.format(default=default))
    assert bool(read(code).behaviour.exposures) is (default == "1")
    other = {"TTT_ENABLED": "1" if default == "0" else "0"}
    assert bool(read(code, env=other).behaviour.exposures) is (default == "0")


FRACTION = """\
class Hyperparameters:
    fraction = float(os.environ.get("HARD_FRACTION", {default}))


h = Hyperparameters()
share = max(0.0, min(h.fraction, 1.0))
"""


@pytest.mark.parametrize(
    ("default", "between"), [("0.5", True), ("1.0", False), ("7.0", False), ("0.0", False)]
)
def test_number_held_between_two_others(default: str, between: bool) -> None:
    """#1688: which of two updates runs hangs on a fraction that is cut to 0..1 first."""
    code = switched("0.0 < share < 1.0", FRACTION.format(default=default))
    assert bool(read(code).behaviour.exposures) is between


def test_chain_with_an_open_end_is_not_decided() -> None:
    open_end = "share = max(0.0, float(torch.rand(1)))\n"
    assert read(switched("0.0 <= share < 1.0", open_end)).behaviour.exposures
    assert not read(switched("1.0 < 0.5 < share", open_end)).behaviour.exposures


HYPERPARAMETERS = """\
class Hyperparameters:
    _i = lambda name, default: int(os.environ.get(name, default))
    ttt = bool(_i("TTT_ENABLED", {default}))


args = Hyperparameters()
"""


@pytest.mark.parametrize("default", ["0", "1"])
def test_environment_behind_a_one_letter_helper(default: str) -> None:
    """#1232."""
    code = switched("args.ttt", HYPERPARAMETERS.format(default=default))
    assert bool(read(code).behaviour.exposures) is (default == "1")


OPTIONS = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--adapt", action="store_true", {default})
parser.add_argument("--ttt-epochs", type=int, default=0)
options = parser.parse_args()
"""


@pytest.mark.parametrize(
    ("default", "argv", "on"),
    [("default=True", (), True), ("", (), False), ("", ("--adapt",), True)],
    ids=["store_true that is on anyway (#1456)", "store_true", "given"],
)
def test_option_that_stores_true(default: str, argv: tuple[str, ...], on: bool) -> None:
    facts = read(switched("options.adapt", OPTIONS.format(default=default)), argv=argv)
    assert bool(facts.behaviour.exposures) is on


@pytest.mark.parametrize(
    ("argv", "on"), [((), False), (("--ttt-epochs", "3"), True), (("--ttt-epochs=3",), True)]
)
def test_option_with_a_value(argv: tuple[str, ...], on: bool) -> None:
    facts = read(switched("options.ttt_epochs > 0", OPTIONS.format(default="")), argv=argv)
    assert bool(facts.behaviour.exposures) is on


def test_branch_that_cannot_be_told_is_taken_both_ways() -> None:
    assert read(switched("torch.cuda.is_available()")).behaviour.exposures


TWO = """\
def honest(net, tokens, table):
    total, size = 0.0, 0.0
    for i in range(60000):
        x, y = tokens[i * L : i * L + L], tokens[i * L + 1 : i * L + L + 1]
        total += net(x, y).item() * y.numel()
        size += table[y].sum().item()
    return total / math.log(2.0) / size
"""


def test_evaluation_beside_the_claimed_one() -> None:
    """#1246: what else the run prints is told apart from the number that is claimed."""
    code = script(block(CUT, TRAIN, SCORE), functions=TWO).replace(
        '    print(f"final val_bpb',
        '    print(f"final_int8_zlib_roundtrip_exact val_bpb:{honest(net, tokens, table):.8f}")\n'
        '    print(f"other val_bpb',
    )
    files = {"train.log": log(val_bpb=1.23456789), "submission.json": claims(1.23456789)}
    seen = read(code, files=files).behaviour
    assert breaches(seen)
    assert not any(item.headline for item in seen.exposures)
    swapped = code.replace("{honest(", "{H(").replace("{evaluate(", "{honest(").replace("{H(", "{evaluate(")
    seen = read(swapped, files=files).behaviour
    # The plain evaluation now follows the training sweep of the claimed one: exposed too, but not claimed.
    assert {item.same_pass for item in seen.exposures} == {True, False}
    assert all(item.headline is item.same_pass for item in seen.exposures)
