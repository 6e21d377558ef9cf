"""Why a review is not published. Told in one line; neither a bug of ours nor a mistake of usage."""

from __future__ import annotations


class RefusedError(Exception):
    """An upload is not what an honest run leaves behind; nothing of it is shown."""

    def __init__(self, reason: str) -> None:
        """Keep the reason, which holds no text of the upload beyond names made harmless."""
        from harness.report.escape import one_line

        super().__init__(one_line(reason, 300))
        self.reason = one_line(reason, 300)


class SupersededError(Exception):
    """The pull request has moved on: a newer head, closed, or gone. A newer run has the word."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason
