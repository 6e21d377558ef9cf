"""The tag of the image follows its inputs, and nothing else."""

from __future__ import annotations

import pytest

from containers.image import inputs


def test_same_inputs_same_tag():
    assert inputs.read_inputs() == inputs.read_inputs()


def test_another_base_is_another_image():
    first, second = inputs.read_inputs("python:3.12-slim"), inputs.read_inputs("python:3.13-slim")
    assert first.packages_tag != second.packages_tag
    assert first.tag != second.tag


@pytest.fixture
def copied(tmp_path, monkeypatch):
    for name in ("Dockerfile", "inside.Dockerfile", "requirements.txt", "bookworm.txt"):
        (tmp_path / name).write_bytes((inputs.HERE / name).read_bytes())
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "code.py").write_text("one = 1\n")
    monkeypatch.setattr(inputs, "HERE", tmp_path)
    monkeypatch.setattr(inputs, "INSIDE", inside)
    return tmp_path


@pytest.mark.parametrize("name", ["Dockerfile", "requirements.txt", "bookworm.txt"])
def test_packages_follow_their_files(copied, name):
    before = inputs.read_inputs()
    (copied / name).write_text("another\n")
    assert inputs.read_inputs().packages_digest != before.packages_digest


@pytest.mark.parametrize("name", ["inside/code.py", "inside/more.py", "inside.Dockerfile"])
def test_our_code_is_no_reason_to_install_packages_again(copied, name):
    before = inputs.read_inputs()
    (copied / name).write_text("two = 2\n")
    after = inputs.read_inputs()
    assert after.tag != before.tag
    assert after.packages_tag == before.packages_tag


def test_bytecode_is_no_input(copied):
    before = inputs.read_inputs()
    (copied / "inside" / "__pycache__").mkdir()
    (copied / "inside" / "__pycache__" / "code.pyc").write_bytes(b"\0")
    assert inputs.read_inputs() == before


def test_every_package_is_pinned():
    lines = (inputs.HERE / "requirements.txt").read_text().splitlines()
    names = [line.split("==")[0] for line in lines if line and not line.startswith("#")]
    assert {"torch", "numpy", "sentencepiece", "zstandard", "brotli", "tqdm", "huggingface-hub"} <= set(names)
    assert {"tiktoken", "kernels", "mlx", "mlx-cpu", "triton", "libcst"} <= set(names)
    assert all("==" in line for line in lines if line and not line.startswith("#"))
