"""The tokenizer's own methods, answered for the made-up vocabulary. Names of an external API only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.facts.byte_table.values import OPAQUE, Value
from audits.facts.byte_table.vocabulary import MARKER, PROBES, SIZE, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

API_NAMES = ("id_to_piece", "IdToPiece", "is_byte", "IsByte", "id_to_token", "convert_ids_to_tokens")
"""Names that say: here somebody looks at pieces."""


def _kind(kind: Kind) -> Callable[[int], Value]:
    return lambda token: PROBES[token].kind is kind if 0 <= token < SIZE else OPAQUE


def _piece(token: int) -> Value:
    return PROBES[token].piece if 0 <= token < SIZE else OPAQUE


def _decode(token: int) -> Value:
    probe = PROBES[token] if 0 <= token < SIZE else None
    if probe is None or probe.kind is Kind.BYTE:
        return OPAQUE
    if probe.kind in (Kind.CONTROL, Kind.UNKNOWN):
        return ""
    return probe.piece.removeprefix(MARKER).replace(MARKER, " ")


PER_TOKEN: dict[str, Callable[[int], Value]] = {
    "idtopiece": _piece,
    "idtotoken": _piece,
    "convertidstotokens": _piece,
    "decode": _decode,
    "decodeids": _decode,
    "isbyte": _kind(Kind.BYTE),
    "iscontrol": _kind(Kind.CONTROL),
    "isunknown": _kind(Kind.UNKNOWN),
    "isunused": _kind(Kind.UNUSED),
}
CONSTANTS = {
    "vocabsize": SIZE, "getpiecesize": SIZE, "piecesize": SIZE, "getvocabsize": SIZE,
    "padid": 0, "bosid": 1, "eosid": 2, "unkid": 3,
}  # fmt: skip


def method(name: str) -> str:
    """Return the spelling-independent name of a tokenizer method (`IdToPiece`, `id_to_piece`)."""
    return name.replace("_", "").lower()


def answer(name: str, args: list[Value]) -> Value:
    """Answer one call on an unknown object; OPAQUE when the tokenizer has no such method."""
    known = method(name)
    if known in CONSTANTS and not args:
        return CONSTANTS[known]
    ask = PER_TOKEN.get(known)
    if ask is None or len(args) < 1:
        return OPAQUE
    token = args[0]
    if isinstance(token, bool) or not isinstance(token, (int, list, tuple, range)):
        return OPAQUE
    if isinstance(token, int):
        return ask(token)
    if known in ("decode", "decodeids"):
        return ask(token[0]) if len(token) == 1 and isinstance(token[0], int) else OPAQUE
    return [ask(entry) if isinstance(entry, int) else OPAQUE for entry in list(token)[:SIZE]]


def answers(name: str) -> bool:
    """Whether the tokenizer has a per-token or size method of this name."""
    return method(name) in PER_TOKEN or method(name) in CONSTANTS
