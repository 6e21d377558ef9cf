"""Reports: the same bytes from the same directory, harmless whatever a run printed, readable in a browser."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from harness.replay.events import Event, Seen
from harness.replay.keep import write_record
from harness.replay.measurement import Sign
from harness.replay.replaying import compare_again
from harness.replay.report import FORMATS, render, write_reports
from harness.replay.report.charts import phase_parts
from harness.replay.report.document import SCHEMA_ID, json_schema
from harness.rundir import ReplayDir
from tests.harness.replay.runs import follow
from tests.harness.replay.test_compare import PLAN, run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "schema" / (SCHEMA_ID.replace("/", "-") + ".schema.json")
EVIL = '<script>document.title="owned"</script> @everyone [x](http://evil)'


@pytest.fixture
def directory(tmp_path: Path) -> ReplayDir:
    """Two seeds, the second with things that a page must not act on."""
    made = ReplayDir(tmp_path / "run")
    made.root.mkdir()
    write_record(made.plan, replace(PLAN, folder=f"records/{EVIL}"))
    for seed in PLAN.seeds:
        made.seed(seed).mkdir(parents=True)
        signs = (Sign("write-outside", EVIL, False),) if seed == 314 else ()
        write_record(made.seed_measurement(seed), run(seed, signs=signs, fault_evidence=EVIL))
        with (made.seed(seed) / "events.jsonl").open("w") as stream:
            for step in range(1, 40):
                text = f"step:{step}/40 train_loss:{5 / step:.4f} train_time:{step * 85}ms"
                line = {"states": "train_step", "text": text}
                stream.write(Event(20.0 + step * 0.085, Seen.LINE, line).as_line())
    compare_again(made)
    return made


def test_the_same_directory_gives_the_same_bytes(directory: ReplayDir) -> None:
    write_reports(directory)
    first = {format_: directory.report(format_).read_bytes() for format_ in FORMATS}
    compare_again(directory)
    assert {format_: render(directory, format_).encode() for format_ in FORMATS} == first


def test_the_json_has_what_programs_want(directory: ReplayDir) -> None:
    document = json.loads(render(directory, "json"))
    assert {"verdict", "seeds", "measurement", "comparison", "limits"} <= set(document)
    assert document["verdict"] == "REPRODUCED"
    assert [entry["seed"] for entry in document["seeds"]] == [42, 314]


def test_the_json_fits_the_schema_and_a_missing_part_does_not(directory: ReplayDir) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    document = json.loads(render(directory, "json"))
    validator.validate(document)
    assert document["schema"] == SCHEMA_ID
    del document["measurement"]["seeds"][0]["artifact"]
    with pytest.raises(jsonschema.ValidationError, match="'artifact' is a required property"):
        validator.validate(document)


def test_the_published_schema_is_the_one_in_force() -> None:
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == json_schema()


def test_a_bar_says_either_of_what_lies_in_a_boundary_that_was_not_seen() -> None:
    lines = (
        (2.0, "step:0/9 val_loss:7.0000 val_bpb:4.0000 train_time:0ms"),
        (9.0, "step:9/9 train_loss:5.0 train_time:7000ms"),
        (11.0, "stopping_early: wallclock_cap train_time:7000ms step:9/9"),
        (12.0, "final val_loss:2.0000 val_bpb:1.2000"),
    )
    parts = list(phase_parts(follow(*lines).spans))
    assert ("train", 2.0, 9.0) in parts
    assert ("train or serialisation", 9.0, 11.0) in parts
    assert ("serialisation or evaluation", 11.0, 12.0) in parts
    assert sum(end - start for _, start, end in parts) == pytest.approx(12.0)


def test_what_a_run_printed_is_text_in_markdown(directory: ReplayDir) -> None:
    text = render(directory, "md")
    assert "<script>" not in text
    assert "@everyone" not in text
    assert "](http://evil)" not in text


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_whole_and_runs_nothing(directory: ReplayDir, browser: Browser, width: int) -> None:
    write_reports(directory)
    page = browser.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda asked: complaints.append(asked.url) if "://" in asked.url[8:] else None)
    page.goto(directory.report("html").as_uri())
    assert page.title() == "Replay: REPRODUCED"
    assert page.locator("script").count() == 0
    assert page.locator("table").count() >= 5
    assert page.locator("figure svg").count() == 3
    too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert page.evaluate(too_wide) is False
    assert complaints == []
    page.close()
