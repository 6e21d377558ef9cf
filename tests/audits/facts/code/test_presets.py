"""Presets that ask which knobs the run set, and checks that end it."""

from __future__ import annotations

import pytest

from tests.audits.facts.code.scripts import CUT, SCORE, TRAIN, block, breaches, read, script

PRESET = """\
class Settings:
    def __init__(self):
        self.preset = os.environ.get("PRESET", "plain")
        self.adapt = bool(int(os.environ.get("ADAPT", "0")))


def missing(name):
    return name not in os.environ


def apply(settings):
    if settings.preset == "plain":
        return
    if missing("ADAPT"):
        settings.adapt = True


settings = Settings()
apply(settings)
"""
SWEEP = block(block(CUT, TRAIN, head="if settings.adapt:"))
BODY = SWEEP + block(CUT, SCORE)


@pytest.mark.parametrize(
    ("env", "adapts"),
    [
        ({"PRESET": "plain"}, False),
        ({"PRESET": "frontier"}, True),
        ({"PRESET": "frontier", "ADAPT": "0"}, False),
    ],
)
def test_a_preset_fills_in_what_the_command_leaves_out(env: dict[str, str], adapts: bool) -> None:
    """#846: the command names a preset, which switches an evaluation on unless it is set already."""
    found = read(script(BODY, functions=PRESET), env=env).behaviour
    assert found.scores
    assert bool(breaches(found)) is adapts


def test_a_check_that_ends_the_run_is_passed() -> None:
    """#846: the run that is claimed came to its end, so it got past every `raise`."""
    check = 'if int(os.environ.get("ROWS", "4")) % 8 != 0:\n    raise ValueError("ROWS")\n'
    found = read(script(block(CUT, SCORE), steps=check)).behaviour
    assert found.scores
