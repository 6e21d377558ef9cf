"""What `referee score` prints and writes, whole and through the command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

import harness.score.run
from harness.cli import main
from harness.score.json_report import json_schema
from harness.score.report import SCHEMA_ID
from tests.audits.builders import evidence, make_outcome
from tests.harness.score.stores import Folder, calls, make_run

if TYPE_CHECKING:
    from collections.abc import Callable

    Capture = pytest.CaptureFixture[str]

HOSTILE = "<b>x</b> @someone | [link](http://evil.example) \x1b[31m"
SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "schema" / (SCHEMA_ID.replace("/", "-") + ".schema.json")


@pytest.fixture
def referee(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Return a call of the command that gives back its exit code; no file of the checkout is found."""
    monkeypatch.setattr(harness.score.run, "CORRECTIONS", tmp_path / "none.jsonl")
    monkeypatch.setattr(harness.score.run, "EXPLANATIONS", tmp_path / "none.toml")

    def call(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["referee", "score", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    return call


def gold(pr: int, folder: str, legality: str, **more: Any) -> dict[str, Any]:
    axes = {"legality": legality, "metric": "CLEAN", "limits": "UNJUDGED"}
    return {"pr": pr, "folder": folder, "axes": axes, "confidence": 0.9, "why": "read it", **more}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    bad = make_outcome("bad", calls("ILLEGAL")[0].axis, calls("ILLEGAL")[0].status, HOSTILE)
    shown = evidence("train_gpt.py", 10, "here", end=12)
    bad = make_outcome("bad", bad.axis, bad.status, HOSTILE, shown)
    seen = calls(patterns=["pure-neural"])
    make_run(tmp_path / "run", [Folder(2, "f", (bad, *seen[1:])), Folder(4, "g", calls("ILLEGAL"))])
    return tmp_path / "run"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    rows = [
        gold(2, "f", "CLEAN", patterns=[{"name": "slot-scored", "lines": "7"}], why=HOSTILE),
        gold(4, "g", "ILLEGAL"),
        {"pr": 4, "source": "0hq", "verdict": "CLOSED_ILLEGAL", "pattern": ["train-on-val"]},
        {"pr": 2, "source": "MatoTeziTanka", "verdict": "CLEAN", "pattern": ["pure-neural"]},
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_text_has_the_figures_and_the_case(
    referee: Callable[..., int], run: Path, labels: Path, capsys: Capture
) -> None:
    assert referee(run, "--labels", labels) == 0
    out = capsys.readouterr().out
    assert "1/2 (50.0%, 9.5-90.5)" in out
    assert "labelled CLEAN, called ILLEGAL" in out
    assert "/records/track_10min_16mb/f/train_gpt.py#L10-L12>" in out
    assert "1/1 (100.0%, 20.7-100.0)" in out
    assert "\x1b" not in out
    assert "\\x1b[31m" in out


def test_markdown_keeps_hostile_text_inert(
    referee: Callable[..., int], run: Path, labels: Path, tmp_path: Path
) -> None:
    from markdown_it import MarkdownIt

    page = tmp_path / "score.md"
    assert referee(run, "--labels", labels, "--format", "markdown", "-o", page) == 0
    text = page.read_text()
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<b>" not in html
    assert "evil.example" in html
    assert 'href="http://evil' not in html
    assert "@someone" not in html
    assert 'href="https://github.com/openai/parameter-golf/pull/2">#2</a>' in html


def test_json_fits_the_published_schema(
    referee: Callable[..., int], run: Path, labels: Path, capsys: Capture
) -> None:
    assert referee(run, "--labels", labels, "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(json_schema()).validate(document)
    assert document["schema"] == "referee-score/1"
    assert document["run"]["pulls"] == 2
    assert [row["agreement"]["hits"] for row in document["gold"]["axes"] if row["axis"] == "legality"] == [1]
    assert document["gold"]["cases"][0]["reasons"][0]["places"][0]["start_line"] == 10
    assert document["reviewer"]["rows"] == 1


def test_the_published_schema_is_the_one_in_force() -> None:
    hint = f"run `referee schema score > docs/schema/{SCHEMA_FILE.name}`"
    assert json.loads(SCHEMA_FILE.read_text()) == json_schema(), hint


def test_a_page_explains_every_case_or_says_that_it_does_not(
    referee: Callable[..., int], run: Path, labels: Path, tmp_path: Path, capsys: Capture
) -> None:
    page, why = tmp_path / "accuracy.md", tmp_path / "why.toml"
    why.write_text(
        '[[explanation]]\npr = 2\nfolder = "f"\nsubject = "legality"\nwhy = "A helper is read as a scorer."\n'
    )
    arguments = ("--labels", labels, "--accuracy", page, "--explanations", why, "--date", "2026-05-04")
    assert referee(run, *arguments) == 0
    text = page.read_text()
    assert "Measured on 2026-05-04 with Referee" in text
    assert text.count("Explained: A helper is read as a scorer.") == 1
    assert text.count("Explained: unexplained") == 3, "two patterns, and what the reviewer said"
    assert "fit no case" not in text
    assert "4 cases, 3 unexplained" in capsys.readouterr().out


def test_a_contested_label_explains_its_case_until_somebody_writes_more(
    referee: Callable[..., int], run: Path, labels: Path, tmp_path: Path, capsys: Capture
) -> None:
    page, contested, why = tmp_path / "accuracy.md", tmp_path / "contested.jsonl", tmp_path / "why.toml"
    row = {"pr": 2, "folder": "f", "axis": "legality", "was": "CLEAN", "should_be": "ILLEGAL"}
    contested.write_text(json.dumps({**row, "lines": "10-12", "reason": "It learns first."}) + "\n")
    arguments = ("--labels", labels, "--accuracy", page, "--corrections", contested)
    assert referee(run, *arguments) == 0
    assert page.read_text().count("It learns first.") == 1
    assert "Explained: Contested: It learns first. (10-12)" in page.read_text()
    assert "4 cases, 3 unexplained" in capsys.readouterr().out
    why.write_text('[[explanation]]\npr = 2\nfolder = "f"\nsubject = "legality"\nwhy = "Ours is right."\n')
    assert referee(run, *arguments, "--explanations", why) == 0
    assert "Explained: Ours is right." in page.read_text()
    assert "- Contested: It learns first. (10-12)" in page.read_text()


def test_a_stale_explanation_fails_after_the_page_is_written(
    referee: Callable[..., int], run: Path, labels: Path, tmp_path: Path, capsys: Capture
) -> None:
    page, why = tmp_path / "accuracy.md", tmp_path / "why.toml"
    why.write_text('[[explanation]]\npr = 4\nfolder = "g"\nsubject = "legality"\nwhy = "No longer."\n')
    assert referee(run, "--labels", labels, "--accuracy", page, "--explanations", why) == 2
    assert page.read_text().rstrip().endswith("- \\#\u200b4 g (legality)")
    assert "fit no case: #4 g (legality)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("[[explanation]", "is not TOML"),
        ('[[explanation]]\npr = 2\nwhy = "x"\n', "explanation 0.subject"),
        ('[[explanation]]\npr = 2\nsubject = "legality"\nwhy = "x"\n' * 2, "two explanations of #2"),
    ],
)
def test_a_broken_file_of_explanations_is_a_mistake(
    referee: Callable[..., int],
    run: Path,
    labels: Path,
    tmp_path: Path,
    capsys: Capture,
    toml: str,
    complaint: str,
) -> None:
    (tmp_path / "why.toml").write_text(toml)
    arguments = ("--accuracy", tmp_path / "a.md", "--explanations", tmp_path / "why.toml")
    assert referee(run, "--labels", labels, *arguments) == 2
    assert complaint in capsys.readouterr().err


def test_against_alone_shows_what_changed(
    referee: Callable[..., int], run: Path, tmp_path: Path, capsys: Capture
) -> None:
    make_run(tmp_path / "old", [Folder(4, "g", calls("CLEAN"))])
    assert referee(run, "--against", tmp_path / "old") == 0
    out = capsys.readouterr().out
    assert "Verdicts that changed since (1 in 1 folders)" in out
    assert "New (1): #2 records/track_10min_16mb/f" in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "nothing to compare with"),
        (("--labels", "LABELS", "--labels", "LABELS"), "labelled twice"),
        (("--labels", "RUN/nothing.jsonl"), "cannot read"),
    ],
)
def test_mistakes_take_one_line(
    referee: Callable[..., int],
    run: Path,
    labels: Path,
    capsys: Capture,
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    known = [word.replace("LABELS", str(labels)).replace("RUN", str(run)) for word in arguments]
    assert referee(run, *known) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert len(told.splitlines()) == 1


def test_a_directory_without_a_sweep_is_a_mistake(
    referee: Callable[..., int], labels: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert referee(tmp_path / "empty", "--labels", labels) == 2
    assert "holds no sweep" in capsys.readouterr().err
