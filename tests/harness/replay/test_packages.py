"""What a box holds against what a folder asks for, looked up in real boxes."""

from __future__ import annotations

from importlib.metadata import version
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from containers.image import prepare_named
from harness.replay.preflight.packages import check_packages
from harness.replay.preflight.records import Level
from harness.replay.profile import load_profile
from tests.containers.needed import needed_engine

if TYPE_CHECKING:
    from harness.replay.preflight.records import Found

CPU = load_profile("cpu-tiny")


@pytest.fixture(scope="module")
def own() -> tuple[object, str]:
    """Return bubblewrap with the packages that run these tests."""
    return needed_engine("bubblewrap"), prepare_named("bubblewrap", "host").id


def looked(own: tuple[object, str], *requirements: str, profile: object = CPU) -> dict[str, Found]:
    plan = SimpleNamespace(requirements=requirements)
    return {entry.name: entry for entry in check_packages(*own, plan, profile)}  # type: ignore[arg-type]


def test_versions_are_those_of_the_box(own: tuple[object, str]) -> None:
    found = looked(own, "libcst>=1")
    assert (found["libcst"].level, found["libcst"].detail) == (Level.FINE, version("libcst"))


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("libcst==0.1", "libcst==0.1 is asked for"),
        ("no-such-package>=2", "not installed, no-such-package>=2"),
    ],
)
def test_what_does_not_fit_is_a_difference(own: tuple[object, str], line: str, detail: str) -> None:
    (entry,) = [e for e in looked(own, line).values() if detail in e.detail]
    assert entry.level is Level.DIFFERENT


def test_a_line_for_another_machine_or_no_line_at_all_is_passed_over(own: tuple[object, str]) -> None:
    found = looked(own, "libcst==0.1; sys_platform == 'win32'", "-r more.txt", "git+https://example.org/x")
    assert set(found) == {"Python", "torch", "flash-attn"}


def test_a_gpu_profile_is_refused_where_torch_sees_none(own: tuple[object, str]) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("needs a machine without a GPU")
    entry = looked(own, profile=load_profile("gpu1"))["CUDA in the box"]
    assert entry.level is Level.BLOCKING


def test_a_box_that_does_not_start_is_said(own: tuple[object, str]) -> None:
    found = looked((own[0], "host:none"))
    assert found["packages"].level is Level.BLOCKING
    assert "host:none" in found["packages"].detail


def test_profiles_say_what_a_box_of_theirs_gets() -> None:
    eight = load_profile("h100x8")
    # Ranks talk through /dev/shm; Docker's own 64 MiB is too little for eight.
    assert eight.shm_gib > 1
    assert eight.cpus is None
    assert CPU.cpus == 2
