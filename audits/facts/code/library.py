"""What library calls do to labels: torch, numpy, mlx, os, io. What is not listed joins its arguments."""

from __future__ import annotations

import ast
from collections.abc import Callable

from audits.facts.code import labels as lab
from audits.facts.code.builtin import call_builtin, length
from audits.facts.code.calls import call_value, opaque, union
from audits.facts.code.choices import best_of, position_of_best
from audits.facts.code.collectives import LOADED, call_native, collect, load_library
from audits.facts.code.configuration import read_environment
from audits.facts.code.construction import make_net
from audits.facts.code.files import glob, in_memory, join_path, open_file, read_data, save
from audits.facts.code.gradients import autograd, deep_copy, descend, functional_call, solve, value_and_grad
from audits.facts.code.in_place import FOREACH, each_in_place
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.tensors import (
    add_at,
    arange,
    cross_entropy,
    extreme,
    fresh_tensor,
    gather,
    hash_operation,
    histogram,
    logarithm,
    mixture,
    narrow,
    softmax,
    stack,
    trainable,
    where,
)
from audits.facts.code.values import (
    NONE,
    NOTHING,
    Args,
    Container,
    External,
    Function,
    Kwargs,
    Net,
    Optimiser,
    Partial,
    Value,
    objects,
)

Handler = Callable[[Machine, Frame, ast.AST, External, Args, Kwargs], Value]


