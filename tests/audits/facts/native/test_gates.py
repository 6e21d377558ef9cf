"""Predictions that are made for every token alike, and those that are made knowing its class."""

from __future__ import annotations

import ast

import pytest

from audits.facts.code.modules import ParsedModule
from audits.facts.layer import Layer
from audits.facts.native import NativeFacts, read_native

C = """\
typedef struct {{ unsigned short top; unsigned short hits; }} Slot;
typedef struct {{ Slot *slots; unsigned long hash; int length; }} State;
{helpers}
void run(State *st, const unsigned short *tokens, long n, const unsigned char *starts, unsigned short *out) {{
    for (long i = 0; i < n; ++i) {{
        unsigned short tok = tokens[i];
{body}
        st->slots[st->hash & 255].top = tok;
        st->hash = st->hash * 31 + tok;
    }}
}}
"""
ALWAYS = "out[i] = st->slots[st->hash & 255].top;"
GATED = "if (starts[tok]) { " + ALWAYS + " } else { out[i] = 0; }"
BEFORE = "if (i > 0 && starts[tokens[i - 1]]) { " + ALWAYS + " }"
EARLY = "if (starts[tok]) continue;\n" + ALWAYS
BY_FLAG = "int ok = 0; if (starts[tok]) ok = 1;\nif (ok) { " + ALWAYS + " }"
CHOSEN = "out[i] = starts[tok] ? st->slots[st->hash & 255].top : 0;"
SIZES = "out[i] = starts[tok] ? starts[tok] + 1 : 0;"
HELPER = """\
void look(State *st, int open, unsigned short &hint) {
    if (!open) { hint = 0; return; }
    hint = st->slots[st->hash & 255].top;
}
"""
THROUGH = "unsigned short hint; look(st, starts[tok], hint);\nout[i] = hint;"
THROUGH_BEFORE = "unsigned short hint; look(st, i > 0 ? starts[tokens[i - 1]] : 0, hint);\nout[i] = hint;"


def read(body: str, helpers: str = "") -> NativeFacts:
    return read_native((Layer("k.cpp", 0, C.format(body=body, helpers=helpers), language="c"),))


@pytest.mark.parametrize(
    ("body", "helpers"),
    [(GATED, ""), (EARLY, ""), (BY_FLAG, ""), (CHOSEN, ""), (THROUGH, HELPER)],
    ids=["condition", "early continue", "flag", "choice", "helper with a reference"],
)
def test_gated(body: str, helpers: str) -> None:
    seen = read(body, helpers)
    assert [(hint.function, hint.output) for hint in seen.gated] == [("run", "out")]
    (function,) = (entry for entry in seen.functions if entry.name == "run")
    assert function.gated == (4,)


@pytest.mark.parametrize(
    ("body", "helpers"),
    [(ALWAYS, ""), (BEFORE, ""), (SIZES, ""), (THROUGH_BEFORE, HELPER)],
    ids=["always", "token before", "sizes of tokens", "helper, token before"],
)
def test_not_gated(body: str, helpers: str) -> None:
    assert not read(body, helpers).gated


PYTHON = """\
def hints(tokens, starts, table):
    out = [0] * len(tokens)
    words = ()
    for i, raw in enumerate(tokens):
        token = int(raw)
        {lines}
        table[words] = token
        words = (*words[-2:], token)
    return out


print(hints([1, 2], {{}}, {{}}))
"""


@pytest.mark.parametrize(
    ("lines", "gated"),
    [
        ("if starts[token]: out[i] = table.get(words)", True),
        ("if not starts[token]: words = ()\n        if words: out[i] = table.get(words)", True),
        ("out[i] = table.get(words)", False),
        ("if i and starts[tokens[i - 1]]: out[i] = table.get(words)", False),
        ("table[words] = token\n        if starts[token]: out[i] = table.get(words)", False),
        ("if starts[token]: out[i] = len(str(token))", False),
    ],
    ids=["class", "reset by class", "always", "token before", "already learned", "about the token"],
)
def test_python(lines: str, gated: bool) -> None:
    code = PYTHON.format(lines=lines)
    module = ParsedModule(Layer("train_gpt.py", 0, code), ast.parse(code), True)
    assert bool(read_native((), (module,)).gated) is gated


@pytest.mark.parametrize("source", ["", "}{" * 500, "(" * 3000, "int f(", "\x00\x01", "for(;;)" * 400])
def test_broken_c_is_read(source: str) -> None:
    assert read_native((Layer("k.c", 0, source, language="c"),)).gated == ()


LISTED = """\
void match(const int *ids, long n, std::vector<int> &head, std::vector<int> &at, std::vector<int> &next) {{
    for (int t = 0; t < n; t++) {{
        const int tok = ids[t];
        const int p = head[tok];
        if (p >= 0 && p + 1 < t) {{
            {listing}
        }}
        head[tok] = t;
    }}
}}
"""
CALLED = "import ext\n\ndef run(ids):\n    return ext.match(ids)\n\n{run}\n"


@pytest.mark.parametrize(
    ("listing", "run", "found"),
    [
        ("at.push_back(t); next.push_back(ids[p + 1]);", "run([1])", 1),
        ("next.push_back(ids[p + 1]);", "run([1])", 0),
        ("at.push_back(t); next.push_back(1);", "run([1])", 0),
        ("at.push_back(t); next.push_back(ids[p + 1]);", "", 0),
    ],
    ids=["called", "no position", "nothing looked up", "never called"],
)
def test_predictions_listed_with_their_positions(listing: str, run: str, found: int) -> None:
    """#1518: continuations of earlier matches are listed; the caller mixes them into whole rows."""
    layer = Layer("main.py", 0, CALLED.format(run=run), language="python")
    module = ParsedModule(layer, ast.parse(layer.source), True)
    native = Layer("k.cpp", 0, LISTED.format(listing=listing), language="cpp")
    seen = read_native((native,), (module,))
    assert len(seen.compiled_predictors) == found
    assert seen.gated == ()
