"""What calls into libraries do to labels: torch, numpy, mlx, os, io. Everything unlisted joins its arguments."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

from audits.facts.code import labels as lab
from audits.facts.code.calls import call_value, make_net, opaque, union
from audits.facts.code.configuration import Configuration, read_environment
from audits.facts.code.events import Learner, UpdateKind
from audits.facts.code.expressions import heap_object, known, make_list, path_labels
from audits.facts.code.machine import Frame, Machine
from audits.facts.code.updates import backward
from audits.facts.code.values import (
    NONE,
    NOTHING,
    UNKNOWN,
    Bound,
    Buffer,
    Class,
    Container,
    External,
    File,
    Fixed,
    Function,
    Gradient,
    Instance,
    Net,
    Optimiser,
    Part,
    Partial,
    Value,
    objects,
)

Args = list[Value]
Kwargs = dict[str, Value]
Handler = Callable[[Machine, Frame, ast.AST, External, Args, Kwargs], Value]


def call_external(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Call something of a library."""
    path = func.path
    handler = BY_PATH.get(path) or BY_LAST.get(func.last)
    if handler is not None:
        return handler(machine, frame, node, func, args, kwargs)
    if path.startswith("builtins."):
        return call_builtin(machine, frame, node, func.last, args, kwargs)
    if "optim" in path and func.last[:1].isupper() and "lr_scheduler" not in path:
        return Value(0, machine.track(Optimiser(union(machine, args, kwargs) & machine.labels.params)))
    if ".nn." in path and func.last[:1].isupper() and "functional" not in path:
        return make_external_net(machine, frame, func, args, kwargs)
    if any(isinstance(obj, Net) for value in args[:1] for obj in objects(value)) and len(args) >= 1:
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


_WRAPPERS = frozenset(("compile", "script", "trace", "DataParallel", "DistributedDataParallel", "DDP", "FSDP", "jit",
                       "prepare", "convert", "replicate", "fully_shard", "optimize", "disable", "allow_in_graph"))


