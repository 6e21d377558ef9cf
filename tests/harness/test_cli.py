"""The command line: exit codes, one-line mistakes, files, and a quick start."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

import harness.auditing
from audits.errors import UserError
from audits.intake import Intake, NothingToAuditError
from audits.outcome import Axis, Severity, Status
from audits.verdict import Overall
from harness.cli import main
from harness.errors import ExitCode, exit_code
from tests.audits.builders import make_outcome
from tests.harness.reviews import clean, illegal, make_review

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from audits.outcome import Outcome

    Capture = pytest.CaptureFixture[str]

LEGAL = make_outcome("saw-the-code", status=Status.CLEAN)
BY_OUTCOME: list[tuple[list[Outcome], int]] = [
    ([LEGAL], 0),
    ([make_outcome(severity=Severity.DISPUTED)], 10),
    ([LEGAL, make_outcome("who-knows", Axis.LIMITS, Status.UNCLEAR)], 10),
    ([illegal()], 11),
    ([LEGAL, make_outcome("size", Axis.LIMITS)], 11),
    ([LEGAL, make_outcome("no-readme", Axis.PACKAGE)], 12),
]


@pytest.fixture
def referee(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Return a call of the command line that gives back its exit code."""

    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["referee", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    return call


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a way to decide what the audit will find."""

    def decide(*per_review: list[Outcome]) -> None:
        reviews = [make_review(outcomes) for outcomes in per_review]
        monkeypatch.setattr(harness.auditing, "reviews_of", lambda request: reviews)

    return decide


@pytest.mark.parametrize(("outcomes", "code"), BY_OUTCOME)
@pytest.mark.parametrize("format_", ["text", "json", "sarif", "markdown"])
def test_the_verdict_is_the_exit_code_in_every_format(
    referee: Callable[..., int], judged: Callable[..., None], outcomes: list[Outcome], code: int, format_: str
) -> None:
    judged(outcomes)
    assert referee("audit", "folder", "--format", format_) == code
    assert referee("audit", "folder", "--format", format_, "--no-exit-codes") == 0


def test_the_worst_of_several_reports_decides(
    referee: Callable[..., int], judged: Callable[..., None]
) -> None:
    judged([LEGAL], [illegal()], [LEGAL, make_outcome("no-readme", Axis.PACKAGE)])
    assert referee("audit", "a", "b", "c") == 11


@pytest.mark.parametrize("verdict", list(Overall))
def test_every_verdict_has_an_exit_code(verdict: Overall) -> None:
    assert exit_code([verdict]) in set(ExitCode) - {ExitCode.TOOL_ERROR, ExitCode.USAGE}


def test_a_mistake_takes_one_line_with_its_hint(referee: Callable[..., int], capsys: Capture) -> None:
    assert referee("audit", "/no/such/folder") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("referee: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", "--format", "pdf"),
        ("audit", "--policy", "lenient"),
        ("audit", "--as-of", "yesterday"),
        ("audit", "a", "b", "--repo", "mirror"),
        ("audit", "x", "--challenge", "chess"),
        ("rules", "no-such-rule"),
        ("frobnicate",),
    ],
)
def test_mistakes_of_usage_leave_with_two(referee: Callable[..., int], arguments: tuple[str, ...]) -> None:
    assert referee(*arguments) == 2


def test_a_day_before_the_challenge_has_no_policy(referee: Callable[..., int], tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_text("x = 1\n")
    assert referee("audit", str(tmp_path), "--as-of", "2020-01-01") == 2


def test_nothing_to_audit_leaves_with_thirteen_and_a_valid_document(
    referee: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("audits.intake.load", lambda *_, **__: Intake((), ("it touches no record folder",)))
    assert referee("audit", "x", "--format", "json") == 13
    captured = capsys.readouterr()
    assert json.loads(captured.out)["reports"] == []
    assert "nothing to audit: it touches no record folder" in captured.err
    assert referee("audit", "x", "--no-exit-codes") == 0


def test_an_empty_folder_is_nothing_to_audit(
    referee: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> Intake:
        raise NothingToAuditError("the folder is empty", "name another")

    monkeypatch.setattr("audits.intake.load", load)
    assert referee("audit", "x") == 13


def test_a_bug_of_ours_keeps_its_traceback(
    referee: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def broken(request: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(harness.auditing, "reviews_of", broken)
    assert referee("audit", "x") == 1
    captured = capsys.readouterr()
    assert "Traceback" in captured.err
    assert "ZeroDivisionError: ours" in captured.err


def test_output_goes_to_a_file(
    referee: Callable[..., int],
    judged: Callable[..., None],
    tmp_path: Path,
    capsys: Capture,
) -> None:
    judged([illegal(), clean()])
    assert referee("audit", "x", "--output", str(tmp_path / "review.txt")) == 11
    assert capsys.readouterr().out == ""
    assert "ILLEGAL" in (tmp_path / "review.txt").read_text()
    assert referee("audit", "x", "--output", str(tmp_path / "no" / "such" / "review.txt")) == 2


def test_a_run_is_kept_whole_and_never_overwritten(
    referee: Callable[..., int], judged: Callable[..., None], tmp_path: Path
) -> None:
    judged([illegal(), clean()])
    assert referee("audit", "x", "--run-dir", str(tmp_path / "run")) == 11
    kept = {path.name for path in (tmp_path / "run").iterdir()}
    assert kept == {"run.json", "submission.json", "audit.json", "review.txt", "review.md", "review.sarif"}
    files = json.loads((tmp_path / "run" / "submission.json").read_text())["submissions"][0]["files"]
    assert all(len(entry["blob"]) == 40 for entry in files)
    assert referee("audit", "x", "--run-dir", str(tmp_path / "run")) == 2


def test_user_errors_of_others_are_escaped(
    referee: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def broken(request: object) -> None:
        raise UserError("no file called a\x1b[2J\nb", "look again")

    monkeypatch.setattr(harness.auditing, "reviews_of", broken)
    assert referee("audit", "x") == 2
    assert capsys.readouterr().err == "referee: no file called a\\x1b[2J b (look again)\n"


def test_version_and_schema_are_printed(referee: Callable[..., int], capsys: Capture) -> None:
    assert referee("--version") == 0
    assert capsys.readouterr().out.startswith("referee ")
    assert referee("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"].startswith("referee-report/")


def test_rules_are_listed_and_explained(referee: Callable[..., int], tmp_path: Path, capsys: Capture) -> None:
    assert referee("rules") == 0
    listed = capsys.readouterr().out
    assert "artifact-over-cap" in listed
    assert referee("rules", "artifact-over-cap") == 0
    explained = capsys.readouterr().out
    assert "Blind to:" in explained
    assert "flagged: one of two seeds is over" in explained
    assert referee("rules", "--markdown", "--output", str(tmp_path / "RULES.md")) == 0
    assert (tmp_path / "RULES.md").read_text().startswith("# The rulebook")


def test_help_starts_quickly() -> None:
    command = [sys.executable, "-c", "from harness.cli import main; main()", "--help"]
    best = min(_seconds(command) for _ in range(3))
    assert best < 0.8, "a heavy import has crept into start-up"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from harness.cli import app; "
        "print([m for m in ('pydantic', 'libcst', 'scipy', 'numpy', 'jinja2', 'pygit2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started
