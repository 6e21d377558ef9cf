"""How fast a machine is: what the table knows, and what a run of the reference is made of."""

from __future__ import annotations

from harness.replay.calibrate import BATCH_TOKENS, _sources, expected, machine_name
from harness.replay.profile import load_profile, profile_names


def test_a_machine_that_nobody_measured_is_not_judged() -> None:
    assert expected("a processor of next year") is None
    measured = expected("AMD EPYC")
    assert measured is not None
    assert measured > 0


def test_the_name_of_a_machine_is_its_first_gpu_else_its_processor() -> None:
    class Nvml:
        @staticmethod
        def nvmlDeviceGetHandleByIndex(index: int) -> int:
            return index

        @staticmethod
        def nvmlDeviceGetName(handle: int) -> bytes:
            return b"NVIDIA H100 80GB HBM3"

    assert machine_name(Nvml) == "NVIDIA H100 80GB HBM3"
    assert machine_name(None) != ""


def test_every_profile_has_a_batch_and_the_reference_is_whole() -> None:
    assert {load_profile(name).device for name in profile_names()} <= BATCH_TOKENS.keys()
    names = [name for name, _ in _sources()]
    assert "reference_impl/__main__.py" in names
    assert "reference_impl/presets/tiny.toml" in names
