"""How the submission turns scored tokens into bytes, read off by following its own table builder."""

from audits.facts.byte_table.reader import read_byte_table
from audits.facts.byte_table.records import (
    ByteDefect,
    ByteTable,
    ByteTableFacts,
    SidecarUse,
    SpaceRule,
    TableSource,
    TableUse,
)

__all__ = [
    "ByteDefect",
    "ByteTable",
    "ByteTableFacts",
    "SidecarUse",
    "SpaceRule",
    "TableSource",
    "TableUse",
    "read_byte_table",
]
