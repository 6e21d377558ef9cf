"""What the abstract machine computes with: a label mask, sometimes a constant, sometimes an object."""

from __future__ import annotations

import ast
import math
from functools import lru_cache
from typing import Any, Final

from audits.facts.layer import Layer


class _Unknown:
    """The constant that is not known."""

    def __repr__(self) -> str:
        return "?"

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = _Unknown()


class Later:
    """A loop counter after its first pass: larger than `start`, otherwise unknown."""

    __slots__ = ("start",)

    def __init__(self, start: int) -> None:
        self.start = start


class Value:
    """An abstract value. `labels` excludes what lies in the heap behind `obj`."""

    __slots__ = ("const", "labels", "obj")

    def __init__(self, labels: int = 0, obj: Any = None, const: Any = UNKNOWN) -> None:
        self.labels = labels
        self.obj = obj
        self.const = const

    def __repr__(self) -> str:
        return f"Value({self.labels:x}, {self.obj!r}, {self.const!r})"


NOTHING: Final = Value()
NONE: Final = Value(0, None, None)


@lru_cache(maxsize=8)
def lines_of(source: str) -> list[str]:
    """Return the lines of a source; every reading asks for them."""
    return source.splitlines()


class Module:
    """One Python layer being read: its names and where its lines lie."""

    __slots__ = ("env", "executed", "layer", "lines", "name", "tree")

    def __init__(self, layer: Layer, tree: ast.Module, name: str) -> None:
        self.layer = layer
        self.tree = tree
        self.name = name
        self.lines = lines_of(layer.source)
        self.env: dict[str, Value] = {"__name__": Value(0, None, name)}
        self.executed = False


class Function:
    """A function of the submission with the scopes it closes over."""

    __slots__ = ("bound", "decorators", "defaults", "module", "node", "owner", "scopes")

    def __init__(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        module: Module,
        scopes: tuple[dict[str, Value], ...],
        owner: Class | None = None,
        bound: Value | None = None,
        defaults: dict[str, Value] | None = None,
    ) -> None:
        self.node = node
        self.module = module
        self.scopes = scopes
        self.owner = owner
        self.bound = bound
        self.defaults = defaults or {}
        self.decorators = decorators_of(node)

    def bind(self, receiver: Value) -> Function:
        """Return the same function bound to its receiver."""
        bound = Function.__new__(Function)
        bound.node, bound.module, bound.scopes, bound.owner = self.node, self.module, self.scopes, self.owner
        bound.defaults, bound.decorators = self.defaults, self.decorators
        bound.bound = receiver
        return bound

    @property
    def name(self) -> str:
        """Name in the source, `<lambda>` for a lambda."""
        return getattr(self.node, "name", "<lambda>")


