"""The flat script: it runs, computes what the package computes, and is weighed exactly."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from reference_impl.artifact import bundle as bundling  # noqa: E402
from reference_impl.artifact.bundle import BundleError, SourceModule, find_clashes, rename_tokens  # noqa: E402
from reference_impl.artifact.command import main, script_of  # noqa: E402
from reference_impl.artifact.readings import minify, read_code  # noqa: E402
from reference_impl.train.run import run_training  # noqa: E402
from tests.reference_impl.small import make_config, make_dataset  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def script() -> str:
    return script_of(make_config())


def run_script(path: Path, folder: Path, out: str) -> str:
    environment = {
        **os.environ,
        "DATA_PATH": str(folder),
        "TOKENIZER_PATH": str(folder / "tokenizer.model"),
        "RUN_ID": str(folder / out),
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("PYTHONPATH", None)
    result = subprocess.run(
        [sys.executable, str(path)], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return re.findall(r"_exact (val_loss:\S+ val_bpb:\S+)", result.stdout)[0]


@pytest.mark.parametrize("form", ["source", "lzma"])
def test_the_script_computes_what_the_package_computes(form: str, script: str, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        result = run_training(make_config(), dataset, tmp_path / "package", 0)
    finally:
        torch.set_num_threads(threads)
    path = tmp_path / "train_gpt.py"
    path.write_text(next(r.text for r in read_code(script) if r.name == form), encoding="utf-8")
    printed = run_script(path, tmp_path, "flat")
    assert result.score is not None
    assert printed == f"val_loss:{result.score.val_loss:.8f} val_bpb:{result.score.val_bpb:.8f}"
    assert (tmp_path / "package" / "model.rgolf").read_bytes() == (
        tmp_path / "flat" / "model.rgolf"
    ).read_bytes()


def test_the_script_needs_nothing_of_the_package(script: str) -> None:
    imported = [n for n in ast.walk(ast.parse(script)) if isinstance(n, ast.ImportFrom | ast.Import)]
    names = {alias.name for n in imported for alias in n.names} | {getattr(n, "module", "") for n in imported}
    assert not [name for name in names if str(name).startswith("reference_impl")]
    bound = [n.name for n in ast.parse(script).body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    assert len(bound) == len(set(bound))


def test_readings_count_text_that_runs(script: str) -> None:
    readings = {reading.name: reading for reading in read_code(script)}
    sizes = {name: reading.code_bytes for name, reading in readings.items()}
    assert sizes["source"] == len(script.encode())
    assert sizes["brotli"] < sizes["lzma"] < sizes["minified"] < sizes["source"]
    for name in ("minified", "lzma", "brotli"):
        compile(readings[name].text, name, "exec")


def test_minifying_drops_words_and_keeps_the_program() -> None:
    source = '"""Doc."""\nclass A:\n    x: int = 1\n    """Field."""\n    def f(self):\n        """Doc."""\n'
    small = minify(source + "# remark\ny = 'kept'\n")
    assert "Doc" not in small
    assert "remark" not in small
    scope: dict[str, object] = {}
    exec(small, scope)
    assert scope["y"] == "kept"
    assert scope["A"]().f() is None  # type: ignore[operator]


def test_names_that_clash_are_told_apart() -> None:
    def module(name: str, text: str) -> SourceModule:
        return SourceModule(f"reference_impl.{name}", text, ast.parse(text))

    first = module("a", "LIMIT = 1\ndef _read():\n    return LIMIT\n")
    second = module("b", "LIMIT = 2\ndef _read(x):\n    return x.LIMIT + LIMIT\n")
    third = module("c", "from reference_impl.b import LIMIT\nz = dict(LIMIT=LIMIT)\n")
    renames = find_clashes([first, second, third])
    assert renames["reference_impl.a"] == {}
    assert renames["reference_impl.b"] == {"LIMIT": "B_LIMIT", "_read": "b_read"}
    changed = rename_tokens(second.text, renames["reference_impl.b"])
    assert changed == "B_LIMIT = 2\ndef b_read(x):\n    return x.LIMIT + B_LIMIT\n"
    assert (
        rename_tokens("z = dict(LIMIT=LIMIT)\n", renames["reference_impl.c"]) == "z = dict(LIMIT=B_LIMIT)\n"
    )


def test_an_import_that_cannot_be_joined_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from reference_impl.b import x as y\n")
    (tmp_path / "b.py").write_text("x = 1\n")
    (tmp_path / "c.py").write_text("from reference_impl import b\n")
    monkeypatch.setattr(bundling, "PACKAGE_DIR", tmp_path)
    for entry in ("reference_impl.a", "reference_impl.c"):
        with pytest.raises(BundleError):
            bundling.bundle([entry], make_config(), "main")


def test_pack_prints_the_bytes_and_refuses_what_is_over(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "train_gpt.py"
    assert main(["--preset", "micro", "--output", str(path)]) == 0
    printed = capsys.readouterr().out
    assert f"source: code {path.stat().st_size} + model 0" in printed
    assert main(["--preset", "micro", "--set", "quant.cap_bytes=9000"]) == 3
    assert "bytes over the cap" in capsys.readouterr().out
