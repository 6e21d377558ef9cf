"""Pull requests and refs are read from a bare repository, whatever their history looks like."""

from __future__ import annotations

import pathlib

import pygit2
import pytest

from audits.errors import UserError
from audits.intake import load
from audits.submission import ChangeStatus
from tests.audits.repository import MAIN, ME, RECORD, SCRIPT, Repository, record


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "bare.git")


def test_one_new_folder_and_what_it_touches_besides(repository):
    head = repository.pull(
        7, {**record("One"), "train_gpt.py": "print('changed')\n", "notes.txt": "x"}, remove=("README.md",)
    )
    intake = repository.load(7)
    (submission,) = intake.submissions
    assert (submission.path, submission.track, submission.folder) == (
        f"{RECORD}/One",
        "track_10min_16mb",
        "One",
    )
    assert submission.origin.head_sha == str(head)
    assert submission.origin.base_sha == str(repository.root)
    assert submission.origin.pr == 7
    assert {(change.path, change.status) for change in submission.changes} == {
        (f"{RECORD}/One/README.md", ChangeStatus.ADDED),
        (f"{RECORD}/One/train_gpt.py", ChangeStatus.ADDED),
        ("README.md", ChangeStatus.DELETED),
        ("notes.txt", ChangeStatus.ADDED),
        ("train_gpt.py", ChangeStatus.MODIFIED),
    }
    assert [file.path for file in submission.files] == ["README.md", "train_gpt.py"]
    assert intake.notes == ()


def test_later_work_on_main_is_not_counted(repository):
    repository.pull(7, record("One"))
    repository.commit(MAIN, record("Elsewhere"), repository.root)
    (submission,) = repository.load(7).submissions
    assert {change.path for change in submission.changes} == {
        f"{RECORD}/One/README.md",
        f"{RECORD}/One/train_gpt.py",
    }


def test_merged_pull_request_is_compared_with_main_before_the_merge(repository):
    head = repository.pull(7, record("One"))
    before = repository.commit(MAIN, record("Before"), repository.root)
    merge = repository.commit(MAIN, record("One"), before, head)
    repository.commit(MAIN, record("After"), merge)
    intake = repository.load(7)
    assert [item.folder for item in intake.submissions] == ["One"]
    assert intake.submissions[0].origin.base_sha == str(repository.root)
    assert "already merged" in intake.notes[0]


def test_pull_request_that_brought_main_in_before_being_merged(repository):
    first = repository.pull(7, record("One"))
    before = repository.commit(MAIN, record("Before"), repository.root)
    head = repository.commit("refs/pull/7/head", record("Before"), first, before)
    repository.commit(MAIN, record("One"), before, head)
    assert [item.folder for item in repository.load(7).submissions] == ["One"]


def test_fast_forward(repository):
    head = repository.pull(7, record("One"))
    repository.repo.references.create(MAIN, head, force=True)
    assert [item.folder for item in repository.load(7).submissions] == ["One"]


def test_unrelated_history_is_compared_with_the_first_commit_of_main(repository):
    repository.commit("refs/pull/7/head", {**record("One"), "README.md": "# Challenge\n"})
    intake = repository.load(7)
    assert [item.folder for item in intake.submissions] == ["One"]
    assert "no common history" in intake.notes[0]


def test_several_folders_are_each_given_and_said_so(repository):
    repository.pull(7, {**record("One"), **record("Two", track="track_non_record_16mb")})
    intake = repository.load(7)
    assert [(item.track, item.folder) for item in intake.submissions] == [
        ("track_10min_16mb", "One"),
        ("track_non_record_16mb", "Two"),
    ]
    assert intake.submissions[0].other_folders == ("records/track_non_record_16mb/Two",)
    assert intake.notes == ("2 record folders, each audited on its own: One, Two",)
    assert [item.folder for item in repository.load(7, folder="Two").submissions] == ["Two"]
    assert [item.folder for item in repository.load(7, folder=f"{RECORD}/One").submissions] == ["One"]
    with pytest.raises(UserError, match="no record folder called Three"):
        repository.load(7, folder="Three")


def test_folders_inherited_from_an_earlier_pull_request_are_left_out(repository):
    first = repository.pull(5, record("Earlier"))
    repository.pull(7, record("One"), parent=first)
    intake = repository.load(7)
    assert [item.folder for item in intake.submissions] == ["One"]
    assert intake.notes == (
        f"left out {RECORD}/Earlier: inherited unchanged; pull request 5 already holds it",
    )
    assert intake.submissions[0].other_folders == (f"{RECORD}/Earlier",)


def test_folder_known_to_main_is_left_out_beside_a_new_one(repository):
    repository.commit(MAIN, record("Merged"), repository.root)
    repository.pull(7, {**record("Merged"), **record("One")})
    intake = repository.load(7)
    assert [item.folder for item in intake.submissions] == ["One"]
    assert "identical in main" in intake.notes[0]


@pytest.mark.parametrize(
    ("path", "track", "folder"),
    [
        ("records/records/track_10min_16mb/One", "track_10min_16mb", "One"),
        ("track_10min_16mb/One", "track_10min_16mb", "One"),
        ("records/One", None, "One"),
        ("records/track_10min_16mb", "track_10min_16mb", "track_10min_16mb"),
        ("submissions/mine", None, "mine"),
    ],
)
def test_unusual_layouts(repository, path, track, folder):
    repository.pull(7, {f"{path}/train_gpt.py": SCRIPT, f"{path}/submission.json": "{}"})
    intake = repository.load(7)
    assert [(item.path, item.track, item.folder) for item in intake.submissions] == [(path, track, folder)]
    assert intake.notes


