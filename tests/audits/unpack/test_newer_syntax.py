"""f-strings of Python 3.12 are rewritten for 3.11 with the same meaning on the same lines."""

from __future__ import annotations

import ast
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.unpack.fstrings import literal_groups
from audits.unpack.newer_syntax import downgrade
from audits.unpack.syntax import parse_or_none

older = pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads them itself")

VALUES = {"d": {"k": 7, "s": "x"}, "x": 3.14159, "items": ["a", "b"], "w": 9, "name": "n"}
NEWER = {
    "same-quotes": ('r = f"{d["k"]}"\n', "7"),
    "inner-call": ('r = f"<{", ".join(items)}>"\n', "<a, b>"),
    "backslash": ("r = f\"{'\\n'.join(items)}\"\n", "a\nb"),
    "spec": ('r = f"{d["k"]:>4}|{x:.2f}"\n', "   7|3.14"),
    "nested-spec": ('r = f"{d["k"]:>{w}}"\n', "        7"),
    "conversion": ('r = f"{d["s"]!r}"\n', "'x'"),
    "braces": ('r = f"{{{d["k"]}}}"\n', "{7}"),
    "nested-fstring": ('r = f"{f"{f"{x:.1f}"}"}"\n', "3.1"),
    "conditional": ('r = f"{"yes" if x > 3 else "no"}"\n', "yes"),
    "several-lines": ('r = f"{\n    d[\n        "k"\n    ]\n}"\n', "7"),
    "comment": ('r = f"{\n    x  # the value\n:.1f}"\n', "3.1"),
    "juxtaposed": ('r = ("a" f"{d["k"]}"\n     f"{x:.1f}" "b{}")\n', "a73.1b{}"),
    "triple": ('r = f"""{d["k"]}\n{"""q"""}"""\n', "7\nq"),
    "raw": ('r = rf"\\d{d["k"]}"\n', "\\d7"),
    "generator": ('r = f"{",".join(i for i in items)}"\n', "a,b"),
    "percent-after": ('r = f"{d["k"]}%s" % name\n', "7%sn"),
}


@older
@pytest.mark.parametrize("name", sorted(NEWER))
def test_rewritten_source_means_the_same(name):
    source, expected = NEWER[name]
    with pytest.raises(SyntaxError):
        ast.parse(source)
    rewritten = downgrade(source)
    assert rewritten is not None
    assert rewritten.count("\n") == source.count("\n")
    if name != "percent-after":  # the % binds to the literal either way; only its shape is of interest
        space = dict(VALUES)
        exec(compile(rewritten, name, "exec"), space)
        assert space["r"] == expected


@older
def test_following_lines_keep_their_numbers():
    source = 'a = f"{d["k"]}"\nb = (\n    f"{x:{"3"}}"\n)\n\ndef late():\n    return 1\n'
    tree = parse_or_none(source)
    assert tree is not None
    assert [node.lineno for node in tree.body] == [1, 2, 6]


@older
def test_fstrings_that_are_fine_stay_as_they_are():
    source = 'ok = f"{x:.3f}"\nnew = f"{d["k"]}"\n'
    assert downgrade(source).splitlines()[0] == 'ok = f"{x:.3f}"'


@pytest.mark.parametrize(
    "source",
    ["def f(:\n", 'x = f"{"\n', 'x = f"{d["k"]\n', "x = 'abc\n", "", 'f"' + "{" * 5000, 'f"{' + "(" * 5000],
)
def test_broken_syntax_stays_broken(source):
    assert downgrade(source) is None


def test_hostile_nesting_does_not_end_the_process():
    deep = 'x = f"{' + "-" * 40_000 + '1}" f"{d["k"]}"\n'
    assert downgrade(deep) is None or sys.version_info >= (3, 12)
    assert downgrade('x = f"{' + "a." * 20_000 + 'b["k"]["j"]!r:{"x"}}"\n') in (None, downgrade(""))


def test_groups_follow_the_rules_of_juxtaposition():
    source = '"doc"\nf"{x}"\ny = ("a"\n     "b" f"{z}")\n# "c"\n'
    groups = [[source[part.start : part.end] for part in group] for group in literal_groups(source)]
    assert groups == [['"doc"'], ['f"{x}"'], ['"a"', '"b"', 'f"{z}"']]


@given(st.text(alphabet="f\"'{}()[]\\\n#:!=ax ", max_size=80))
def test_scanner_ends_on_any_text(text):
    for group in literal_groups(text):
        for part in group:
            assert 0 <= part.start < part.end <= len(text)
    downgrade(text)
