"""Attributes: what a name after a dot means on modules, objects, nets and their parts."""

from __future__ import annotations

from audits.facts.code import labels as lab
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import (
    NOTHING,
    Bound,
    Class,
    External,
    Function,
    Imported,
    Instance,
    Net,
    Part,
    Value,
    join,
)


def get_attribute(machine: Machine, frame: Frame, base: Value, name: str) -> Value:
    """Return an attribute of a value."""
    obj = base.obj
    kind = type(obj)
    if kind is External:
        known: Value = obj.attribute(name)
        return Value(base.labels, known.obj) if base.labels and known.obj is not None else known
    if kind is Instance:
        return instance_attribute(machine, frame, base, obj, name)
    if kind is Net:
        return net_attribute(machine, base, obj, name)
    if kind is Part:
        if name == "grad":
            own = machine.labels.param(obj.net)
            pending: int = machine.heap.get(("gradient", own.bit_length() - 1), 0)
            return Value(pending | own | lab.GRADIENT | base.labels)
        if name in ("data", "weight", "bias"):
            return Value(base.labels, obj)
        stored = machine.heap.get((id(obj.net), f"{obj.path}.{name}"))
        if stored is not None:
            return Value(stored.labels | base.labels, stored.obj, stored.const)
        if name in _METHODS:
            return Value(base.labels, Bound(name, base))
        return Value(base.labels, Part(obj.net, f"{obj.path}.{name}"))
    if kind is Class:
        if name == "__dict__":
            return Value(0, obj)
        found = obj.find(name)
        if found is None:
            return Value(0, Bound(name, base))
        return bind_method(machine, frame, found, base) if is_classmethod(found) else found
    if kind is Imported:
        return obj.module.env.get(name) or Value(0, External(f"{obj.module.name}.{name}"))
    if obj is not None and kind.__name__ == "Many":
        values = [get_attribute(machine, frame, Value(base.labels, item), name) for item in obj.items]
        out = values[0]
        for value in values[1:]:
            out = join(out, value)
        return out
    if name in ("shape", "size", "ndim", "dtype", "device", "itemsize", "nbytes"):
        return Value(
            machine.mask(base) & machine.labels.tags if name != "size" else 0,
            Bound(name, base) if name == "size" else None,
        )
    if name in ("data", "T", "mT", "real", "flat", "ctypes"):
        return base
    if name == "grad":
        return Value(machine.mask(base), obj)
    return Value(base.labels, Bound(name, base))


_METHODS = frozenset(
    (
        "parameters",
        "named_parameters",
        "state_dict",
        "load_state_dict",
        "add_",
        "sub_",
        "mul_",
        "copy_",
        "zero_",
        "lerp_",
        "addcdiv_",
        "fill_",
        "normal_",
        "uniform_",
        "to",
        "cuda",
        "cpu",
        "float",
        "bfloat16",
        "half",
        "double",
        "detach",
        "clone",
        "view",
        "reshape",
        "numel",
        "size",
        "register_forward_hook",
        "register_forward_pre_hook",
        "requires_grad_",
        "named_modules",
        "modules",
        "children",
        "items",
        "values",
        "keys",
        "named_children",
        "train",
        "eval",
        "apply",
        "append",
        "extend",
        "get",
        "t",
        "contiguous",
        "zero_grad",
        "buffers",
        "named_buffers",
        "numpy",
        "item",
        "sum",
        "mean",
        "norm",
        "abs",
        "dim",
        "transpose",
        "permute",
        "unsqueeze",
        "squeeze",
        "index_select",
        "gather",
        "div_",
        "clamp_",
        "index_copy_",
        "scatter_add_",
        "add",
        "sub",
        "mul",
        "data_ptr",
        "element_size",
    )
)


def instance_attribute(machine: Machine, frame: Frame, base: Value, obj: Instance, name: str) -> Value:
    """Return an attribute of an object of a plain class."""
    stored = machine.heap.get((id(obj), name))
    if stored is not None:
        return Value(stored.labels | (base.labels & machine.labels.tags), stored.obj, stored.const)
    if name == "__dict__":
        return Value(machine.content(obj), obj)
    found = obj.cls.find(name) if obj.cls is not None else None
    if found is None:
        return Value(machine.content(obj) | base.labels, Bound(name, base))
    if isinstance(found.obj, Function):
        return bind_method(machine, frame, found, base)
    return found


def is_classmethod(found: Value) -> bool:
    """Return True for a function that takes its class first."""
    return isinstance(found.obj, Function) and "classmethod" in found.obj.decorators


def bind_method(machine: Machine, frame: Frame, found: Value, base: Value) -> Value:
    """Return a function bound to its receiver, honouring staticmethod, classmethod and property."""
    function: Function = found.obj
    decorators = function.decorators
    if "staticmethod" in decorators:
        return found
    if "classmethod" in decorators and isinstance(base.obj, Instance):
        base = Value(0, base.obj.cls)
    method = function.bind(base)
    if decorators and decorators & {"property", "cached_property"}:
        from audits.facts.code.calls import call_function

        return call_function(machine, frame, method, [], {}, function.node)
    return Value(found.labels, method)


def net_attribute(machine: Machine, base: Value, obj: Net, name: str) -> Value:
    """Return an attribute of a neural module: a method of its class, or a part of it."""
    stored = machine.heap.get((id(obj), name))
    if stored is not None:
        return Value(stored.labels, stored.obj, stored.const)
    if name in ("module", "_orig_mod"):
        return base
    found = obj.cls.find(name) if obj.cls is not None else None
    if found is not None:
        if isinstance(found.obj, Function):
            if "staticmethod" in found.obj.decorators:
                return found
            return Value(0, found.obj.bind(base))
        return found
    if name in _METHODS or name in ("forward", "__call__"):
        return Value(base.labels, Bound(name, base))
    if name == "training":
        return NOTHING
    return Value(base.labels, Part(obj, name))