def test_records_of_a_copied_project_are_nobody_s_submission(repository):
    repository.pull(7, {**record("One"), "other/records/track_1_short/X/train_gpt.py": SCRIPT})
    assert [item.folder for item in repository.load(7).submissions] == ["One"]


def test_script_at_the_root(repository):
    repository.pull(7, {"train_gpt.py": "print('new')\n", "README.md": "# Challenge, better\n"})
    intake = repository.load(7)
    (submission,) = intake.submissions
    assert (submission.path, submission.track, submission.main_script) == (".", None, "train_gpt.py")
    assert "its track is unknown" in intake.notes[0]


def test_nothing_to_audit(repository):
    repository.pull(7, {"docs/notes.md": "x"})
    intake = repository.load(7)
    assert intake.submissions == ()
    assert "nothing to audit" in intake.notes[0]


def test_a_note_in_the_track_folder_is_no_submission(repository):
    note = f"{RECORD}/FINDINGS.md"
    repository.pull(7, {**record("One"), note: "what was found"})
    assert [item.folder for item in repository.load(7).submissions] == ["One"]
    repository.pull(8, {note: "what was found"})
    assert repository.load(8).submissions == ()
    repository.pull(9, {f"{RECORD}/train_gpt.py": SCRIPT, f"{RECORD}/README.md": "# straight in the track"})
    assert [item.path for item in repository.load(9).submissions] == [RECORD]


def test_absent_blob_is_recorded(repository):
    head = repository.pull(7, record("One", **{"model.ptz": b"\x80weights", "train.log": "lost\n"}))
    for name in ("model.ptz", "train.log"):
        oid = str(repository.repo[head].tree[f"{RECORD}/One/{name}"].id)

        blob = pathlib.Path(repository.path) / "objects" / oid[:2] / oid[2:]
        blob.chmod(0o644)
        blob.unlink()
    (submission,) = repository.load(7).submissions
    assert {problem.path for problem in submission.problems if problem.code == "absent-blob"} == {
        "model.ptz",
        "train.log",
    }
    assert submission.file("train.log").absent
    assert submission.file("train.log").size == -1
    assert submission.main_script == "train_gpt.py"


def test_link_in_a_tree_is_not_followed(repository):
    index = pygit2.Index()
    blob = repository.repo.create_blob(b"/etc/passwd")
    script = repository.repo.create_blob(SCRIPT.encode())
    index.add(pygit2.IndexEntry(f"{RECORD}/One/data.txt", blob, pygit2.enums.FileMode.LINK))
    index.add(pygit2.IndexEntry(f"{RECORD}/One/train_gpt.py", script, pygit2.enums.FileMode.BLOB))
    tree = index.write_tree(repository.repo)
    head = repository.repo.create_commit(None, ME, ME, "c", tree, [repository.root])
    repository.repo.references.create("refs/pull/7/head", head)
    (submission,) = repository.load(7).submissions
    assert submission.file("data.txt").unread == "symlink"
    assert submission.file("data.txt").data == b""


def test_refs_and_their_mistakes(repository):
    head = repository.pull(7, record("One"))
    for ref in (str(head), "refs/pull/7/head", str(head)[:12]):
        (submission,) = load(None, repo=repository.path, ref=ref).submissions
        assert submission.origin.pr is None
        assert submission.origin.head_sha == str(head)
    for options in (
        {"ref": "nowhere"},
        {"pr": 8},
        {"pr": 7, "ref": "main"},
        {"pr": 7, "base": "nowhere"},
        {},
    ):
        with pytest.raises(UserError) as caught:
            load(None, repo=repository.path, **options)
        assert caught.value.hint


def test_url_with_a_repository_takes_its_number(repository):
    repository.pull(7, record("One"))
    intake = load("https://github.com/openai/parameter-golf/pull/7/files", repo=repository.path)
    assert intake.submissions[0].origin.pr == 7


def test_url_fetches_into_a_temporary_repository(repository, monkeypatch):
    from audits.intake import pull_url

    repository.pull(7, record("One"))
    url = pull_url.PullUrl(repository=repository.path, number=7)
    (submission,) = pull_url.fetch_pull(url, folder=None, base=None, records_dir="records").submissions
    assert submission.folder == "One"
    assert submission.origin.path == repository.path
    with pytest.raises(UserError) as caught:
        pull_url.fetch_pull(
            pull_url.PullUrl("file:///no/such/place", 7), folder=None, base=None, records_dir="records"
        )
    assert "--repo DIR" in caught.value.hint


def test_base_for_a_local_folder(tmp_path):
    work = tmp_path / "work"
    repo = pygit2.init_repository(str(work), initial_head="main")
    folder = work / RECORD / "One"
    folder.mkdir(parents=True)
    (work / "README.md").write_text("x")
    repo.index.add("README.md")
    tree = repo.index.write_tree()
    first = repo.create_commit("HEAD", ME, ME, "c", tree, [])
    (folder / "train_gpt.py").write_text(SCRIPT)
    (work / "README.md").write_text("y")
    (submission,) = load(str(folder), base="main").submissions
    assert submission.origin.base_sha == str(first)
    assert {(change.path, change.status) for change in submission.changes} == {
        (f"{RECORD}/One/train_gpt.py", ChangeStatus.ADDED),
        ("README.md", ChangeStatus.MODIFIED),
    }
    with pytest.raises(UserError, match="cannot resolve"):
        load(str(folder), base="nowhere")
