"""Which functions the abstract machine must enter: those that can score, learn, read or remember.

Decided on the text of each function, which is far cheaper than walking its tree; a function that is
left out is treated as one opaque operation on its arguments.
"""

from __future__ import annotations

import re

_ACTS = re.compile(
    r"backward|\.step\b|cross_entropy|nll_loss|softmax|fromfile|memmap|frombuffer|\bopen\(|read_bytes|read_text|"
    r"load_state_dict|register_forward|value_and_grad|autograd|environ|getenv|\bglobal\b|\bnonlocal\b|SentencePiece|"
    r"torch\.load|np\.load|\bglob\b|\byield\b|deepcopy|add\.at|scatter_add|bincount|Parameter|\.data\b|\.copy_\(|"
    r"\bexec\(|requires_grad|fineweb|_val_|_train_|torch\.optim|\.\w+ *=[^=]|"
    r"zeros|defaultdict|Counter\(|= *(?:\[\]|\{\})\s|\n\s+def |lambda"
)
_SCORES = re.compile(
    r"cross_entropy|nll_loss|log_softmax|logsumexp|gather|take_along|backward|\.step\b|autograd|scatter|bincount|"
    r"fromfile|\bopen\(|load_state_dict|minimum|maximum|log\(2|add\.at|\^|register_forward|load_weights|\.copy_\("
)
_LEARNS = re.compile(
    r"backward|autograd|value_and_grad|add\.at|scatter_add|index_add|bincount|lstsq|linalg|\]\s*\+=|minimum|functional_call"
)
_COMMON = frozenset(("forward", "backward", "step", "__init__", "__call__", "log"))
_OWN_FORWARD = re.compile(r"(?<![\w.])\w+\.forward\(")
_WORD = re.compile(r"[A-Za-z_]\w*")


def words(text: str) -> set[str]:
    """Return the identifiers that occur in `text`."""
    return set(_WORD.findall(text))


def learns(text: str) -> bool:
    """Return True when a text names an operation by which something can learn."""
    return _LEARNS.search(text) is not None


class CallNames:
    """Who names whom, over the functions of a module. Functions that share a name share their fate."""

    def __init__(self, bodies: list[tuple[str, str]], classes: set[str]) -> None:
        self.bodies = bodies
        spoken = [(name, words(text)) for name, text in bodies]
        self.makers = {name for name, said in spoken if said & classes}
        """Functions that may make an object of a class of the module: its identity must not be lost."""
        self.callers: dict[str, set[str]] = {}
        names = {name for name, _ in bodies}
        for name, said in spoken:
            for called in said & names:
                self.callers.setdefault(called, set()).add(name)

    def acting(self) -> set[str]:
        """Return the functions that matter whatever they are given: they read, learn, score or keep."""
        return close(self.makers | {name for name, text in self.bodies if _ACTS.search(text)}, self.callers)

    def scoring(self) -> set[str]:
        """Return the functions that can score or change state: a net's other methods are maps."""
        seeds = {name for name, text in self.bodies if _SCORES.search(text)}
        # Every module has a `forward`: that a method calls some part's says nothing about this one.
        callers = {name: callers for name, callers in self.callers.items() if name not in _COMMON}
        callers["forward"] = {name for name, text in self.bodies if _OWN_FORWARD.search(text)}
        return close(seeds, callers)

    def learning(self) -> set[str]:
        """Return the functions that can learn themselves or through one another."""
        return close({name for name, text in self.bodies if learns(text)}, self.callers)


def close(marked: set[str], callers: dict[str, set[str]]) -> set[str]:
    """Return the marked names and all that lead to them."""
    queue = list(marked)
    while queue:
        for caller in callers.get(queue.pop(), ()):
            if caller not in marked:
                marked.add(caller)
                queue.append(caller)
    return marked
