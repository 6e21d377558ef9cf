"""Files of the repository outside the folder: those that a path spells, and no others."""

from types import SimpleNamespace

import pytest

from audits.submission import OriginKind
from harness.smoke import repository_files as files

pygit2 = pytest.importorskip("pygit2")
LAUNCHER = b"""
from pathlib import Path
import os
ROOT = Path(__file__).resolve().parents[3]
target = ROOT / "trainer.py"
base = ROOT / "records" / "track" / "other" / "train_gpt.py"
table = os.path.join(ROOT, "data/tables", "t.json")
code = Path(__file__).parent / "train_gpt.py"
model = ROOT / "records/track/other/final_model.ptz"
specs = ROOT / "data/tokenizers/specs.json"
away = "../../../../../etc/passwd.txt"
up = "../sibling/helper.py"
"""
TREE = {
    "trainer.py": b"print(1)\n",
    "train_gpt.py": b"never asked for\n",
    "records/track/other/train_gpt.py": b'open(os.path.join(ROOT, "records/track/other/deep.txt"))\n',
    "records/track/other/deep.txt": b"deep",
    "records/track/other/final_model.ptz": b"no text",
    "records/track/sibling/helper.py": b"x = 1\n",
    "data/tables/t.json": b"{}",
    "data/tokenizers/specs.json": b"{}",
    "records/track/mine/train_gpt.py": LAUNCHER,
}
WANTED = {
    "trainer.py",
    "records/track/other/train_gpt.py",
    "records/track/other/deep.txt",
    "records/track/sibling/helper.py",
    "data/tables/t.json",
}


def checkout(folder):
    for path, data in TREE.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def submission(kind, path, sha=None):
    return SimpleNamespace(
        origin=SimpleNamespace(kind=kind, path=str(path), head_sha=sha), path="records/track/mine"
    )


def plan(source=LAUNCHER):
    return SimpleNamespace(files=(("train_gpt.py", source),), layers=())


@pytest.fixture
def committed(tmp_path):
    repository = pygit2.init_repository(str(checkout(tmp_path)))
    repository.index.add_all()
    author = pygit2.Signature("A", "a@example.org")
    commit = repository.create_commit("HEAD", author, author, "all", repository.index.write_tree(), [])
    return submission(OriginKind.GIT, tmp_path, str(commit))


def test_what_the_sources_name_is_read_from_the_tree(committed):
    found = dict(files.read_repository_files(committed, plan()))
    assert set(found) == {f".repository/{path}" for path in WANTED}
    assert found[".repository/trainer.py"] == TREE["trainer.py"]


def test_a_folder_in_a_checkout_has_the_same(tmp_path):
    given = submission(OriginKind.FOLDER, checkout(tmp_path) / "records/track/mine")
    assert {path for path, _ in files.read_repository_files(given, plan())} == {
        f".repository/{path}" for path in WANTED
    }
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    assert files.read_repository_files(submission(OriginKind.FOLDER, outside), plan()) == ()


def test_links_and_large_files_are_left_out(tmp_path, monkeypatch):
    root = checkout(tmp_path / "repo")
    (tmp_path / "secret.py").write_text("secret")
    (root / "trainer.py").unlink()
    (root / "trainer.py").symlink_to(tmp_path / "secret.py")
    given = submission(OriginKind.FOLDER, root / "records/track/mine")
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 3)
    found = {path for path, _ in files.read_repository_files(given, plan())}
    assert found == {".repository/data/tables/t.json"}


def test_a_source_that_is_no_python_names_nothing(committed):
    assert files.read_repository_files(committed, plan(b"def (")) == ()
