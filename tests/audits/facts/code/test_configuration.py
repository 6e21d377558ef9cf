"""Texts of logs and commands as values of knobs."""

from __future__ import annotations

import pytest

from audits.facts.code.configuration import (
    Configuration,
    announces,
    implied_switches,
    is_switch,
    like_default,
    normal,
    override,
    same_form,
    usable,
    was_changed,
)
from audits.facts.settings import Scalar, Setting, ValueOrigin
from audits.location import Location

HERE = Location("train_gpt.py", 1, 1)


def setting(name: str, default: Scalar, value: Scalar, origin: ValueOrigin = ValueOrigin.COMMAND) -> Setting:
    return Setting(name, default, value, origin, HERE)


def configuration(*settings: Setting) -> Configuration:
    return Configuration(settings={item.name: item for item in settings})


@pytest.mark.parametrize(
    ("logged", "default", "same"),
    [
        ("3", "0", True),
        ("True", "0", True),
        ("2.5e-4", "0.1", True),
        ("cosine", "0.1", False),
        ("0:5,10:3", "1", False),
        ("cosine", "linear", True),
        ("anything", None, True),
        ("words", "true", False),
        ("1", "true", True),
    ],
)
def test_same_form(logged: str, default: object, same: bool) -> None:
    assert same_form(logged, default) is same


@pytest.mark.parametrize(
    ("value", "default", "written"),
    [
        ("1", "true", "true"),
        ("0", "True", "False"),
        ("1", "0", "1"),
        ("0.5", "true", "0.5"),
        ("1", False, "True"),
        ("1", None, "1"),
    ],
)
def test_like_default(value: str, default: Scalar, written: str) -> None:
    assert like_default(value, default) == written


@pytest.mark.parametrize(("logged", "text"), [("True", "1"), ("False", "0"), ("None", ""), ("0.1", "0.1")])
def test_normal(logged: str, text: str) -> None:
    assert normal(logged) == text


@pytest.mark.parametrize("text", ["$SEED", "${SEED}", "{seed}", "<your path>"])
def test_placeholders_are_not_usable(text: str) -> None:
    assert not usable(text)


@pytest.mark.parametrize(
    ("text", "switch"), [("0", True), ("True", True), ("", True), (None, True), ("8", False), ("adam", False)]
)
def test_is_switch(text: Scalar, switch: bool) -> None:
    assert is_switch(text) is switch


def test_override_prefers_the_log_to_the_command() -> None:
    laid = Configuration(command={"LR": "0.1", "TTT": "1"}, logged={"ttt": "False", "lr": "cosine"})
    assert override(laid, "TTT", "0")[:2] == ("0", ValueOrigin.LOG)
    assert override(laid, "LR", "0.5")[:2] == ("0.1", ValueOrigin.COMMAND)
    assert override(laid, "SEED", "1")[:2] == (None, ValueOrigin.DEFAULT)


@pytest.mark.parametrize(
    ("default", "value", "origin", "changed"),
    [
        ("8", "5", ValueOrigin.COMMAND, True),
        ("8", "8.0", ValueOrigin.COMMAND, False),
        ("adam", "sgd", ValueOrigin.LOG, True),
        ("8", "8", ValueOrigin.DEFAULT, False),
    ],
)
def test_was_changed(default: str, value: str, origin: ValueOrigin, changed: bool) -> None:
    assert was_changed(setting("X", default, value, origin)) is changed


OFF = setting("SLOT_ENABLED", "0", "0", ValueOrigin.DEFAULT)
STEPS, RATE = setting("SLOT_STEPS", "8", "5"), setting("SLOT_LR", "0.01", "0.003")


def test_implied_switches() -> None:
    assert implied_switches(configuration(OFF, STEPS, RATE), []) == {"SLOT_ENABLED": "1"}
    assert implied_switches(configuration(OFF, STEPS), []) == {}
    assert implied_switches(configuration(OFF), ["slot:start steps=5"]) == {"SLOT_ENABLED": "1"}
    assert implied_switches(configuration(OFF), ["slots:start"]) == {}
    told = setting("SLOT_ENABLED", "0", "0", ValueOrigin.COMMAND)
    assert implied_switches(configuration(told, STEPS, RATE), ["slot:start"]) == {}
    words = setting("TTT_ENABLE", "false", "false", ValueOrigin.DEFAULT)
    assert implied_switches(configuration(words), ["ttt_sliding:start"]) == {"TTT_ENABLE": "true"}


@pytest.mark.parametrize(
    ("text", "says"), [("ttt_sliding:start", True), ("TTT", True), ("tttx", False), ("pre ttt", False)]
)
def test_announces(text: str, says: bool) -> None:
    assert announces(text, "TTT") is says
