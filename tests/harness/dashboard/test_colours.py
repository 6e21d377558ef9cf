"""Verdict colours: readable on the page, and apart from each other for colour-blind readers too."""

from __future__ import annotations

import itertools
import re
from importlib.resources import files

import pytest

from audits.verdict import Overall

Colour = tuple[float, float, float]
CSS = files("harness.dashboard").joinpath("assets", "site.css").read_text(encoding="utf-8")
PAIRS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS)
}
THEMES = {"light": 0, "dark": 1}
# Full-strength dichromacy, in linear RGB (Machado, Oliveira and Fernandes 2009).
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.01182, 0.04294, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.3039),
    ),
}


def linear(colour: str) -> Colour:
    values = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(colour: Colour) -> Colour:
    red, green, blue = (min(1.0, max(0.0, value)) for value in colour)
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
    )
    x, y, z = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(colour: str, blindness: str) -> Colour:
    source = linear(colour)
    red, green, blue = (
        sum(weight * value for weight, value in zip(row, source, strict=True)) for row in BLINDNESS[blindness]
    )
    return lab((red, green, blue))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_every_verdict_and_text_colour_has_the_contrast_of_small_text(theme: str, ground: str) -> None:
    index = THEMES[theme]
    names = [f"c-{call.value}" for call in Overall] + ["c-CRASHED", "ink", "muted", "link"]
    weak = {name: contrast(PAIRS[name][index], PAIRS[ground][index]) for name in names}
    assert {name: round(ratio, 2) for name, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_verdict_colours_stay_apart_without_one_kind_of_cone(theme: str, blindness: str) -> None:
    colours = {call.value: seen(PAIRS[f"c-{call.value}"][THEMES[theme]], blindness) for call in Overall}
    close = {
        (one, other): round(distance, 1)
        for one, other in itertools.combinations(colours, 2)
        if (distance := sum((a - b) ** 2 for a, b in zip(colours[one], colours[other], strict=True)) ** 0.5)
        < 10
    }
    assert close == {}


def test_every_call_has_a_sign_beside_its_colour() -> None:
    signs = dict(re.findall(r"^\.c-(\w+) \{ --call: [^;]+; --sign: (url\([^)]*\))", CSS, re.MULTILINE))
    wanted = [call.value for call in Overall]
    assert set(wanted) <= set(signs)
    assert len({signs[call] for call in wanted}) == len(wanted)
