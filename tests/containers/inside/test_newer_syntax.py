"""f-strings of Python 3.12 mean the same after rewriting, on the same lines."""

import ast

import pytest

from containers.inside.source.pep701 import downgrade

NAMES = {"d": {"x": 3, "y": "ab"}, "w": 6, "v": 2.5, "words": ["a", "b"]}
CASES = [
    ('f"{d["x"]}"', "3"),
    ("f'{d['y']}-{v:.2f}'", "ab-2.50"),
    ('f"{d["x"]:>{w}}|"', "     3|"),
    ('f"{d["y"]!r:>{w}}"', "  'ab'"),
    ('f"{{literal}} {d["x"]}"', "{literal} 3"),
    ('f"{", ".join(words)}"', "a, b"),
    ('f"{"\\n".join(words)}"', "a\nb"),
    ('"a" f"{d["x"]}" "b"', "a3b"),
    ('f"{d["x"]=}"', 'd["x"]=3'),
    ('f"{f"{d["x"]}"}"', "3"),
    ('rf"\\d{d["x"]}"', "\\d3"),
    ('f"""{d["x"]}\n{v}"""', "3\n2.5"),
]


@pytest.mark.parametrize(("expression", "value"), CASES)
def test_a_rewritten_f_string_has_the_same_value(expression, value):
    source = f"result = {expression}\n"
    rewritten = downgrade(source)
    assert rewritten is not None
    assert rewritten.count("\n") == source.count("\n")
    names = dict(NAMES)
    exec(rewritten, names)
    assert names["result"] == value


def test_only_what_does_not_parse_is_touched():
    old = "a = f'{d[\"x\"]}'\n"
    assert downgrade(old) == old


def test_other_mistakes_are_not_hidden():
    assert downgrade("def f(:\n  pass\n") is None


def test_lines_keep_their_numbers():
    source = 'x = 1\ny = f"{d["x"]}"\nraise ValueError\n'
    tree = ast.parse(downgrade(source))
    assert [node.lineno for node in tree.body] == [1, 2, 3]
