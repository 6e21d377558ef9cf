"""Attributes and methods of the objects a script makes: paths, files, loaders, modules."""

from __future__ import annotations

import posixpath

from audits.unpack.readings import path_text
from audits.unpack.values import (
    UNKNOWN,
    Bound,
    Data,
    FileValue,
    Made,
    ModuleValue,
    Namespace,
    PathValue,
    Ref,
    Unknown,
    Value,
    is_packed,
)


def attribute(owner: Value, name: str) -> Value | None:
    """Return an attribute of an object, a bound method, or None when the owner is a library name."""
    if isinstance(owner, Ref):
        return None
    if isinstance(owner, PathValue):
        return _path_attribute(owner, name)
    if isinstance(owner, ModuleValue):
        if name == "__dict__":
            return Namespace(owner)
        if name == "loader":
            return owner
        if name in ("__name__", "name"):
            return Data(owner.name)
        return Data(owner.path) if name in ("origin", "__file__") else Bound(owner, name)
    if isinstance(owner, FileValue) and name == "name":
        return Data(owner.path)
    if isinstance(owner, Data | FileValue | Made | list | dict):
        return Bound(owner, name)
    return Unknown(packed=is_packed(owner))


def _path_attribute(owner: PathValue, name: str) -> Value:
    head, tail = posixpath.split(owner.text)
    root, extension = posixpath.splitext(tail)
    if name == "parent":
        return PathValue(head or ".")
    if name == "parents":
        current = head
        ancestors: list[Value] = []
        while current and len(ancestors) < 12:
            ancestors.append(PathValue(current))
            current = posixpath.dirname(current) if current != "/" else ""
        return ancestors
    texts = {"name": tail, "stem": root, "suffix": extension}
    return Data(texts[name]) if name in texts else Bound(owner, name)


def path_method(owner: PathValue, name: str, args: list[Value]) -> Value:
    """Return what a path's method gives, as far as it is about names only."""
    head, tail = posixpath.split(owner.text)
    first = path_text(args[0]) if args else None
    if name in ("resolve", "absolute", "expanduser"):
        return owner
    if name == "joinpath":
        texts = [path_text(arg) for arg in args]
        known = [text for text in texts if text is not None]
        return PathValue(posixpath.join(owner.text, *known)) if len(known) == len(texts) else UNKNOWN
    if name == "as_posix":
        return Data(owner.text)
    if first is None:
        return UNKNOWN
    if name == "with_name":
        return PathValue(posixpath.join(head, first))
    if name == "with_suffix":
        return PathValue(posixpath.join(head, posixpath.splitext(tail)[0] + first))
    if name == "with_stem":
        return PathValue(posixpath.join(head, first + posixpath.splitext(tail)[1]))
    return UNKNOWN
