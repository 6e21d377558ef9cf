"""Documented commands are read without a shell, and the one behind the claim is found among them."""

from __future__ import annotations

import json
import time

import pytest

from audits.intake.headline import choose_headline
from audits.intake.run_command import read_run_commands
from tests.audits.builders import make_file


def commands(readme: str = "", **files: str):
    return read_run_commands(
        tuple(make_file(path, text) for path, text in {"README.md": readme, **files}.items())
    )


def only(readme: str):
    (command,) = commands(readme)
    return command


def fenced(body: str, info: str = "bash") -> str:
    return f"# Title\n\n```{info}\n{body}\n```\n"


TORCHRUN = "torchrun --nproc_per_node=8 train_gpt.py"
AB = {"A": "1", "B": "2"}
SHAPES = {
    "environment-in-front": (fenced(f"A=1 B=2 {TORCHRUN}"), AB, 8),
    "continuations": (fenced(f"A=1 \\\nB=2 \\\n  {TORCHRUN}"), AB, 8),
    "comment-in-a-continuation": (fenced(f"A=1 \\\n# why\nB=2 \\\n{TORCHRUN}"), AB, 8),
    "exports-before": (
        fenced(f"export A=1\nexport B='x y' C=3\n{TORCHRUN}"),
        {"A": "1", "B": "x y", "C": "3"},
        8,
    ),
    "option-and-value-apart": (fenced("torchrun --standalone --nproc-per-node 4 train_gpt.py"), {}, 4),
    "env-prefix": (fenced("env A=1 B=2 python3 train_gpt.py"), AB, None),
    "module-launcher": (
        fenced("A=1 python3 -u -m torch.distributed.run --nproc_per_node=8 train_gpt.py"),
        {"A": "1"},
        8,
    ),
    "accelerate": (fenced("accelerate launch --num_processes 2 train_gpt.py --x 1"), {}, 2),
    "nohup-and-redirect": (fenced(f"A=1 nohup {TORCHRUN} > log 2>&1 &"), {"A": "1"}, 8),
    "srun": (fenced(f"srun --ntasks 1 {TORCHRUN}"), {}, 8),
    "after-cd": (fenced("cd records/x && A=1 python train_gpt.py"), {"A": "1"}, None),
    "loop-over-seeds": (fenced(f"for SEED in 42 7 9; do\n  SEED=$SEED {TORCHRUN}\ndone"), {"SEED": "42"}, 8),
    "default-of-a-variable": (
        fenced('N="${GPUS:-8}"\nA=${B:-${C:-5}} torchrun --nproc_per_node=$N train_gpt.py'),
        {"N": "8", "A": "5"},
        8,
    ),
    "powershell": (fenced('$env:A="1"\n$env:B="2"\npython train_gpt.py', "powershell"), AB, None),
    "prompt": (fenced("$ A=1 python train_gpt.py  # trains", "console"), {"A": "1"}, None),
    "indented-block": ("# T\n\nRun:\n\n    A=1 python train_gpt.py\n", {"A": "1"}, None),
    "inline": (f"# T\n\nRun `A=1 {TORCHRUN}` here.\n", {"A": "1"}, 8),
    "bare-line": (f"# T\n\nA=1 {TORCHRUN}\n", {"A": "1"}, 8),
    "unbalanced-quote": (fenced(f"A=1 {TORCHRUN} --note 'it"), {"A": "1"}, 8),
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_shape(name):
    readme, env, nproc = SHAPES[name]
    command = only(readme)
    assert dict(command.env) == env
    assert command.script == "train_gpt.py"
    assert command.nproc == nproc


def test_where_and_under_what_a_command_stands():
    command = only(
        "# Record\n\n## Reproduce\n\nAll seeds:\n\n```bash\n# seed 42\nA=1  python  train_gpt.py\n```\n"
    )
    assert (command.path, command.line) == ("README.md", 9)
    assert command.text == "A=1 python train_gpt.py"
    assert command.label == "Record / Reproduce / All seeds: / seed 42"


@pytest.mark.parametrize(
    "readme",
    [
        "| Variable | Value |\n|---|---|\n| `A` | 1 |\n",
        fenced("pip install torch\ngit clone x\necho python train_gpt.py"),
        fenced("import torch\npython = 3\n", "python"),
        fenced('{"command": "python train_gpt.py"}', "json"),
        fenced("python3 -c 'import train_gpt'"),
        fenced("cat <<EOF > x\npython train_gpt.py\nEOF"),
        "",
    ],
)
def test_what_is_no_command(readme):
    assert commands(readme) == ()


def test_run_scripts_and_submission_json_are_read_too():
    found = commands(
        "",
        **{
            "run.sh": "#!/bin/bash\nset -e\nexport A=${A:-3}\ntorchrun --nproc_per_node=8 train_gpt.py\n",
            "submission.json": json.dumps(
                {"name": "x", "run": {"command": "B=2 python train_gpt.py"}}, indent=1
            ),
        },
    )
    assert [(item.path, dict(item.env), item.line) for item in found] == [
        ("submission.json", {"B": "2"}, 4),
        ("run.sh", {"A": "3"}, 4),
    ]


def headline_of(readme: str, main: str = "train_gpt.py", **files: str):
    made = tuple(make_file(path, text) for path, text in {"README.md": readme, main: "x", **files}.items())
    return choose_headline(read_run_commands(made), main, made)


def section(title: str, body: str) -> str:
    return f"## {title}\n\n```bash\n{body}\n```\n\n"


RUN = "torchrun --standalone --nproc_per_node=8 train_gpt.py"
HEADLINES = {
    "reproduce-over-ablation": section("Ablation", f"A=1 B=1 C=1 {RUN}") + section("Reproduce", f"A=2 {RUN}"),
    "run-over-smoke": section("Smoke test", f"A=1 {RUN}") + section("Run command", f"A=2 {RUN}"),
    "full-over-baseline": section("Baseline", RUN) + section("Training", f"A=2 {RUN}"),
    "eight-over-one": section("Run", f"A=1 {RUN.replace('=8', '=1')}") + section("Run", f"A=2 {RUN}"),
    "main-over-data": section("Run", f"A=1 python prepare_data.py\nA=2 {RUN}"),
    "long-over-short": section("Run", f"A=1 B=1 C=1 ITERATIONS=50 {RUN}") + section("Run", f"A=2 {RUN}"),
    "first-of-equals": section("Run", f"A=2 {RUN}\nA=3 {RUN}"),
    "claimed-over-switched-off": section("Reproduce", f"A=2 {RUN}")
    + "Disable the cache (base model only):\n\n```bash\nA=0 B=1 "
    + RUN
    + "\n```\n",  # #802
    "fuller-of-two": section("Run", f"A=1 {RUN}") + section("Run", f"A=2 B=1 C=1 {RUN}"),
}


@pytest.mark.parametrize("name", sorted(HEADLINES))
def test_headline(name):
    assert dict(headline_of("# Record\n\n" + HEADLINES[name]).env)["A"] == "2"


def test_headline_looks_into_the_run_script_that_the_readme_calls():
    script = "export B=2\ntorchrun --nproc_per_node=8 train_gpt.py\n"
    command = headline_of("# R\n\n## Reproduce\n\n```bash\nA=1 bash run.sh\n```\n", **{"run.sh": script})
    assert dict(command.env) == {"A": "1", "B": "2"}
    assert (command.path, command.line) == ("run.sh", 2)


def test_command_of_a_renamed_script_still_counts():
    assert headline_of(section("Run", "A=2 torchrun train_best.py")).script == "train_best.py"
    assert headline_of(section("Run", "A=2 python download_data.py")) is None


HOSTILE = {
    "one-long-line": "```\n" + "A=1 " * 500_000 + "python train_gpt.py\n```",
    "many-quotes": "```\npython " + "'\"" * 200_000 + "\n```",
    "many-fences": "```\n" * 100_000,
    "many-commands": "```\n" + "python train_gpt.py\n" * 50_000 + "```",
    "many-backticks": "`" * 300_000,
    "nested-defaults": "```\nA=" + "${B:-" * 3000 + "}" * 3000 + " python train_gpt.py\n```",
    "growing-variables": "```\nA=xxxxxxxx\n" + "A=$A$A$A$A\n" * 50 + "python train_gpt.py\n```",
    "endless-continuation": "```\n" + "A=1 \\\n" * 100_000 + "```",
    "capitals": "A" * 400_000,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_readme_is_read_in_time(name):
    start = time.perf_counter()
    found = commands(HOSTILE[name])
    assert time.perf_counter() - start < 3
    assert len(found) <= 200
    assert all(len(value) < 100_000 for item in found for _, value in item.env)
