"""The script to judge is the one a reviewer would open."""

from __future__ import annotations

import pytest

from audits.intake.main_script import choose_main_script
from audits.intake.run_command import read_run_commands
from audits.submission import SourceFile
from tests.audits.builders import make_file

GUARDED = "def main(): pass\nif __name__ == '__main__':\n    main()\n"


def choose(files: dict[str, str]):
    made = tuple(make_file(path, text) for path, text in files.items())
    return choose_main_script(made, read_run_commands(made))


CASES = {
    "usual": ({"train_gpt.py": "x = 1\n", "helper.py": GUARDED * 9}, "train_gpt.py"),
    "mlx": ({"train_gpt_mlx.py": "x = 1\n", "train_other.py": GUARDED}, "train_gpt_mlx.py"),
    "empty-torch-script": ({"train_gpt.py": "", "train_gpt_mlx.py": "x = 1\n"}, "train_gpt_mlx.py"),
    "empty-beside-real": ({"train_gpt.py": "", "train_big.py": GUARDED}, "train_big.py"),
    "stub-stays": ({"train_gpt.py": "exec(open('real.py').read())", "real.py": GUARDED}, "train_gpt.py"),
    "by-command": (
        {"README.md": "```\ntorchrun run_b.py\n```", "run_a.py": GUARDED * 5, "run_b.py": GUARDED},
        "run_b.py",
    ),
    "training-over-helpers": ({"prepare_data.py": GUARDED * 50, "train_hnet.py": GUARDED}, "train_hnet.py"),
    "largest-of-the-rest": ({"eval_a.py": GUARDED, "eval_b.py": GUARDED * 3}, "eval_b.py"),
    "below-the-folder": ({"code/train_gpt.py": GUARDED, "code/eval.py": GUARDED * 5}, "code/train_gpt.py"),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_choice(name):
    files, expected = CASES[name]
    path, reason = choose(files)
    assert path == expected
    assert reason


def test_no_script():
    assert choose({"README.md": "# x"}) == (None, "the folder holds no Python script")
    assert choose({"pkg/__init__.py": "x = 1\n"})[0] is None


def test_absent_script_is_named_all_the_same():
    absent = SourceFile("train_gpt.py", b"", -1, "0" * 40, absent=True)
    path, reason = choose_main_script((absent,), ())
    assert path == "train_gpt.py"
    assert "absent" in reason
