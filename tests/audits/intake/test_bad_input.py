"""Bad input ends in a problem or in one line with a hint: no traceback, no silent pass."""

from __future__ import annotations

import base64
import json
import os
import time
import zlib

import pytest

from audits.errors import UserError
from audits.intake import NothingToAuditError, load
from audits.unpack import unpack

SCRIPT = "import torch\n\nif __name__ == '__main__':\n    print(torch.zeros(1))\n"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "records" / "track_10min_16mb" / "2026-04-01_Example"
    made.mkdir(parents=True)
    (made / "train_gpt.py").write_text(SCRIPT)
    (made / "README.md").write_text("# Example\n\n```bash\ntorchrun --nproc_per_node=8 train_gpt.py\n```\n")
    (made / "submission.json").write_text(json.dumps({"val_bpb": 1.1}))
    return made


def audit(folder):
    (submission,) = load(str(folder)).submissions
    return submission


def codes(submission):
    return {(problem.code, problem.path) for problem in submission.problems}


def test_a_sound_folder_has_no_problem(folder):
    submission = audit(folder)
    assert submission.problems == ()
    assert (submission.track, submission.folder) == ("track_10min_16mb", "2026-04-01_Example")
    assert submission.main_script == "train_gpt.py"
    assert [file.path for file in submission.files] == ["README.md", "submission.json", "train_gpt.py"]


@pytest.mark.parametrize(
    ("target", "options", "hint"),
    [
        ("no/such/folder", {}, "--repo"),
        (None, {}, "record folder"),
        (None, {"pr": 3}, "--repo DIR"),
        ("x" * 5000, {}, ""),
        ("a\0b", {}, ""),
        ("https://example.org/owner/name/issues/3", {}, "/pull/N"),
        ("folder", {"repo": "."}, "--folder"),
        (None, {"repo": "/no/such/repository", "pr": 1}, "clone"),
    ],
)
def test_mistakes_of_the_user_are_one_line_with_a_hint(target, options, hint):
    with pytest.raises(UserError) as caught:
        load(target, **options)
    assert "\n" not in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint


def test_empty_folder(tmp_path):
    with pytest.raises(NothingToAuditError, match="is empty"):
        load(str(tmp_path))


def test_file_that_is_no_script(folder):
    with pytest.raises(UserError, match="not a Python script"):
        load(str(folder / "README.md"))


def test_repository_is_not_a_record_folder(folder):
    with pytest.raises(UserError) as caught:
        load(str(folder.parents[2]))
    assert "--pr" in caught.value.hint


def test_empty_script_beside_the_real_one(folder):
    (folder / "train_gpt.py").write_bytes(b"")
    (folder / "train_gpt_mlx.py").write_text(SCRIPT)
    submission = audit(folder)
    assert submission.main_script == "train_gpt_mlx.py"
    assert "train_gpt.py is empty" in submission.main_script_reason
    assert ("empty-script", "train_gpt.py") in codes(submission)


def test_only_an_empty_script(folder):
    (folder / "train_gpt.py").write_bytes(b"")
    submission = audit(folder)
    assert submission.main_script == "train_gpt.py"
    assert ("empty-script", "train_gpt.py") in codes(submission)
    assert unpack(submission).main.source == ""


def test_folder_without_scripts(folder):
    (folder / "train_gpt.py").unlink()
    submission = audit(folder)
    assert submission.main_script is None
    assert "no Python script" in submission.main_script_reason


def test_folder_name_with_spaces(folder):
    renamed = folder.with_name("2026-05-01_Gated XSA + more = 2.0")
    folder.rename(renamed)
    assert audit(renamed).folder == "2026-05-01_Gated XSA + more = 2.0"


def test_links_that_leave_the_folder_are_not_followed(folder, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path)
    (folder / "loop.txt").symlink_to("loop.txt")
    (folder / "copy.md").symlink_to("README.md")
    submission = audit(folder)
    assert {("symlink-escape", "out.txt"), ("symlink-escape", "up"), ("symlink-escape", "loop.txt")} == codes(
        submission
    )
    assert submission.file("out.txt").data == b""
    assert submission.file("out.txt").unread == "symlink-escape"
    assert submission.file("copy.md").data.startswith(b"# Example")
    assert not any(b"secret" in file.data for file in submission.files)


def test_byte_order_mark_and_foreign_encoding(folder):
    (folder / "train_gpt.py").write_bytes(b"\xef\xbb\xbf" + SCRIPT.encode())
    (folder / "helper.py").write_bytes("x = 'é'\n".encode("latin-1"))
    (folder / "notes.md").write_bytes("wide".encode("utf-16"))
    submission = audit(folder)
    assert codes(submission) == {
        ("byte-order-mark", "train_gpt.py"),
        ("bad-encoding", "helper.py"),
        ("bad-encoding", "notes.md"),
    }
    assert unpack(submission).main.source == SCRIPT


