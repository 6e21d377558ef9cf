"""Renting: the price comes first, and the task is one that SkyPilot accepts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audits.errors import UserError
from harness.replay.profile import load_profile
from harness.replay.remote import Rental, estimate_usd, hours, launch, task
from tests.harness.replay.test_compare import PLAN

if TYPE_CHECKING:
    from pathlib import Path

RENTAL = Rental("runpod", "hub:sp1024", None, spot=False, hourly_usd=24.0, cap_usd=60.0)


def test_the_estimate_covers_every_seed() -> None:
    one = replace(PLAN, seeds=(42,))
    assert hours(PLAN) > hours(one)
    assert estimate_usd(one, RENTAL) == pytest.approx(24.0 * hours(one))


def test_nothing_above_the_cap_is_started() -> None:
    with pytest.raises(UserError, match="above the cap"):
        estimate_usd(PLAN, replace(RENTAL, cap_usd=10.0))


@pytest.mark.parametrize("bucket", [None, "s3://results"])
def test_skypilot_accepts_the_task(tmp_path: Path, bucket: str | None) -> None:
    sky = pytest.importorskip("sky", reason="needs the remote extra (SkyPilot)")
    config = task(PLAN, load_profile("h100x8"), replace(RENTAL, bucket=bucket), tmp_path, "0.1.0")
    made = sky.Task.from_yaml_config(config)
    (resources,) = made.resources
    assert resources.accelerators == {"H100": 8}
    assert "--seeds 42,314" in made.run


def test_a_recovered_machine_resumes_and_the_run_lies_in_the_bucket(tmp_path: Path) -> None:
    config = task(PLAN, load_profile("h100x8"), replace(RENTAL, bucket="s3://results"), tmp_path, "0.1.0")
    assert config["file_mounts"]["/results"]["source"] == "s3://results"
    assert "--resume" in config["run"]
    assert "hub:" not in str(config)


def test_a_rented_machine_runs_with_the_torch_that_was_installed_there(tmp_path: Path) -> None:
    config = task(PLAN, load_profile("h100x8"), RENTAL, tmp_path, "0.1.0")
    assert "--isolation bubblewrap" in config["run"]
    assert "bubblewrap" in config["setup"]


def test_without_skypilot_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="not installed"):
        launch({}, RENTAL, tmp_path / "out", dry_run=True, tell=print)
