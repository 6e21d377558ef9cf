"""Local helpers are layers of their own, named as the main script reaches them."""

from __future__ import annotations

import pytest

from audits.unpack import unpack
from tests.audits.builders import make_submission


def reached(main: str, **files: str):
    unpacked = unpack(make_submission({"train_gpt.py": main, **files}))
    return {
        layer.path: layer.module
        for layer in unpacked.layers
        if layer.executed and layer.path != "train_gpt.py"
    }


IMPORTS = {
    "plain": ("import helper\n", "helper.py", "helper"),
    "from": ("from helper import f as g\n", "helper.py", "helper"),
    "inside-a-function": ("def main():\n    from helper import f\n    f()\n", "helper.py", "helper"),
    "after-a-semicolon": ("import os;import helper\n", "helper.py", "helper"),
    "second-of-two": ("import os, helper as h\n", "helper.py", "helper"),
    "import-module": ('import importlib\nh = importlib.import_module("helper")\n', "helper.py", "helper"),
    "dunder-import": ('h = __import__("helper")\n', "helper.py", "helper"),
    "package-member": ("from pkg.core import f\n", "pkg/core.py", "pkg.core"),
    "member-of-package": ("from pkg import core\n", "pkg/core.py", "pkg.core"),
    "bracketed": ("from pkg import (\n    other,\n    core,\n)\n", "pkg/core.py", "pkg.core"),
    "search-path": ("import sys\nsys.path.insert(0, 'lib')\nimport helper\n", "lib/helper.py", "helper"),
    "second-interpreter": (
        'import subprocess, sys\nsubprocess.run([sys.executable, "score.py"])\n',
        "score.py",
        "score",
    ),
}


@pytest.mark.parametrize("name", sorted(IMPORTS))
def test_import_is_followed(name):
    main, path, module = IMPORTS[name]
    assert reached(main, **{path: "def f(): return 1\n"}) == {path: module}


def test_imports_are_followed_transitively_and_through_packages():
    files = {
        "pkg/__init__.py": "from .core import f\n",
        "pkg/core.py": "from . import tables\nfrom ..shared import g\n",
        "pkg/tables.py": "T = 1\n",
        "shared.py": "def g(): return 2\n",
        "unused.py": "import pkg\n",
    }
    assert reached("import pkg\n", **files) == {
        "pkg/__init__.py": "pkg",
        "pkg/core.py": "pkg.core",
        "pkg/tables.py": "pkg.tables",
        "shared.py": "shared",
    }


def test_folder_off_the_search_path_is_not_taken_for_a_module():
    # PR 1518 ships readable copies in a folder that nothing imports from.
    assert reached("import helper\n", **{"readable/helper.py": "X = 1\n"}) == {}


def test_name_without_an_import_reaches_nothing():
    assert reached("helper = 1\nprint(helper)\n", **{"helper.py": "X = 1\n"}) == {}


def test_native_files_and_strings():
    main = (
        "import ctypes, subprocess\nfrom torch.utils.cpp_extension import load_inline\n"
        'subprocess.run(["gcc", "-O2", "-shared", "state.c", "-o", "state.so"])\n'
        'SOURCE = """\n#include <torch/extension.h>\nint f(int a) { return a + 1; }\n"""\n'
        'KERNEL = r"""\n__global__ void add(float *a) { a[threadIdx.x] += 1.0f; }\n"""\n'
        'load_inline(name="ops", cpp_sources=[SOURCE], cuda_sources=[KERNEL])\n'
    )
    files = {
        "train_gpt.py": main,
        "state.c": "int g(void) { return 1; }\n",
        "spare.cu": "__global__ void h() {}\n",
    }
    layers = unpack(make_submission(files)).layers
    assert [(layer.path, layer.index, layer.language, layer.executed) for layer in layers] == [
        ("train_gpt.py", 0, "python", True),
        ("train_gpt.py", 1, "c", True),
        ("train_gpt.py", 2, "cuda", True),
        ("spare.cu", 0, "cuda", False),
        ("state.c", 0, "c", True),
    ]
    assert [layer.wrapper_line for layer in layers if layer.index] == [4, 8]
