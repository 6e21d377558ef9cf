"""What the methods of strings, bytes, lists and dictionaries give, as far as unpacking code uses them."""

from __future__ import annotations

from typing import Any

from audits.unpack.evaluator import Evaluator
from audits.unpack.limits import MAX_ITEMS
from audits.unpack.readings import items_of
from audits.unpack.values import UNKNOWN, Data, Unknown, Value, is_packed, key_of, plain

_SAME_LENGTH = frozenset(
    "strip lstrip rstrip lower upper swapcase title capitalize removeprefix removesuffix".split()
)
_SPLITS = frozenset("split rsplit splitlines partition rpartition".split())
_TESTS = frozenset("startswith endswith isdigit isidentifier".split())
_SEARCHES = frozenset("find rfind index rindex count".split())


def text_method(data: Data, name: str, args: list[Value], named: dict[str, Value], work: Evaluator) -> Value:
    """Return what calling a method of a string or bytes gives."""
    value: Any = data.value
    work.budget.spend(len(value))
    if name == "join":
        items = items_of(args[0]) if args else None
        return (
            work.join(value, items)
            if items is not None
            else Unknown(packed=bool(args) and is_packed(args[0]))
        )
    if name in ("encode", "decode"):
        return _recode(data, name, args, named)
    if name == "format":
        return _format(data, args, named, work)
    plain_args = [plain(arg) for arg in args]
    if any(not isinstance(arg, str | bytes | int | type(None) | dict) for arg in plain_args):
        return Unknown(packed=is_packed(data))
    if any(isinstance(arg, Unknown) for arg in args):
        return Unknown(packed=is_packed(data))
    return _apply(data, name, plain_args, {key: plain(item) for key, item in named.items()}, work)


def _apply(data: Data, name: str, args: list[Any], named: dict[str, Any], work: Evaluator) -> Value:
    value: Any = data.value
    try:
        if name in _SAME_LENGTH or (name == "translate" and _small_table(args)):
            return data.like(getattr(value, name)(*args))
        if name == "replace" and len(args) in (2, 3):
            work.budget.spend(len(value) + value.count(args[0]) * len(args[1]))
            return data.like(value.replace(*args))
        if name in _SPLITS:
            return _split(data, name, args, named, work)
        if name in _TESTS or name in _SEARCHES:
            return getattr(value, name)(*args)  # type: ignore[no-any-return]
        if name == "hex" and isinstance(value, bytes):
            return data.like(value.hex())
        if name in ("zfill", "ljust", "rjust") and isinstance(args[0], int) and args[0] <= MAX_ITEMS:
            return data.like(getattr(value, name)(*args))
    except (TypeError, ValueError, IndexError, KeyError):
        return UNKNOWN
    return Unknown(packed=is_packed(data))


def _small_table(args: list[Any]) -> bool:
    """Return whether a translation maps each character to at most one, so that nothing grows."""
    table = args[0] if args else None
    if isinstance(table, bytes):
        return True
    return isinstance(table, dict) and all(
        item is None or isinstance(item, int) or (isinstance(item, str) and len(item) <= 1)
        for item in table.values()
    )


def _split(data: Data, name: str, args: list[Any], named: dict[str, Any], work: Evaluator) -> Value:
    value: Any = data.value
    if name != "splitlines" and args and args[0] and value.count(args[0]) > MAX_ITEMS:
        return Unknown(packed=is_packed(data))
    if (name == "splitlines" or not args) and value.count(
        b"\n" if isinstance(value, bytes) else "\n"
    ) > 200_000:
        return Unknown(packed=is_packed(data))
    parts = getattr(value, name)(
        *args, **{key: item for key, item in named.items() if key in ("sep", "maxsplit")}
    )
    work.budget.spend(8 * len(parts))
    return [data.like(part) for part in parts]


def _recode(data: Data, name: str, args: list[Value], named: dict[str, Value]) -> Value:
    encoding = plain(args[0]) if args else plain(named.get("encoding"))
    codec = encoding if isinstance(encoding, str) else "utf-8"
    if codec.lower() not in (
        "utf-8",
        "utf8",
        "ascii",
        "latin-1",
        "latin1",
        "iso-8859-1",
        "utf-8-sig",
        "utf_8",
    ):
        return Unknown(packed=is_packed(data))
    try:
        if name == "encode" and isinstance(data.value, str):
            return data.like(data.value.encode(codec))
        if name == "decode" and isinstance(data.value, bytes):
            return data.like(data.value.decode(codec))
    except UnicodeError:
        return Unknown(packed=is_packed(data))
    return UNKNOWN


def _format(data: Data, args: list[Value], named: dict[str, Value], work: Evaluator) -> Value:
    """Fill plain fields only; a width could ask for a gigabyte."""
    template = data.value
    if not isinstance(template, str) or any(mark in template for mark in (":", "!", "[", ".")):
        return Unknown(packed=any(is_packed(arg) for arg in args))
    values: list[Value] = [*args, *named.values()]
    if not all(isinstance(value, Data) and isinstance(value.value, str) for value in values):
        return Unknown(packed=any(is_packed(value) for value in values))
    work.budget.spend(sum(len(v.value) for v in values if isinstance(v, Data)) * max(template.count("{"), 1))
    try:
        text = template.format(*map(plain, args), **{key: plain(item) for key, item in named.items()})
    except (IndexError, KeyError, ValueError):
        return UNKNOWN
    chief = next((v for v in values if isinstance(v, Data) and v.codecs), data)
    return chief.like(text)


def container_method(owner: list[Value] | dict[object, Value], name: str, args: list[Value]) -> Value:
    """Return what calling a method of a list or dictionary gives; additions are carried out under a cap."""
    if isinstance(owner, list):
        if name == "append" and args and len(owner) < MAX_ITEMS:
            owner.append(args[0])
        elif name == "extend" and args and len(owner) < MAX_ITEMS:
            owner.extend((items_of(args[0]) or [])[:MAX_ITEMS])
        elif name == "reverse":
            owner.reverse()
        elif name == "pop" and owner and not args:
            return owner.pop()
        return None
    if name == "items":
        return [(Data(key) if isinstance(key, str | bytes) else UNKNOWN, item) for key, item in owner.items()]
    if name == "values":
        return list(owner.values())
    if name == "keys":
        return items_of(owner) or []
    if name in ("get", "pop") and args:
        return owner.get(key_of(args[0]), args[1] if len(args) > 1 else UNKNOWN)
    if name == "update" and args and isinstance(args[0], dict) and len(owner) < MAX_ITEMS:
        owner.update(args[0])
        return None
    return UNKNOWN
