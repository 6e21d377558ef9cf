"""Rewritings that change how a script looks and not what it does."""

from tests.audits.codemods.helpers import inline_helpers, outline_blocks
from tests.audits.codemods.rename import rename_private

__all__ = ["inline_helpers", "outline_blocks", "rename_private"]
