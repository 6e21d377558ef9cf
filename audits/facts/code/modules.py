"""Pass 1: parse every Python layer once; the trees are shared by all later passes.

Promises one `ast` tree a layer or one `CodeProblem`; never an exception, whatever the text.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from audits.facts.layer import Layer


@dataclass(frozen=True, slots=True)
class ParsedModule:
    """A Python layer with its syntax tree. Trees are not kept in stored facts."""

    layer: Layer
    tree: ast.Module
    is_main: bool
