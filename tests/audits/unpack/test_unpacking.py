"""Every way of packing code that real submissions use, written anew in a few lines each."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import zlib

import brotli
import pytest
import zstandard

from audits.unpack import unpack
from tests.audits.builders import make_submission

INNER = "import torch\n\ndef train():\n    return torch.zeros(1)\n\ntrain()\n"
RAW_FILTERS = [{"id": lzma.FILTER_LZMA2}]


def b85(data: bytes) -> str:
    return base64.b85encode(data).decode()


def xz(text: str = INNER) -> str:
    return b85(lzma.compress(text.encode()))


def raw_lzma(text: str = INNER) -> str:
    return b85(lzma.compress(text.encode(), format=lzma.FORMAT_RAW, filters=RAW_FILTERS))


def only_main(script: str, **files: str | bytes):
    return unpack(make_submission({"train_gpt.py": script, **files}))


PACKED = {
    "xz": f'import lzma,base64\nexec(lzma.decompress(base64.b85decode("{xz()}")))\n',
    "minified-imports": f"import lzma as L,base64 as B\nexec(L.decompress(B.b85decode('{xz()}')))",
    "raw-filters": (
        f'import lzma as L,base64 as B\nexec(L.decompress(B.b85decode("{raw_lzma()}"),'
        'format=L.FORMAT_RAW,filters=[{"id":L.FILTER_LZMA2}]))'
    ),
    "alone": (
        "import lzma,base64\nexec(lzma.decompress(base64.b64decode("
        f'"{base64.b64encode(lzma.compress(INNER.encode(), format=lzma.FORMAT_ALONE)).decode()}")))'
    ),
    "zlib-from-imports": (
        "from base64 import b85decode as d\nfrom zlib import decompress\n"
        f'exec(decompress(d("{b85(zlib.compress(INNER.encode()))}")).decode())'
    ),
    "gzip-hex": (
        f'import gzip\nexec(gzip.decompress(bytes.fromhex("{gzip.compress(INNER.encode()).hex()}")))'
    ),
    "bz2-ascii85": (
        "import bz2,base64\nexec(bz2.decompress(base64.a85decode("
        f"{base64.a85encode(bz2.compress(INNER.encode())).decode()!r})))"
    ),
    "brotli": (
        "import brotli as B,base64 as b\n"
        f'exec(B.decompress(b.b85decode("{b85(brotli.compress(INNER.encode()))}")))'
    ),
    "zstd": (
        "import zstandard,base64\nexec(zstandard.ZstdDecompressor().decompress(base64.b85decode("
        f'"{b85(zstandard.compress(INNER.encode()))}")))'
    ),
    "adjacent-literals": (  # PR 1334
        f'import lzma,base64\nexec(lzma.decompress(base64.b85decode("{xz()[:40]}""{xz()[40:]}")))'
    ),
    "added-literals": (
        f'import lzma,base64\nP="{xz()[:40]}"\nP+="{xz()[40:60]}"\n'
        f'exec(lzma.decompress(base64.b85decode(P+"{xz()[60:]}")))'
    ),
    "joined-list": (
        f'import lzma,base64\nparts=["{xz()[:30]}",\n"{xz()[30:]}"]\n'
        'exec(compile(lzma.decompress(base64.b85decode("".join(parts))),"train_gpt.py","exec"))'
    ),
    "helper-function": (
        "import zlib,base64\ndef undo(text):\n    return zlib.decompress(base64.b85decode(text)).decode()\n"
        f'exec(undo("{b85(zlib.compress(INNER.encode()))}"))'
    ),
    "main-guard": (
        "import zlib,base64\ndef main():\n"
        f'    code = zlib.decompress(base64.b85decode("{b85(zlib.compress(INNER.encode()))}"))\n'
        "    exec(code, globals())\nif __name__ == '__main__':\n    main()\n"
    ),
    "reversed-and-replaced": (
        f'import lzma,base64\nexec(lzma.decompress(base64.b85decode({xz()[::-1]!r}[::-1].replace("\\n",""))))'
    ),
    "decompressor-object": (
        f'import lzma,base64\nexec(lzma.LZMADecompressor().decompress(base64.b85decode("{xz()}")))'
    ),
    "dunder-import": (
        f'exec(__import__("lzma").decompress(getattr(__import__("base64"),"b85decode")("{xz()}")))'
    ),
    "written-then-run": (  # PR 1570
        f'import lzma,base64,os,runpy\nc=lzma.decompress(base64.b85decode("{xz()}"))\n'
        'd=os.path.join(os.path.dirname(os.path.abspath(__file__)),"_t.py")\n'
        'with open(d,"wb") as f:f.write(c)\nrunpy.run_path(d,run_name="__main__")'
    ),
    "written-then-loaded": (  # PR 1540
        "import lzma,base64,os,sys,importlib.util as iu\n"
        f'c=lzma.decompress(base64.b85decode("{xz()}"))\np="/somewhere/inner.py"\n'
        'if not os.path.exists(p):\n with open(p,"wb") as f:f.write(c)\n'
        's=iu.spec_from_file_location("__main__",p)\nm=iu.module_from_spec(s)\ns.loader.exec_module(m)'
    ),
    "pathlib-written": (
        f'import lzma,base64,runpy\nfrom pathlib import Path\nq=Path("/x")/"y.py"\n'
        f'q.write_bytes(lzma.decompress(base64.b85decode("{xz()}")))\nrunpy.run_path(str(q))'
    ),
}


@pytest.mark.parametrize("name", sorted(PACKED))
def test_executed_payload_becomes_the_effective_main(name):
    unpacked = only_main(PACKED[name])
    assert unpacked.problems == ()
    assert unpacked.main is not None
    assert unpacked.main.source == INNER
    assert (unpacked.main.path, unpacked.main.index) == ("train_gpt.py", 1)
    assert unpacked.main.executed
    assert unpacked.main.module is None
    assert [layer.index for layer in unpacked.layers] == [0, 1]


def test_encodings_are_outermost_first_and_the_wrapper_line_is_the_literal():
    main = only_main(f'import lzma,base64\n\nP = "{xz()}"\nexec(lzma.decompress(base64.b85decode(P)))\n').main
    assert main.encodings == ("base85", "lzma")
    assert main.wrapper_line == 3
    assert main.raw_bytes == len(xz())


def test_nested_wrappers_are_followed_to_the_innermost():
    inner = PACKED["xz"]
    outer = f'import zlib,base64\n\nexec(zlib.decompress(base64.b64decode("{_b64z(inner)}")))\n'
    unpacked = only_main(outer)
    assert [layer.encodings for layer in unpacked.layers] == [
        (),
        ("base64", "zlib"),
        ("base64", "zlib", "base85", "lzma"),
    ]
    assert unpacked.main.source == INNER
    assert unpacked.main.wrapper_line == 3


def test_nesting_beyond_the_cap_is_a_problem():
    script = INNER
    for _ in range(12):
        script = f'import zlib,base64\nexec(zlib.decompress(base64.b64decode("{_b64z(script)}")))\n'
    unpacked = only_main(script)
    assert [problem.code for problem in unpacked.problems] == ["too-deep"]


def _b64z(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode())).decode()


SIBLINGS = {
    "replace": 'exec(open(__file__.replace("train_gpt.py","real.py")).read())',  # PR 1412
    "joined": 'import os\nexec(open(os.path.join(os.path.dirname(__file__),"real.py")).read())',
    "pathlib": (
        "from pathlib import Path\nP = Path(__file__).resolve().parent / 'real.py'\n"
        "exec(compile(P.read_text(), str(P), 'exec'))"
    ),
    "with-name": "from pathlib import Path\nexec(Path(__file__).with_name('real.py').read_bytes())",
    "runpy": 'import runpy\nrunpy.run_path("./real.py", run_name="__main__")',
    "run-module": 'import runpy\nrunpy.run_module("real", run_name="__main__")',
    "record-path": 'import runpy\nrunpy.run_path("records/track_10min_16mb/2026-04-01_Example/real.py")',
}


@pytest.mark.parametrize("name", sorted(SIBLINGS))
def test_exec_of_a_sibling_makes_the_sibling_main(name):
    unpacked = only_main(SIBLINGS[name], **{"real.py": INNER})
    assert (unpacked.main.path, unpacked.main.index) == ("real.py", 0)
    assert unpacked.main.executed
    assert unpacked.problems == ()


def test_packed_sibling_is_decompressed():
    # PR 1420: the payload lies beside the starter, not in it.
    starter = (
        "import lzma, pathlib\n"
        "_s = lzma.decompress(pathlib.Path(__file__).with_suffix('.py.lzma').read_bytes())\n"
        "exec(compile(_s, __file__, 'exec'))\n"
    )
    unpacked = only_main(starter, **{"train_gpt.py.lzma": lzma.compress(INNER.encode())})
    assert unpacked.main.source == INNER
    assert unpacked.main.encodings == ("lzma",)
    assert unpacked.main.wrapper_line == 3


def test_json_bundle_in_a_sibling():
    # PR 1555: a compressed JSON object of file name to source.
    bundle = lzma.compress(
        json.dumps({"helper.py": "X = 1\n", "real.py": "import helper\n" + INNER}).encode()
    )
    starter = (
        "import lzma, json, os\n"
        'with open(os.path.join(os.path.dirname(__file__), "code.lzma"), "rb") as f:\n'
        "    bundle = json.loads(lzma.decompress(f.read()))\n"
        "for name, code in bundle.items():\n"
        '    with open(os.path.join(os.path.dirname(__file__), name), "w") as f:\n        f.write(code)\n'
        'exec(compile(bundle["real.py"], "real.py", "exec"))\n'
    )
    unpacked = only_main(starter, **{"code.lzma": bundle})
    assert unpacked.main.source.endswith(INNER)
    assert [name for name, _ in unpacked.modules] == ["helper"]


def test_bundle_split_on_a_separator():
    # PR 1518: one payload, several files, written to a new folder, of which the first is executed.
    files = [
        "import model\nmodel.train()\n" * 3,
        INNER,
        "#include <torch/extension.h>\nint f() { return 1; }\n",
    ]
    payload = b85(lzma.compress("\n# == NEXT ==\n".join(files).encode()))
    script = (
        "import lzma,base64,tempfile,os,sys\n"
        f'b=lzma.decompress(base64.b85decode("{payload}"))\n'
        'd=tempfile.mkdtemp(prefix="x_")\n'
        "for n,c in zip(['run.py','model.py','src/op.cpp'],b.decode().split('\\n# == NEXT ==\\n')):\n"
        " f=os.path.join(d,n);os.makedirs(os.path.dirname(f),exist_ok=True)\n"
        ' open(f,"w").write(c)\n'
        'sys.path.insert(0,d)\nexec(open(os.path.join(d,"run.py")).read())\n'
    )
    unpacked = only_main(script)
    by_index = {layer.index: layer for layer in unpacked.layers}
    assert unpacked.main.source == files[0]
    assert {layer.source: (layer.language, layer.module) for layer in by_index.values() if layer.index} == {
        files[0]: ("python", None),
        files[1]: ("python", "model"),
        files[2]: ("c", None),
    }
    assert all(layer.encodings == ("base85", "lzma") for layer in by_index.values() if layer.index)


def test_modules_made_at_run_time():
    # PR 2052: texts in a dictionary, each executed in a module of its own.
    script = (
        "import sys, types\n"
        "SOURCES = {'pkg.model': 'import torch\\nWIDTH = 4\\n', 'pkg.data': 'STEP = 2\\n'}\n"
        "for name, source in SOURCES.items():\n    module = types.ModuleType(name)\n"
        "    sys.modules[name] = module\n    exec(compile(source, name, 'exec'), module.__dict__)\n"
        "from pkg.model import WIDTH\n" + "print(WIDTH)\n" * 20
    )
    unpacked = only_main(script)
    assert [(name, layer.source) for name, layer in unpacked.modules] == [
        ("pkg.data", "STEP = 2\n"),
        ("pkg.model", "import torch\nWIDTH = 4\n"),
    ]
    assert unpacked.main.index == 0


def test_helper_packed_on_its_own_keeps_its_module_name():
    # PR 1576
    unpacked = only_main("import parts\nparts.train()\n", **{"parts.py": PACKED["xz"]})
    assert [(name, layer.index, layer.source) for name, layer in unpacked.modules] == [("parts", 1, INNER)]
    assert unpacked.main.path == "train_gpt.py"


def test_a_script_that_spells_a_wrapper_to_measure_itself_is_not_packed():
    # PRs 1854 and 1858 build a wrapper as text to know their packed size.
    script = INNER + (
        "import lzma, base64\n"
        "blob = base64.b85encode(lzma.compress(open(__file__,'rb').read())).decode()\n"
        'boot = f"import lzma,base64 as B;exec(lzma.decompress(B.b85decode({blob!r})))".encode()\n'
        "print(len(boot))\n"
    )
    unpacked = only_main(script)
    assert len(unpacked.layers) == 1
    assert unpacked.main.index == 0
    assert unpacked.problems == ()


def test_payload_that_is_decoded_but_not_executed():
    payload = b85(zlib.compress((INNER * 60).encode(), 0))
    unpacked = only_main(
        f'import zlib,base64\nTEXT = zlib.decompress(base64.b85decode("{payload}"))\n' + INNER
    )
    assert [(layer.index, layer.executed) for layer in unpacked.layers] == [(0, True), (1, False)]
    assert unpacked.main.index == 0


def test_text_known_only_at_run_time_is_a_problem():
    unpacked = only_main("import os\nexec(os.environ['CODE'])\n")
    assert [(p.code, p.location.start_line) for p in unpacked.problems] == [("undecoded-payload", 2)]


def test_broken_payload_is_a_problem():
    unpacked = only_main('import lzma,base64\nexec(lzma.decompress(base64.b85decode("{Wp48S^xk9")))\n')
    assert [p.code for p in unpacked.problems] == ["undecoded-payload"]
    assert unpacked.main.index == 0


def test_script_of_another_record_is_named():
    # PR 1764 starts the trainer of an earlier record.
    script = (
        "import runpy\nfrom pathlib import Path\nroot = Path(__file__).resolve().parents[3]\n"
        "runpy.run_path(str(root / 'records' / 'track_10min_16mb' / 'Older' / 'train_gpt.py'))\n"
    )
    (problem,) = only_main(script).problems
    assert problem.code == "outside-file"
    assert "records/track_10min_16mb/Older/train_gpt.py" in problem.message