def call_external(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """Call something of a library."""
    path = func.path
    if path.startswith(LOADED):
        return call_native(machine, frame, node, func, args, kwargs)
    handler = BY_PATH.get(path) or BY_LAST.get(func.last)
    if handler is not None:
        return handler(machine, frame, node, func, args, kwargs)
    if path.startswith("builtins."):
        return call_builtin(machine, frame, node, func.last, args, kwargs)
    if func.last.startswith(FOREACH) and func.last.endswith("_") and args:
        return each_in_place(machine, frame, node, func, args, kwargs)
    if "optim" in path and func.last[:1].isupper() and "lr_scheduler" not in path:
        return Value(0, machine.track(Optimiser(union(machine, args, kwargs) & machine.labels.params)))
    if func.last in ("CrossEntropyLoss", "NLLLoss"):
        return Value(0, External("torch.nn.functional.cross_entropy"))
    if ".nn." in path and func.last[:1].isupper() and "functional" not in path:
        return make_external_net(machine, frame, func, args, kwargs)
    if args and args[0].obj is not None and any(isinstance(obj, Net) for obj in objects(args[0])):
        return wrap(machine, frame, node, func, args, kwargs)
    return opaque(machine, frame, node, 0, args, kwargs)


def make_external_net(machine: Machine, frame: Frame, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Make a library module: wrappers keep the net they wrap, a Parameter is a free trainable tensor."""
    for value in args:
        if isinstance(value.obj, Net):
            return value
    if func.last == "Parameter":
        return trainable(machine, Value(union(machine, args, kwargs)))
    return make_net(machine, None, args, kwargs)


def wrap(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """See through a wrapper of a net (compile, data parallel); other calls on a net read it."""
    if func.last in _WRAPPERS or func.last[:1].isupper():
        return args[0]
    return opaque(machine, frame, node, 0, args, kwargs)


_WRAPPERS = frozenset(
    (
        "compile",
        "script",
        "trace",
        "DataParallel",
        "DistributedDataParallel",
        "DDP",
        "FSDP",
        "jit",
        "prepare",
        "convert",
        "replicate",
        "fully_shard",
        "optimize",
        "disable",
        "allow_in_graph",
    )
)


def passthrough(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """Return the first argument; a decorator with options returns itself."""
    if not args:
        first = next((value for value in kwargs.values() if isinstance(value.obj, Net | Function)), None)
        return first if first is not None else Value(0, func)
    return args[0]


def environment(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`os.environ.get` and `os.getenv`."""
    if "default" in kwargs:
        args = [*args, kwargs["default"]]
    return read_environment(machine, frame, node, args)


def tokenizer(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """A SentencePiece processor: what comes out of it speaks of pieces and their bytes."""
    return Value(lab.PIECES)


def partial(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`functools.partial`."""
    if not args:
        return NOTHING
    return Value(args[0].labels, Partial(args[0], args[1:], kwargs))


def dataclass_field(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`dataclasses.field`: its default, or what its factory makes."""
    if "default" in kwargs:
        return kwargs["default"]
    if "default_factory" in kwargs:
        return call_value(machine, frame, node, kwargs["default_factory"], [], {})
    return NOTHING


def keyed(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """The dictionaries of `collections`; what a `defaultdict` makes for a missing key collapses into it."""
    box = machine.track(Container(is_dict=True))
    machine.add_content(box, union(machine, args, kwargs))
    return Value(0, box)


def best_or_extreme(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`min` and `max`: of candidates by their score, or of numbers; known ones give a known number."""
    numbers = [item.const for item in args if item.obj is None and isinstance(item.const, int | float)]
    if len(args) > 1 and len(numbers) == len(args) and not kwargs:
        return Value(union(machine, args, kwargs), None, (min if func.last == "min" else max)(numbers))
    picked = best_of(machine, frame, node, args, kwargs)
    return extreme(machine, frame, node, func, args, kwargs) if picked is None else picked


def stop(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Calls that only tell people something."""
    return NONE


BY_LAST: dict[str, Handler] = {
    "cross_entropy": cross_entropy,
    "nll_loss": cross_entropy,
    "linear_cross_entropy": cross_entropy,
    "log_softmax": softmax,
    "softmax": softmax,
    "gather": gather,
    "take_along_axis": gather,
    "take_along_dim": gather,
    "zeros": fresh_tensor,
    "ones": fresh_tensor,
    "empty": fresh_tensor,
    "full": fresh_tensor,
    "zeros_like": fresh_tensor,
    "ones_like": fresh_tensor,
    "empty_like": fresh_tensor,
    "full_like": fresh_tensor,
    "randn": fresh_tensor,
    "rand": fresh_tensor,
    "tensor": fresh_tensor,
    "randn_like": fresh_tensor,
    "arange": arange,
    "fromfile": read_data,
    "memmap": read_data,
    "frombuffer": read_data,
    "from_buffer": read_data,
    "Parameter": lambda machine, frame, node, func, args, kwargs: trainable(
        machine, Value(union(machine, args[:1], {}))
    ),
    "compile": passthrough,
    "DistributedDataParallel": passthrough,
    "DDP": passthrough,
    "no_grad": passthrough,
    "inference_mode": passthrough,
    "enable_grad": passthrough,
    "wraps": passthrough,
    "cache": passthrough,
    "lru_cache": passthrough,
    "contextmanager": passthrough,
    "record": passthrough,
    "SentencePieceProcessor": tokenizer,
    "value_and_grad": value_and_grad,
    "deepcopy": deep_copy,
    "partial": partial,
    "argmin": position_of_best,
    "argmax": position_of_best,
    "argsort": position_of_best,
    "bincount": histogram,
    "histc": histogram,
    "minimum": extreme,
    "maximum": extreme,
    "fmin": extreme,
    "fmax": extreme,
    "amin": extreme,
    "amax": extreme,
    "where": where,
    "logaddexp": mixture,
    "stack": stack,
    "cat": stack,
    "concatenate": stack,
    "concat": stack,
    "lerp": mixture,
    "bitwise_xor": hash_operation,
    "remainder": hash_operation,
    "functional_call": functional_call,
    "logsumexp": mixture,
    "lstsq": solve,
    "cholesky_solve": solve,
    "pinv": solve,
    "print": stop,
    "glob": glob,
    "BytesIO": in_memory,
    "StringIO": in_memory,
    "all_reduce": stop,
    "barrier": stop,
}
_COLLECTIVES = (
    "gather",
    "gather_object",
    "all_gather",
    "all_gather_object",
    "all_gather_into_tensor",
)
BY_PATH: dict[str, Handler] = {
    **{f"torch.distributed.{name}": collect for name in _COLLECTIVES},
    **{f"ctypes.{name}": load_library for name in ("CDLL", "PyDLL", "cdll.LoadLibrary")},
    **{f"ctypes.{name}": passthrough for name in ("c_void_p", "byref", "cast", "pointer")},
    **{f"collections.{name}": keyed for name in ("defaultdict", "Counter", "OrderedDict")},
    "numpy.add.at": add_at,
    "torch.load": read_data,
    "numpy.load": read_data,
    "mlx.core.load": read_data,
    "torch.save": save,
    "numpy.save": save,
    "numpy.savez": save,
    "mlx.core.savez": save,
    "pickle.dump": save,
    "pickle.load": read_data,
    "open": open_file,
    "pathlib.Path": open_file,
    "Path": open_file,
    "builtins.open": open_file,
    "io.open": open_file,
    "gzip.open": open_file,
    "lzma.open": open_file,
    "os.open": open_file,
    "builtins.print": stop,
    "dataclasses.field": dataclass_field,
    "os.path.join": join_path,
    "os.environ.get": environment,
    "os.getenv": environment,
    "torch.linalg.solve": solve,
    "numpy.linalg.solve": solve,
    "torch.autograd.grad": autograd,
    "torch.autograd.backward": descend,
    "torch.narrow": narrow,
    "torch.func.grad": value_and_grad,
    "mlx.core.grad": value_and_grad,
    "mlx.nn.value_and_grad": value_and_grad,
    "math.log": logarithm,
    "numpy.log": logarithm,
    "math.log2": logarithm,
    "numpy.log2": logarithm,
    "builtins.len": length,
    "mlx.core.array": fresh_tensor,
    "mlx.core.minimum": extreme,
    "torch.min": extreme,
    "torch.max": extreme,
    "numpy.min": extreme,
    "numpy.max": extreme,
    "builtins.min": best_or_extreme,
    "builtins.max": best_or_extreme,
    "numpy.bitwise_xor.reduce": hash_operation,
}
