"""What waits for many tokens starts after few; sizes and other conditions stay."""

from __future__ import annotations

import ast

import pytest

from containers.inside.source import warmups


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if self.total_tokens < 10000:\n    pass", "if self.total_tokens < 2:\n    pass"),
        ("a = 1 if 50_000 <= n_seen else 2", "a = 1 if 12 <= n_seen else 2"),
        ("while tokens_scored > 4096:\n    pass", "while tokens_scored > 1:\n    pass"),
        ("if x and (self.seen >= 8192 or y):\n    pass", "if x and (self.seen >= 2 or y):\n    pass"),
    ],
)
def test_a_count_of_tokens_is_compared_with_less(before: str, after: str) -> None:
    assert ast.unparse(warmups.instrument(ast.parse(before))) == after


@pytest.mark.parametrize(
    "text",
    [
        "if t.numel() > 65536:\n    pass",
        "if total_tokens < 512:\n    pass",
        "if train_batch_tokens < 10000:\n    pass",
        "if MAX_TOKENS < 10000:\n    pass",
        "if total_tokens == 10000:\n    pass",
        "done = total_tokens < 10000",
    ],
)
def test_what_is_no_warm_up_stays(text: str) -> None:
    assert ast.unparse(warmups.instrument(ast.parse(text))) == text
