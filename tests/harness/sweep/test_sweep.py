"""A sweep answers for every pull request it was asked for, and does nothing twice."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audits.errors import UserError
from audits.outcome import Status
from audits.runner import AuditResult
from harness.sweep import targets, versions, work
from harness.sweep.containment import OUT_OF_MEMORY, attempt
from harness.sweep.executor import Done, Executor, Task
from harness.sweep.export import export
from harness.sweep.reader import Reader
from harness.sweep.records import State
from harness.sweep.sweeper import together
from harness.sweep.versions import Versions
from tests.audits.repository import Repository, record
from tests.harness.sweep.mirrors import LEGAL, TRAINED_FIRST, make_mirror, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return make_mirror(tmp_path_factory.mktemp("mirror") / "bare.git")


@pytest.fixture(scope="module")
def swept(mirror: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    report, progress = run(mirror, out)
    assert report.asked == 5
    assert report.states == {State.AUDITED: 4, State.NOTHING: 1}
    assert sum(report.states.values()) == report.asked
    assert report.folders == 5
    assert progress.phases["auditing"] == 4, "the folder that two pull requests share is read once"
    return out


def calls(out: Path) -> dict[tuple[int, int], str]:
    reader = Reader.open(out)
    found = {(i.entry.pr, i.entry.position): i.verdicts["practice"].legality for i in reader.judged()}
    reader.close()
    return found


def test_every_folder_has_its_verdict(swept: Path) -> None:
    assert calls(swept) == {
        (1, 0): "CLEAN",
        (2, 0): "ILLEGAL",
        (3, 0): "CLEAN",
        (5, 0): "CLEAN",
        (5, 1): "ILLEGAL",
    }


def test_shared_facts_are_judged_for_each_pull_request(swept: Path) -> None:
    reader = Reader.open(swept)
    package = {item.entry.pr: item.statuses["change-outside-folder"] for item in reader.judged()}
    assert (package[1], package[3]) == ("clean", "flagged")
    result = reader.result(next(entry for entry in reader.entries() if entry.pr == 3))
    reader.close()
    assert {change.path for change in result.submission.changes} >= {"notes.md"}
    assert result.facts is not None
    assert result.facts.submission.origin.pr == 3, "not the pull request whose facts they were first"


def test_identical_and_near_identical_scripts_are_one_cluster(swept: Path) -> None:
    reader = Reader.open(swept)
    names = {(entry.pr, entry.position): entry.cluster for entry in reader.entries()}
    reader.close()
    assert names[1, 0] == names[3, 0] == names[5, 0] == "1/0"
    assert names[2, 0] == names[5, 1] == "2/0"


def test_swept_again_costs_nothing(mirror: Repository, swept: Path) -> None:
    report, progress = run(mirror, swept)
    assert progress.phases == {}
    assert (report.read, report.judged) == (0, 0)


def test_only_a_moved_head_is_read_again(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "bare.git")
    run(mirror, tmp_path / "run")
    mirror.pull(2, record("2026-04-02_Trained", **{"train_gpt.py": LEGAL + "\n# mended\n"}))
    report, progress = run(mirror, tmp_path / "run")
    assert (progress.phases["reading pull requests"], report.read) == (1, 1)
    assert calls(tmp_path / "run")[2, 0] == "CLEAN"


def test_a_folder_that_is_gone_leaves_no_verdict(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "bare.git")
    run(mirror, tmp_path / "run")
    mirror.pull(5, record("2026-04-05_One", **{"train_gpt.py": LEGAL + "\n# one\n"}))
    run(mirror, tmp_path / "run")
    assert [where for where in calls(tmp_path / "run") if where[0] == 5] == [(5, 0)]


@pytest.mark.parametrize(
    ("changed", "phases"),
    [
        ("rulebook", {"judging stored facts"}),
        ("policy", {"weighing outcomes"}),
        ("extractor", {"reading pull requests", "auditing", "comparing scripts"}),
    ],
)
def test_a_change_of_ours_redoes_what_depends_on_it(
    mirror: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changed: str,
    phases: set[str],
) -> None:
    run(mirror, tmp_path)
    before = calls(tmp_path)
    now = versions.current()
    parts = {"extractor": now.extractor, "rulebook": now.rulebook, "policy": now.policy, changed: "another"}
    monkeypatch.setattr("harness.sweep.sweeper.current", lambda: Versions(**parts))
    _, progress = run(mirror, tmp_path)
    assert set(progress.phases) == phases
    assert calls(tmp_path) == before
    _, progress = run(mirror, tmp_path)
    assert progress.phases == {}


def test_what_an_older_version_judged_is_pending_until_it_is_judged_again(
    mirror: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(mirror, tmp_path)
    now = versions.current()
    other = Versions(now.extractor, "another", now.policy)
    monkeypatch.setattr("harness.sweep.sweeper.current", lambda: other)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.sweep.sweeper._Sweep._judge_again", interrupt)
    report, _ = run(mirror, tmp_path)
    assert report.interrupted
    assert report.states == {State.PENDING: 4, State.NOTHING: 1}
    assert calls(tmp_path) == {}


class FullWorkers(Executor):
    """Workers without room for an audit beside what they hold."""

    jobs = 1

    def _run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        for task in tasks:
            full = task.function is work.examine_all
            yield Done(task.key, None, OUT_OF_MEMORY) if full else next(self._run_apart([task]))

    def _run_apart(self, tasks: Iterable[Task]) -> Iterator[Done]:
        for task in tasks:
            yield Done(task.key, *attempt(task.function, task.arguments))

    def close(self) -> None:
        """Nothing runs."""


def test_what_a_full_worker_could_not_hold_is_answered_by_a_fresh_one(
    mirror: Repository, swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.sweep.sweeper.open_executor", lambda *_: FullWorkers())
    report, _ = run(mirror, tmp_path)
    assert report.states == {State.AUDITED: 4, State.NOTHING: 1}
    texts = []
    for out in (swept, tmp_path):
        reader = Reader.open(out)
        export(reader, tmp_path / "sweep.jsonl", "jsonl")
        reader.close()
        texts.append((tmp_path / "sweep.jsonl").read_bytes())
    assert texts[0] == texts[1]


class Impatient(FullWorkers):
    """Workers that end a task with more than one folder before it is done."""

    def _run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        for task in tasks:
            several = task.function is work.examine_all and len(task.key) > 1
            yield Done(task.key, None, "timed out") if several else next(self._run_apart([task]))


def test_folders_that_share_a_script_are_judged_alone_where_together_they_take_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Repository(tmp_path / "bare.git")
    for number in (1, 2, 3):
        mirror.pull(number, record(f"2026-04-0{number}_Legal", **{"train_gpt.py": LEGAL}))
    texts = []
    for name in ("together", "alone"):
        report, progress = run(mirror, tmp_path / name)
        assert report.states == {State.AUDITED: 3}
        assert (report.read, progress.phases["auditing"]) == (3, 3)
        reader = Reader.open(tmp_path / name)
        export(reader, tmp_path / "sweep.jsonl", "jsonl")
        reader.close()
        texts.append((tmp_path / "sweep.jsonl").read_bytes())
        monkeypatch.setattr("harness.sweep.sweeper.open_executor", lambda *_: Impatient())
    assert texts[0] == texts[1]


def test_groups_hold_one_script_and_large_ones_come_first() -> None:
    keys = [f"k{number}" for number in range(10)]
    scripts = {"k0": "a", "k1": "b", **dict.fromkeys(keys[2:9], "b")}
    assert together(keys, scripts) == [
        ("k1", "k2", "k3", "k4", "k5", "k6"),
        ("k7", "k8"),
        ("k0",),
        ("k9",),
    ]


@pytest.mark.parametrize("where", ["facts", "rules"])
def test_a_stage_or_a_rule_that_ran_out_of_memory_is_no_answer(
    mirror: Repository, swept: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    reader = Reader.open(swept)
    entry = reader.entries()[0]
    place, shell = (entry.pr, entry.position), reader.shell((entry.pr, entry.position))
    known = reader.result(entry)
    reader.close()
    trace = "Traceback (most recent call last):\nMemoryError"
    crashed = replace(known.outcomes[0], status=Status.CRASHED, reason=f"the rule raised:\n{trace}")
    result = (
        AuditResult(known.submission, None, (), {}, trace)
        if where == "facts"
        else replace(known, outcomes=(*known.outcomes[1:], crashed))
    )
    monkeypatch.setattr("audits.runner.audit", lambda _: result)
    with pytest.raises(MemoryError):
        work.examine(mirror.path, entry.facts_key, ((place, shell),))


def test_ctrl_c_keeps_what_was_finished(
    mirror: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.harness.sweep.mirrors.Counting.step", _interrupt_at(7))
    report, _ = run(mirror, tmp_path)
    assert report.interrupted
    assert sum(report.states.values()) == 5
    assert 0 < len(calls(tmp_path)) < 5
    monkeypatch.undo()
    rest, _ = run(mirror, tmp_path)
    assert rest.read + report.read == 4, "nothing is read twice and nothing is left out"
    assert not rest.interrupted
    assert len(calls(tmp_path)) == 5


def _interrupt_at(step: int) -> object:
    seen = []

    def count(_: object) -> None:
        seen.append(1)
        if len(seen) == step:
            raise KeyboardInterrupt

    return count


def test_selection_by_range_by_labels_and_by_date(mirror: Repository, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"pr": 2}\n{"pr": 2}\n\n{"pr": 77}\n')
    known = targets.heads(mirror.path)
    day = datetime.date(2026, 4, 3)
    assert targets.choose(mirror.path, known, prs="2-3,5,900-950", labels=None, since=None) == [2, 3, 5]
    assert targets.choose(mirror.path, known, prs=None, labels=labels, since=None) == [2, 77]
    assert targets.choose(mirror.path, known, prs=None, labels=None, since=day) == [3, 4, 5]
    for wrong in ("a-b", "5-2", "1-99999999", ""):
        with pytest.raises(UserError, match="range"):
            targets.choose(mirror.path, known, prs=wrong, labels=None, since=None)


def test_a_labelled_pull_request_that_the_mirror_lacks_is_counted(mirror: Repository, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"pr": 1}\n{"pr": 77}\n')
    report, _ = run(mirror, tmp_path / "run", labels=labels)
    assert report.states == {State.AUDITED: 1, State.CRASHED: 1}
    reader = Reader.open(tmp_path / "run")
    (lost,) = [pull for pull in reader.pulls() if pull.state is State.CRASHED]
    reader.close()
    assert lost.pr == 77
    assert "no head of pull request 77" in lost.cause


def test_readers_see_only_what_the_last_sweep_was_asked_for(mirror: Repository, tmp_path: Path) -> None:
    run(mirror, tmp_path)
    report, progress = run(mirror, tmp_path, prs="2")
    assert set(progress.phases) == {"comparing scripts"}, "a cluster is named among what was asked for"
    assert report.asked == 1
    assert set(calls(tmp_path)) == {(2, 0)}


def test_the_floor_parses_every_distinct_script_once(mirror: Repository, tmp_path: Path) -> None:
    report, _ = run(mirror, tmp_path, measure_floor=True)
    assert report.parsed == 4
    assert report.parse_seconds is not None
    assert 0 < report.parse_seconds < 5


def test_a_mirror_without_pull_requests_is_said_to_be_one(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "bare.git")
    for number in range(1, 6):
        mirror.repo.references.delete(f"refs/pull/{number}/head")
    with pytest.raises(UserError, match="holds no pull requests"):
        run(mirror, tmp_path / "run")


def test_examples_are_what_they_are_taken_for() -> None:
    assert LEGAL != TRAINED_FIRST