def passthrough(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Return the first argument; a decorator with options returns itself."""
    if not args:
        first = next((value for value in kwargs.values() if isinstance(value.obj, Net | Function)), None)
        return first if first is not None else Value(0, func)
    return args[0]


def cross_entropy(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """A loss of a prediction on targets."""
    prediction = args[0] if args else kwargs.get("input", kwargs.get("logits", NOTHING))
    target = args[1] if len(args) > 1 else kwargs.get("target", kwargs.get("targets", NOTHING))
    logits, targets = machine.mask(prediction), machine.mask(target)
    mask = (logits | targets) & ~(lab.NEXT_INDEX | lab.HASHED | lab.TARGET | lab.TARGET_HASHED)
    if targets & machine.labels.vals:
        mask |= machine.scored(frame, node, logits, targets)
    return Value(mask)


def softmax(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """A distribution over the last axis."""
    return Value(union(machine, args, kwargs) | lab.DISTRIBUTION)


def gather(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`torch.gather(x, dim, index)` and numpy's take_along_axis."""
    base = args[0] if args else NOTHING
    index = union(machine, args[1:], kwargs)
    return gather_from(machine, frame, node, base, index)


def gather_from(machine: Machine, frame: Frame, node: ast.AST, base: Value, index: int) -> Value:
    """Read a prediction, table or stream at positions that `index` depends on."""
    labels = machine.labels
    mask = machine.mask(base)
    tags = index & labels.tags
    if mask & (labels.params | lab.DISTRIBUTION) and index & labels.vals and index & labels.reads:
        if mask & labels.scores:
            return Value(mask | tags)
        return Value(mask | tags | machine.scored(frame, node, mask, index))
    if mask & labels.vals and not mask & (labels.params | labels.lookups):
        out = labels.narrow(mask, tags) | labels.read(node)
        return Value(out & ~lab.NEXT_INDEX | (lab.TARGET if index & lab.NEXT_INDEX else 0))
    from audits.facts.code.subscripts import look_up_table

    return Value(mask | index & ~lab.HASHED | look_up_table(machine, frame, node, index, mask))


def fresh_tensor(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """A new tensor or array."""
    buffer = machine.track(Buffer())
    value = Value(0, buffer)
    carried = union(machine, args, kwargs)
    given = carried & machine.labels.tags if func.last.endswith("like") or func.last in ("zeros", "ones", "empty", "full") else carried
    if func.last.startswith(("full", "tensor", "array", "asarray")):
        given = carried
    if given:
        machine.add_content(buffer, given)
    buffer.batch_shared = shared_shape(args, kwargs)
    grad = kwargs.get("requires_grad")
    if grad is not None and grad.const is not False:
        return trainable(machine, value)
    return value


def shared_shape(args: Args, kwargs: Kwargs) -> bool:
    """Return True for a shape whose leading dimension is 1: one tensor for a whole batch."""
    shape = args
    if len(args) >= 1 and isinstance(args[0].obj, Fixed):
        shape = args[0].obj.items
    elif args and isinstance(args[0].obj, Container):
        return False
    if "size" in kwargs and isinstance(kwargs["size"].obj, Fixed):
        shape = kwargs["size"].obj.items
    if not shape:
        return False
    return len(shape) == 1 or shape[0].const == 1


def trainable(machine: Machine, value: Value) -> Value:
    """Make a tensor trainable."""
    obj = heap_object(value)
    if isinstance(obj, Buffer):
        obj.trainable = True
        machine.labels.param(obj)
        return value
    buffer = machine.track(Buffer())
    machine.add_content(buffer, value.labels)
    buffer.trainable = True
    machine.labels.param(buffer)
    return Value(0, buffer)


def arange(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Positions: they keep the mark of a start moved by one."""
    mask = union(machine, args, kwargs)
    if len(args) < 2:
        mask &= ~lab.NEXT_INDEX
    elif not args[0].labels & lab.NEXT_INDEX or known(args[0]):
        mask &= ~lab.NEXT_INDEX
    return Value(mask)


def read_data(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Read a file of tokens or weights."""
    return Value(read_mask(machine, union(machine, args, kwargs), args[0] if args else NOTHING))


def read_mask(machine: Machine, mask: int, source: Value) -> int:
    """Return the labels of what a path or file holds."""
    labels = machine.labels
    path = source.obj.path if isinstance(source.obj, File) else source.const
    out = mask & ~(lab.PATH_VAL | lab.PATH_TRAIN | lab.BYTES_FILE)
    if isinstance(path, str):
        mask |= path_labels(path)
    if mask & lab.PATH_VAL:
        out |= lab.PIECES if mask & lab.BYTES_FILE else labels.val(mask & labels.tags)
    elif mask & lab.PATH_TRAIN:
        out |= lab.TRAIN
    else:
        stored = machine.files.get(path if isinstance(path, str) else "?", 0) | machine.files.get("?", 0)
        if stored:
            out |= stored | lab.ARTIFACT
    return out | machine.moving()


def write_data(machine: Machine, mask: int, target: Value) -> None:
    """Remember what a file was given."""
    path = target.obj.path if isinstance(target.obj, File) else target.const
    key = path if isinstance(path, str) else "?"
    if mask & machine.labels.scores:
        return
    kept = mask & (machine.labels.vals | machine.labels.states | machine.labels.params | lab.TRAIN)
    machine.files[key] = machine.files.get(key, 0) | kept


def save(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`torch.save(obj, path)` and numpy's `save(path, array)`."""
    if len(args) < 2:
        return NONE
    target, data = (args[1], args[0]) if func.path.startswith("torch") or "dump" in func.last else (args[0], args[1])
    mask = machine.mask(data)
    write_data(machine, mask, target)
    obj = heap_object(target)
    if obj is not None and not isinstance(obj, File):
        machine.add_content(obj, mask)
    return NONE


def open_file(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Open a file or make a path."""
    if not args:
        return Value()
    first = args[0]
    if isinstance(first.obj, File):
        return Value(first.labels, first.obj)
    return Value(union(machine, args[:1], {}), machine.track(File(first.const if isinstance(first.const, str) else "?")))


def in_memory(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """An in-memory file holds what it is given."""
    buffer = machine.track(Buffer())
    machine.add_content(buffer, union(machine, args, kwargs))
    return Value(0, buffer)


def glob(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Paths that match a pattern."""
    mask = union(machine, args, kwargs)
    text = args[0].const if args else None
    return Value(mask | (path_labels(text) if isinstance(text, str) else 0))


def join_path(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`os.path.join`."""
    mask = union(machine, args, kwargs)
    if all(isinstance(value.const, str) for value in args):
        text = "/".join(str(value.const) for value in args)
        return Value(mask | path_labels(text), None, text)
    return Value(mask)


def environment(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`os.environ.get` and `os.getenv`."""
    if "default" in kwargs:
        args = [*args, kwargs["default"]]
    return read_environment(machine, frame, node, args)


def tokenizer(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """A SentencePiece processor: what comes out of it speaks of pieces and their bytes."""
    return Value(lab.PIECES)


def value_and_grad(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """MLX and functional gradients."""
    inner = next((value for value in reversed(args) if isinstance(value.obj, Function | Partial | Bound)), None)
    if inner is None:
        return Value(union(machine, args, kwargs))
    return Value(0, Gradient(inner, func.last == "value_and_grad"))


def autograd(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`torch.autograd.grad(loss, tensors)`: a gradient taken by hand has learned from what the loss saw."""
    loss = machine.mask(args[0]) if args else 0
    learned = machine.learned(frame, node, loss, UpdateKind.GRADIENT, gradient_learner(machine, args))
    out = learned | loss & (machine.labels.params | lab.TRAIN)
    return Value(0, Fixed([Value(out)] * 8)) if False else Value(out)


def gradient_learner(machine: Machine, args: Args) -> Learner:
    """Return what a hand-taken gradient is for."""
    for value in args[1:2]:
        for bit in lab.bit_numbers(machine.mask(value) & machine.labels.params):
            owner = machine.labels.param_info[bit]
            if isinstance(owner, Net):
                return Learner.ADAPTER if owner.low_rank else Learner.MODEL
    return Learner.FREE_TENSOR


def solve(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """A closed-form fit has learned from its right-hand side."""
    mask = union(machine, args, kwargs)
    return Value(mask & ~machine.labels.vals | machine.learned(frame, node, mask, UpdateKind.SOLVED, Learner.UNKNOWN))


def deep_copy(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """A copy with its own identity."""
    value = args[0] if args else NOTHING
    if isinstance(value.obj, Net):
        net = machine.track(Net(value.obj.cls))
        machine.put((id(net), ""), machine.content(value.obj) | machine.labels.param(value.obj))
        return Value(value.labels, net)
    return Value(machine.mask(value))


def partial(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`functools.partial`."""
    if not args:
        return NOTHING
    return Value(args[0].labels, Partial(args[0], args[1:], kwargs))


def add_at(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`np.add.at(table, keys, values)` and in-place scatters called as functions."""
    if args:
        table_write(machine, frame, node, args[0], union(machine, args[1:], kwargs))
    return args[0] if args else NONE


def table_write(machine: Machine, frame: Frame, node: ast.AST, table: Value, mask: int) -> None:
    """Let a table learn from the tokens in keys and values."""
    labels = machine.labels
    target = heap_object(table)
    if target is None:
        for obj in objects(table):
            if isinstance(obj, Part):
                target = obj.net
    if target is None:
        return
    if mask & labels.reads and mask & labels.vals and not mask & labels.scores:
        mask = machine.learned(frame, node, mask, UpdateKind.TABLE, Learner.TABLE) | mask & ~labels.vals
        if machine.content(target) | mask != machine.content(target):
            machine.version += 1
    machine.add_content(target, mask & ~(lab.HASHED | lab.TARGET_HASHED | labels.reads | labels.hashed_reads))


def histogram(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Counts of token ids."""
    return Value(union(machine, args, kwargs) | lab.COUNTS)


def extreme(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Minimum or maximum: of two scores it is an oracle."""
    mask = union(machine, args, kwargs)
    scores = machine.labels.scores
    if len(args) >= 2:
        left, right = machine.mask(args[0]), machine.mask(args[1])
        other = scores | machine.labels.lookups
        chosen = (left & scores and right & other or right & scores and left & other) and left != right
        if chosen and not sums_in_logs(machine):
            machine.mark(frame, node, lab.ORACLE)
            mask |= lab.ORACLE
    return Value(mask)


def sums_in_logs(machine: Machine) -> bool:
    """Return True inside a function that adds probabilities in the log domain: its maximum only guards overflow."""
    node = machine.active[-1] if machine.active else None
    if node is None:
        return False
    known_answer = machine.log_sums.get(id(node))
    if known_answer is None:
        names = {getattr(item.func, "attr", getattr(item.func, "id", "")) for item in ast.walk(node)
                 if isinstance(item, ast.Call)}
        known_answer = machine.log_sums[id(node)] = bool(names & {"log1p", "logaddexp", "logsumexp"})
    return known_answer


def where(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Choose between two values; of one argument it tells positions."""
    mask = union(machine, args, kwargs)
    labels = machine.labels
    if len(args) == 1:
        return Value(mask & (labels.tags | lab.TRAIN | lab.SCORE_COMPARED | lab.PREFIX | lab.SUFFIX))
    if len(args) == 3:
        left, right = machine.mask(args[1]), machine.mask(args[2])
        if args[0].labels & lab.SCORE_COMPARED and (left | right) & labels.scores:
            machine.mark(frame, node, lab.ORACLE)
            mask |= lab.ORACLE
        if (left | right) & labels.scores and left & labels.states != right & labels.states:
            mask |= machine.mixed(frame, node, left, right)
    return Value(mask)


def mixture(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Functions of several terms that may mix a score with something learned (logaddexp, lerp, stack)."""
    mask = union(machine, args, kwargs)
    if func.last == "logsumexp" and mask & lab.ENTROPY_EXPERT:
        machine.mark(frame, node, lab.ENTROPY_MIXED)
        mask |= lab.ENTROPY_MIXED
    if mask & machine.labels.scores and len(args) >= 2:
        for value in args[1:]:
            mask |= machine.mixed(frame, node, machine.mask(args[0]), machine.mask(value))
    return Value(mask)


def stack(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Put values side by side; an entropy among scores is taken for a score when they are mixed."""
    mask = union(machine, args, kwargs)
    listed = machine.heap.get((id(args[0].obj), "literal")) if args else None
    items = args[0].obj.items if args and isinstance(args[0].obj, Fixed) else listed.obj.items if listed else []
    scores = machine.labels.scores
    masks = [machine.mask(item) for item in items]
    if len(masks) >= 3 and any(item & scores for item in masks) and any(
        item & lab.ENTROPY and not item & (scores | machine.labels.lookups) for item in masks
    ):
        mask |= lab.ENTROPY_EXPERT
    return Value(mask)


def hash_operation(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Xor, remainder and friends as functions."""
    mask = union(machine, args, kwargs)
    return Value(mask | (machine.labels.hashed(mask) if mask & (machine.labels.vals | lab.TRAIN) else 0))


def functional_call(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`torch.func.functional_call(net, state, args)`."""
    if not args:
        return NOTHING
    state = machine.mask(args[1]) if len(args) > 1 else 0
    given = args[2].obj.items if len(args) > 2 and isinstance(args[2].obj, Fixed) else args[2:]
    out = call_value(machine, frame, node, args[0], list(given), {})
    return Value(machine.mask(out) | state)


def logarithm(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`log`: of 2 it is the constant of the metric."""
    if args and isinstance(args[0].const, int | float) and args[0].const > 0:
        return Value(args[0].labels, None, {"log2": math.log2, "log10": math.log10}.get(func.last, math.log)(args[0].const))
    return Value(union(machine, args, kwargs))


def dataclass_field(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`dataclasses.field`: its default, or what its factory makes."""
    if "default" in kwargs:
        return kwargs["default"]
    if "default_factory" in kwargs:
        return call_value(machine, frame, node, kwargs["default_factory"], [], {})
    return NOTHING


def stop(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Calls that only tell people something."""
    return NONE


def length(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`len`: a number that does not carry the tokens."""
    if args and isinstance(args[0].obj, Fixed):
        return Value(0, None, len(args[0].obj.items))
    if args and isinstance(args[0].const, str):
        return Value(0, None, len(args[0].const))
    mask = union(machine, args, kwargs)
    return Value(mask & (machine.labels.tags | lab.PIECES))


BY_LAST: dict[str, Handler] = {
    "cross_entropy": cross_entropy, "nll_loss": cross_entropy, "linear_cross_entropy": cross_entropy,
    "log_softmax": softmax, "softmax": softmax, "gather": gather, "take_along_axis": gather, "take_along_dim": gather,
    "zeros": fresh_tensor, "ones": fresh_tensor, "empty": fresh_tensor, "full": fresh_tensor, "zeros_like": fresh_tensor,
    "ones_like": fresh_tensor, "empty_like": fresh_tensor, "full_like": fresh_tensor, "randn": fresh_tensor,
    "rand": fresh_tensor, "tensor": fresh_tensor, "randn_like": fresh_tensor, "arange": arange,
    "fromfile": read_data, "memmap": read_data, "frombuffer": read_data, "from_buffer": read_data, "Parameter":
    lambda machine, frame, node, func, args, kwargs: trainable(machine, Value(union(machine, args[:1], {}))),
    "compile": passthrough, "DistributedDataParallel": passthrough, "DDP": passthrough, "no_grad": passthrough,
    "inference_mode": passthrough, "enable_grad": passthrough, "wraps": passthrough, "cache": passthrough,
    "lru_cache": passthrough, "contextmanager": passthrough, "record": passthrough, "SentencePieceProcessor": tokenizer,
    "value_and_grad": value_and_grad, "deepcopy": deep_copy, "partial": partial, "bincount": histogram, "histc": histogram,
    "minimum": extreme, "maximum": extreme, "fmin": extreme, "fmax": extreme, "where": where, "logaddexp": mixture,
    "stack": stack, "cat": stack, "concatenate": stack, "concat": stack, "lerp": mixture, "bitwise_xor": hash_operation, "remainder": hash_operation, "functional_call": functional_call,
    "logsumexp": mixture, "lstsq": solve, "cholesky_solve": solve, "pinv": solve, "print": stop, "glob": glob,
    "BytesIO": in_memory, "StringIO": in_memory, "all_reduce": stop, "barrier": stop,
}
BY_PATH: dict[str, Handler] = {
    "numpy.add.at": add_at, "torch.load": read_data, "numpy.load": read_data, "mlx.core.load": read_data,
    "torch.save": save, "numpy.save": save, "numpy.savez": save, "mlx.core.savez": save, "pickle.dump": save,
    "pickle.load": read_data, "open": open_file, "pathlib.Path": open_file, "Path": open_file, "builtins.open": open_file,
    "io.open": open_file, "gzip.open": open_file, "lzma.open": open_file, "os.open": open_file, "builtins.print": stop,
    "dataclasses.field": dataclass_field, "os.path.join": join_path, "os.environ.get": environment, "os.getenv": environment, "torch.linalg.solve": solve,
    "numpy.linalg.solve": solve, "torch.autograd.grad": autograd, "torch.func.grad": value_and_grad,
    "mlx.core.grad": value_and_grad, "mlx.nn.value_and_grad": value_and_grad, "math.log": logarithm, "numpy.log": logarithm,
    "math.log2": logarithm, "numpy.log2": logarithm, "builtins.len": length, "mlx.core.array": fresh_tensor,
    "mlx.core.minimum": extreme, "torch.min": extreme, "torch.max": extreme, "builtins.min": extreme,
    "builtins.max": extreme, "numpy.bitwise_xor.reduce": hash_operation,
}


def call_builtin(machine: Machine, frame: Frame, node: ast.AST, name: str, args: Args, kwargs: Kwargs) -> Value:
    """Python's own functions."""
    first = args[0] if args else NOTHING
    if name in _SCALARS and len(args) == 1 and known(first) and isinstance(first.const, str | int | float | bool):
        try:
            return Value(first.labels, None, _SCALARS[name](first.const))
        except (ValueError, OverflowError, TypeError):
            return Value(first.labels)
    if name == "bool" and args:
        from audits.facts.code.expressions import truth

        verdict = truth(first)
        return Value(first.labels, None, UNKNOWN if verdict is None else verdict)
    if name == "range":
        start = args[0].const if len(args) > 1 else 0
        if len(args) == 1 and args[0].const == 0:
            return Value(0, Fixed([]))
        if len(args) == 3 and isinstance(args[2].const, int) and args[2].const < 0:
            start = UNKNOWN
        mask = union(machine, args, kwargs) & ~(lab.NEXT_INDEX)
        return Value(mask & ~machine.labels.vals, None, ("range", start))
    if name in ("list", "tuple", "sorted", "reversed", "set", "frozenset", "iter", "deque"):
        return copy_sequence(machine, first) if args else make_list(machine, [])
    if name == "dict":
        box = machine.track(Container(is_dict=True))
        for key, value in kwargs.items():
            machine.put((id(box), ("key", key)), value)
        machine.add_content(box, union(machine, args, kwargs))
        return Value(0, box)
    if name == "enumerate" and args:
        return Value(0, Fixed([Value(0, None, ("range", 0)), first]), ("zip",))
    if name == "zip":
        return Value(0, Fixed(list(args)), ("zip",))
    if name == "next" and args:
        from audits.facts.code.statements import element_of

        tag = machine.loops[-1].tag if machine.loops else 0
        machine.effects += 1
        return element_of(machine, frame, node, first, tag, 2)
    if name in ("getattr", "setattr", "hasattr"):
        return attribute_call(machine, frame, name, args)
    if name == "isinstance":
        return NOTHING
    if name in ("__import__",):
        return Value(0, External(str(first.const)))
    if name == "vars" and args:
        return first
    if name == "map" and len(args) >= 2:
        from audits.facts.code.statements import element_of

        items = [element_of(machine, frame, node, value, 0) for value in args[1:]]
        return make_list(machine, [call_value(machine, frame, node, first, items, {})])
    if name == "pow" and len(args) == 3:
        return hash_operation(machine, frame, node, External("pow"), args, kwargs)
    if name[:1].isupper() and name.endswith(("Error", "Exception")):
        return NOTHING
    return opaque(machine, frame, node, 0, args, kwargs)


_SCALARS: dict[str, Callable[[Any], Any]] = {"int": int, "float": float, "str": str, "abs": lambda x: abs(x), "round": lambda x: round(x)}


def copy_sequence(machine: Machine, value: Value) -> Value:
    """Return a list of the same elements."""
    if isinstance(value.obj, Fixed) and value.const == ("zip",) or type(value.const) is tuple:
        from audits.facts.code.statements import element_of

        loop = machine.labels.tag(machine.labels.new_loop(), 1)
        item = element_of(machine, Frame.__new__(Frame), ast.Pass(), value, loop)
        return make_list(machine, [Value(item.labels, item.obj)])
    if isinstance(value.obj, Container | Fixed | Part | Instance):
        return value
    return Value(machine.mask(value))


def attribute_call(machine: Machine, frame: Frame, name: str, args: Args) -> Value:
    """`getattr`, `setattr` and `hasattr` with a constant name."""
    if len(args) < 2 or not isinstance(args[1].const, str):
        return Value(union(machine, args, {}))
    if name == "hasattr":
        return NOTHING
    from audits.facts.code.expressions import get_attribute

    if name == "getattr":
        found = get_attribute(machine, frame, args[0], args[1].const)
        if isinstance(found.obj, Bound) and not isinstance(args[0].obj, Buffer) and len(args) > 2:
            return args[2] if isinstance(args[0].obj, Instance | Class) else Value(args[2].labels)
        return found
    for obj in objects(args[0]):
        if isinstance(obj, Instance | Net) and len(args) > 2:
            machine.put((id(obj), args[1].const), args[2])
        elif isinstance(obj, Class) and len(args) > 2:
            obj.attrs[args[1].const] = args[2]
    return NONE


__all__ = ["Configuration", "backward", "call_external", "gather_from", "read_mask", "table_write", "trainable", "write_data"]
