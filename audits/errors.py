"""Mistakes of the user, told apart from findings about a submission.

UserError            a wrong path, ref or option: one line and a hint
"""

from __future__ import annotations


class UserError(Exception):
    """Something the caller can put right. Printed on one line with its hint, never as a traceback."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep the one-line message and what to try next."""
        super().__init__(message)
        self.message = message
        self.hint = hint
