"""The analysis knows structure, not names: rewriting a script without changing it changes no outcome."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audits.challenge_loader import load_challenge
from audits.intake import load
from audits.outcome import Axis, Status
from audits.policy import load_policy
from audits.rules import discover
from audits.runner import audit
from audits.verdict import decide
from tests.audits.builders import FOLDER, TRACK
from tests.audits.codemods import inline_helpers, outline_blocks, rename_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from audits.challenge import Challenge
    from audits.rule import Example

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "examples" / "records" / "track_cpu_tiny"
EXAMPLES = [
    (rule.id, example)
    for rule in discover()
    for example in (*rule.flagged, *rule.clean)
    if rule.axis in (Axis.LEGALITY, Axis.METRIC)
]
CODEMODS: dict[str, Callable[[str], str]] = {"outlined": outline_blocks, "inlined": inline_helpers}
MIRROR = os.environ.get("REFEREE_MIRROR")
REAL = (
    56,
    150,
    494,
    576,
    744,
    926,
    1038,
    1128,
    1184,
    1246,
    1302,
    1324,
    1364,
    1458,
    1530,
    1624,
    1712,
    1898,
    2118,
    2134,
)
"""Twenty even-numbered pull requests of every family."""

Judged = tuple[dict[str, Status], str, str]


def judge(folder: Path, challenge: Challenge | None = None) -> Judged:
    """Return the outcomes of the rules that read code, and their two verdicts."""
    (submission,) = load(str(folder)).submissions
    result = audit(submission, challenge)
    assert result.crash is None, result.crash
    wanted = [outcome for outcome in result.outcomes if outcome.axis in (Axis.LEGALITY, Axis.METRIC)]
    verdict = decide(wanted, load_policy("practice"))
    legality, metric = (str(verdict.axis(axis).call) for axis in (Axis.LEGALITY, Axis.METRIC))
    return {outcome.rule: outcome.status for outcome in wanted}, legality, metric


def write(folder: Path, code: str, example: Example) -> Path:
    """Write an example as a record folder."""
    for path, text in (("train_gpt.py", code), *example.files):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def rewrite(folder: Path, into: Path, change: Callable[[str], str]) -> Path:
    """Copy a record folder with its main script rewritten."""
    (submission,) = load(str(folder)).submissions
    for file in submission.files:
        target = into / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        data = file.data
        if file.path == submission.main_script:
            data = change(data.decode("utf-8-sig")).encode()
        target.write_bytes(data)
    return into


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=[f"{rule}: {e.title}" for rule, e in EXAMPLES])
def test_rule_example_survives_rewriting(rule: str, example: Example, tmp_path: Path) -> None:
    code = textwrap.dedent(example.code)
    challenge = load_challenge("parameter_golf")
    place = Path("records") / TRACK / FOLDER
    before = judge(write(tmp_path / "before" / place, code, example), challenge)
    for name, change in {"renamed": rename_private, **CODEMODS}.items():
        changed = change(code)
        after = judge(write(tmp_path / name / place, changed, example), challenge)
        assert after == before, f"{rule}, {name}:\n{changed}"


@pytest.mark.parametrize("record", sorted(path.name for path in RECORDS.iterdir() if path.is_dir()))
def test_embedded_example_survives_rewriting(record: str, tmp_path: Path) -> None:
    before = judge(RECORDS / record)
    place = Path("records") / RECORDS.name / record
    for name, change in {"renamed": rename_private, **CODEMODS}.items():
        after = judge(rewrite(RECORDS / record, tmp_path / name / place, change))
        assert after == before, f"{record}, {name}"


@pytest.mark.corpus
@pytest.mark.skipif(MIRROR is None, reason="needs REFEREE_MIRROR")
@pytest.mark.parametrize("pull", REAL)
def test_real_script_survives_rewriting(pull: int, tmp_path: Path) -> None:
    (submission, *_) = load(None, repo=MIRROR, pr=pull).submissions
    assert submission.main_script is not None
    place = Path("records") / str(submission.track) / submission.folder
    original = tmp_path / "original" / place
    for file in submission.files:
        (original / file.path).parent.mkdir(parents=True, exist_ok=True)
        (original / file.path).write_bytes(file.data)
    before = judge(original)
    keep = _logged(original)
    codemods = {"renamed": lambda text: rename_private(text, keep), **CODEMODS}
    for name, change in codemods.items():
        after = judge(rewrite(original, tmp_path / name / place, change))
        assert after == before, f"#{pull}, {name}"


def _logged(folder: Path) -> frozenset[str]:
    """Names that a log prints with values: a renamed script would print other ones."""
    from audits.facts.logs import parse_logs

    (submission,) = load(str(folder)).submissions
    logs = parse_logs(submission, load_challenge("parameter_golf"))
    return frozenset(name for log in logs for name, _, _ in log.hyperparameters)