def decorators_of(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    """Return the last names of a function's decorators."""
    if isinstance(node, ast.Lambda) or not node.decorator_list:
        return _UNDECORATED
    return frozenset(getattr(item, "id", getattr(item, "attr", "")) for item in node.decorator_list)


_UNDECORATED: Final[frozenset[str]] = frozenset()


class Class:
    """A class of the submission."""

    __slots__ = ("attrs", "bases", "field_names", "kind", "module", "node")

    def __init__(self, node: ast.ClassDef, module: Module, bases: list[Value], kind: str) -> None:
        self.node = node
        self.field_names = [
            item.target.id
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        ]
        self.module = module
        self.bases = bases
        self.kind = kind
        self.attrs: dict[str, Value] = {}

    def speaks_of(self, name: str) -> bool:
        """Return whether the text of this class or of a local base holds a name."""
        lines = self.module.lines[self.node.lineno - 1 : self.node.end_lineno]
        return any(name in line for line in lines) or any(
            isinstance(base.obj, Class) and base.obj.speaks_of(name) for base in self.bases
        )

    def find(self, name: str, depth: int = 0) -> Value | None:
        """Return the attribute `name` from this class or its local bases."""
        found = self.attrs.get(name)
        if found is not None or depth > 8:
            return found
        for base in self.bases:
            if isinstance(base.obj, Class):
                found = base.obj.find(name, depth + 1)
                if found is not None:
                    return found
        return None


class HeapObject:
    """Something with identity: its content lives in the machine's heap."""

    __slots__ = ("depth",)

    def __init__(self) -> None:
        self.depth = 0


class Instance(HeapObject):
    """An object of a plain class of the submission."""

    __slots__ = ("cls",)

    def __init__(self, cls: Class | None) -> None:
        super().__init__()
        self.cls = cls


class Net(HeapObject):
    """A neural module: one trainable thing with everything inside it."""

    __slots__ = ("cls", "hooks", "hung", "low_rank")

    def __init__(self, cls: Class | None) -> None:
        super().__init__()
        self.cls = cls
        self.hooks: list[Value] = []
        self.hung: set[str] = set()
        """Attributes that its methods speak of and under which it was given tensors to be trained."""
        self.low_rank = False


class Hook:
    """A handle of forward hooks registered on a net."""

    __slots__ = ("net",)

    def __init__(self, net: Net) -> None:
        self.net = net


class Part:
    """A submodule or parameter of a `Net`: shares its trainable identity, not its call."""

    __slots__ = ("net", "path")

    def __init__(self, net: Net, path: str = "") -> None:
        self.net = net
        self.path = path


class Optimiser(HeapObject):
    """An optimiser over the trainable things in `params`."""

    __slots__ = ("params",)

    def __init__(self, params: int) -> None:
        super().__init__()
        self.params = params


class Buffer(HeapObject):
    """A tensor or array made by the submission and possibly written to."""

    __slots__ = ("batch_shared", "trainable")

    def __init__(self) -> None:
        super().__init__()
        self.trainable = False
        self.batch_shared = False


class Container(HeapObject):
    """A list, set or dict; nested containers read out of it collapse into it."""

    __slots__ = ("filled", "is_dict", "is_record", "keyed")

    def __init__(self, is_dict: bool = False) -> None:
        super().__init__()
        self.is_dict = is_dict
        self.filled = False
        """Made with elements: the script counts on there being some."""
        self.is_record = False
        """A dictionary written out with constant keys: its keys are names, whatever its values are."""
        self.keyed: dict[object, None] = {}


class File(HeapObject):
    """An open file or path object, known by its constant path if there is one."""

    __slots__ = ("path", "text")

    def __init__(self, path: object) -> None:
        super().__init__()
        self.path = path
        self.text = False
        """Open for writing text."""


class Fixed:
    """A tuple, or a literal list never changed: its elements one by one."""

    __slots__ = ("items",)

    def __init__(self, items: list[Value]) -> None:
        self.items = items


class External:
    """Something of a library, by its dotted path."""

    __slots__ = ("_known", "last", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.last = path.rsplit(".", 1)[-1]
        self._known: dict[str, Value] = {}

    def attribute(self, name: str) -> Value:
        """Return what the library has under a name, without labels; asked again, it is the same."""
        found = self._known.get(name)
        if found is None:
            path = f"{self.path}.{name}"
            constant = path in ("math.e", "numpy.e")
            found = Value(0, None, math.e) if constant else Value(0, External(path))
            self._known[name] = found
        return found


class Bound:
    """A library method of a value."""

    __slots__ = ("name", "receiver")

    def __init__(self, name: str, receiver: Value) -> None:
        self.name = name
        self.receiver = receiver


class Partial:
    """`functools.partial` and its like."""

    __slots__ = ("args", "func", "kwargs")

    def __init__(self, func: Value, args: list[Value], kwargs: dict[str, Value]) -> None:
        self.func = func
        self.args = args
        self.kwargs = kwargs


class Gradient:
    """A function that returns a loss and its gradients when called (`value_and_grad`)."""

    __slots__ = ("func", "with_value")

    def __init__(self, func: Value, with_value: bool) -> None:
        self.func = func
        self.with_value = with_value


class Many:
    """One of several objects."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Any, ...]) -> None:
        self.items = items


class Imported:
    """A local module of the folder."""

    __slots__ = ("module",)

    def __init__(self, module: Module) -> None:
        self.module = module


def join_objects(left: Any, right: Any) -> Any:
    """Return an object that may be either."""
    if left is right or right is None:
        return left
    if left is None:
        return right
    if isinstance(left, Part) and isinstance(right, Part) and left.net is right.net:
        return left
    if isinstance(left, Fixed) and isinstance(right, Fixed):
        if len(left.items) == len(right.items):
            return Fixed([join(a, b) for a, b in zip(left.items, right.items, strict=True)])
        return None
    if isinstance(left, External) and isinstance(right, External) and left.path == right.path:
        return left
    items = left.items if isinstance(left, Many) else (left,)
    for extra in right.items if isinstance(right, Many) else (right,):
        for known in items:
            if extra is known or same_part(extra, known):
                break
        else:
            items = (*items, extra)
    return Many(items[:6]) if len(items) > 1 else items[0]


def same_part(left: Any, right: Any) -> bool:
    """Return True when both are parts of one net."""
    return isinstance(left, Part) and isinstance(right, Part) and left.net is right.net


def join(left: Value, right: Value) -> Value:
    """Return a value that may be either."""
    if left is right:
        return left
    const = left.const
    if const is not right.const and (type(const) is not type(right.const) or const != right.const):
        const = UNKNOWN
    return Value(left.labels | right.labels, join_objects(left.obj, right.obj), const)


def objects(value: Value) -> tuple[Any, ...]:
    """Return the objects a value may be."""
    obj = value.obj
    if obj is None:
        return ()
    return obj.items if isinstance(obj, Many) else (obj,)


Args = list[Value]
Kwargs = dict[str, Value]