def test_three_gigabyte_log_is_read_at_both_ends_only(folder):
    path = folder / "train_seed42.log"
    with path.open("wb") as handle:
        handle.write(b"first line\n")
        handle.truncate(3 * 1024**3)
        handle.seek(3 * 1024**3 - 10)
        handle.write(b"last line\n")
    start = time.perf_counter()
    log = audit(folder).file("train_seed42.log")
    assert time.perf_counter() - start < 5
    assert log.size == 3 * 1024**3
    assert log.truncated or log.unread == "binary"
    assert len(log.data) <= 8 * 1024 * 1024 + 1


def test_long_text_log_keeps_head_and_tail(folder):
    line = b"step:1/100 train_loss:3.0\n"
    (folder / "train.log").write_bytes(b"head\n" + line * 400_000 + b"tail\n")
    submission = audit(folder)
    log = submission.file("train.log")
    assert log.data.startswith(b"head\n")
    assert log.data.endswith(b"tail\n")
    assert ("truncated-file", "train.log") in codes(submission)


def test_script_of_one_five_megabyte_line(folder):
    (folder / "train_gpt.py").write_text("x = [" + "1," * 2_500_000 + "]")
    submission = audit(folder)
    assert codes(submission) == {("long-line", "train_gpt.py")}
    assert unpack(submission).main is not None


def test_pipes_and_unreadable_files(folder):
    os.mkfifo(folder / "pipe.log")
    (folder / "locked.md").write_text("x")
    (folder / "locked.md").chmod(0)
    submission = audit(folder)
    assert submission.file("pipe.log").unread == "special-file"
    assert ("special-file", "pipe.log") in codes(submission)
    if os.geteuid() != 0:  # the superuser may read anything
        assert ("unreadable", "locked.md") in codes(submission)


def test_folders_nested_ten_thousand_deep(folder):
    here = os.getcwd()
    try:
        os.chdir(folder)
        for _ in range(10_000):
            os.mkdir("d")
            os.chdir("d")
        os.chdir(here)
        assert "too-deep" in {code for code, _ in codes(audit(folder))}
    finally:
        os.chdir(folder)
        while os.path.isdir("d"):
            os.chdir("d")
        while not os.path.samefile(".", folder):
            os.chdir("..")
            os.rmdir("d")
        os.chdir(here)


def test_deeply_nested_json_and_brackets(folder):
    (folder / "submission.json").write_text('{"run_command":' + "[" * 10_000 + "]" * 10_000 + "}")
    (folder / "train_gpt.py").write_text("x = " + "(" * 10_000 + ")" * 10_000 + "\nexec(x)\n")
    submission = audit(folder)
    assert submission.main_script == "train_gpt.py"
    assert unpack(submission).main is not None


def test_decompression_bomb(folder):
    bomb = base64.b85encode(zlib.compress(bytes(64 * 1024 * 1024), 9)).decode()
    (folder / "train_gpt.py").write_text(
        f"import zlib,base64\nexec(zlib.decompress(base64.b85decode({bomb!r})))\n"
    )
    assert {problem.code for problem in unpack(audit(folder)).problems} <= {"ratio-cap", "size-cap"}
    assert unpack(audit(folder)).problems


def test_binary_artifacts_are_weighed_but_not_read(folder):
    (folder / "final_model.int8.ptz").write_bytes(b"\x80\x04" * 5000)
    (folder / "weights").write_bytes(b"\0\1\2" * 100)
    submission = audit(folder)
    for name, size in (("final_model.int8.ptz", 10_000), ("weights", 300)):
        assert (submission.file(name).size, submission.file(name).unread) == (size, "binary")
        assert submission.file(name).data == b""


def test_more_files_than_are_read(folder):
    for index in range(300):
        (folder / f"note{index}.txt").write_text("x")
    submission = audit(folder)
    assert len(submission.files) == 303
    assert submission.file("train_gpt.py").data == SCRIPT.encode()
    assert sum(file.unread == "file-cap" for file in submission.files) == 47


def test_lone_script_brings_the_helpers_it_names(tmp_path):
    (tmp_path / "train_gpt.py").write_text("import helper\n" + SCRIPT)
    (tmp_path / "helper.py").write_text("import deeper\n")
    (tmp_path / "deeper.py").write_text("X = 1\n")
    (tmp_path / "diary.py").write_text("Y = 1\n")
    intake = load(str(tmp_path / "train_gpt.py"))
    (submission,) = intake.submissions
    assert [file.path for file in submission.files] == ["deeper.py", "helper.py", "train_gpt.py"]
    assert submission.main_script_reason == "named by the user"
    assert "lone script" in intake.notes[0]
