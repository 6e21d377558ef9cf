"""Whatever a script says, unpacking ends, without an exception and soon."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from audits.unpack import unpack
from tests.audits.builders import make_submission
from tests.audits.unpack.test_unpacking import PACKED, SIBLINGS

WRAPPERS = sorted([*PACKED.values(), *SIBLINGS.values()])
VALUES = st.sampled_from(
    r"""a b 1 -1 0 2.5 1e999 'x' "\ud800" b'\xff' '' None True [] () {} [1,'a'] {'k':'v'} open
    globals() __file__ b'a=1' 'a=1' __import__('zlib') float('nan') 10**9 range(5) print ...
    (lambda:a)""".split()
)
CALLS = st.sampled_from(
    r"""replace split join encode decode format strip translate hex zfill find append pop items get
    update read write read_text write_bytes with_suffix joinpath parent parents name loader
    exec_module decompress __dict__""".split()
)
FUNCTIONS = st.sampled_from(
    r"""exec eval compile open str bytes list dict zip map len chr ord int range reversed enumerate
    getattr vars base64.b85decode base64.b64decode zlib.decompress lzma.decompress bytes.fromhex
    codecs.decode pathlib.Path os.path.join runpy.run_path json.loads types.ModuleType
    importlib.util.spec_from_file_location textwrap.dedent subprocess.run
    zstandard.ZstdDecompressor().decompress brotli.decompress gzip.open tempfile.mkdtemp""".split()
)
OPERATORS = st.sampled_from("+ - * / // % | ** << and or".split())


def combine(inner):
    arguments = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("{}({})".format, FUNCTIONS, arguments),
        st.builds("({}).{}({})".format, inner, CALLS, arguments),
        st.builds("({}).{}".format, inner, CALLS),
        st.builds("({} {} {})".format, inner, OPERATORS, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("({})[{}:{}:{}]".format, inner, inner, inner, inner),
        st.builds("[{} for a in {} if {}]".format, inner, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds('f"{{{}}}z"'.format, st.sampled_from(["a", "b", "a!r", "a:>9", "1"])),
    )


EXPRESSIONS = st.recursive(VALUES, combine, max_leaves=6)
STATEMENTS = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(["a", "b", "a, b", "[a, *b]", "a[b]"]), EXPRESSIONS),
    st.builds("a += {}".format, EXPRESSIONS),
    st.builds("exec({})".format, EXPRESSIONS),
    st.builds("for a in {}:\n    exec(a)".format, EXPRESSIONS),
    st.builds("while {}:\n    b = {}".format, EXPRESSIONS, EXPRESSIONS),
    st.builds("with open({}, 'w') as b:\n    b.write({})".format, EXPRESSIONS, EXPRESSIONS),
    st.builds("def f(a, *b, c={}):\n    exec(a)\n    return f({})".format, EXPRESSIONS, EXPRESSIONS),
    st.builds("f({})".format, EXPRESSIONS),
    st.builds("if {}:\n    b = 1\nelse:\n    exec(b)".format, EXPRESSIONS),
)


def check(script: str | bytes) -> None:
    start = time.perf_counter()
    unpacked = unpack(make_submission({"train_gpt.py": script, "real.py": "x = 1\n"}))
    assert time.perf_counter() - start < 5
    assert unpacked.main is not None
    for layer in unpacked.layers:
        layer.source.encode()


@settings(max_examples=150, deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=8))
def test_any_program_of_unpacking_idioms(statements):
    check("import base64, zlib, lzma, os, runpy, codecs\n" + "\n".join(statements) + "\nexec(a)\n")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WRAPPERS), st.data())
def test_any_damage_to_a_wrapper(wrapper, data):
    raw = bytearray(wrapper.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        kind = data.draw(st.integers(0, 2))
        if kind == 0:
            raw[at] = data.draw(st.integers(0, 255))
        elif kind == 1:
            del raw[at : at + data.draw(st.integers(1, 20))]
        else:
            raw[at:at] = raw[: data.draw(st.integers(1, 40))]
        if not raw:
            break
    check(bytes(raw) or b"\n")
