"""Which functions the abstract machine must enter: those that can score, learn, read or remember.

Decided on the text of each function, which is far cheaper than walking its tree; a function that is
left out is treated as one opaque operation on its arguments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs in a text. Plain ones are looked up first: that is many times faster than a pattern."""

    literals: list[str]
    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    """Each with a text that it cannot match without."""

    def in_text(self, text: str) -> bool:
        """Return whether any of the signs occurs in `text`."""
        for literal in self.literals:
            if literal in text:
                return True
        return any(needed in text and pattern.search(text) for needed, pattern in self.patterns)


def _patterns(*pairs: tuple[str, str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((needed, re.compile(pattern)) for needed, pattern in pairs)


_ACTS = Signs(
    """backward cross_entropy nll_loss softmax fromfile memmap frombuffer read_bytes read_text load_state_dict
    register_forward value_and_grad autograd environ getenv SentencePiece torch.load np.load deepcopy add.at
    scatter_add bincount Parameter .copy_( requires_grad fineweb _val_ _train_ torch.optim zeros defaultdict
    Counter( lambda""".split(),
    _patterns(
        (".step", r"\.step\b"),
        (".data", r"\.data\b"),
        ("open(", r"\bopen\("),
        ("global", r"\bglobal\b"),
        ("nonlocal", r"\bnonlocal\b"),
        ("glob", r"\bglob\b"),
        ("yield", r"\byield\b"),
        ("exec(", r"\bexec\("),
        ("[]", r"= *\[\]\s"),
        ("{}", r"= *\{\}\s"),
        ("return", r"return(?<=\breturn) *\{"),
        ("=", r"\.\w+ *=[^=]"),
        ("\n", r"\n\s+def "),
    ),
)
_SCORES = Signs(
    """cross_entropy nll_loss log_softmax logsumexp gather take_along backward autograd scatter bincount
    fromfile load_state_dict minimum maximum log(2 add.at ^ register_forward load_weights .copy_(""".split(),
    _patterns((".step", r"\.step\b"), ("open(", r"\bopen\(")),
)
_LEARNS = Signs(
    """backward autograd value_and_grad add.at scatter_add index_add bincount lstsq linalg minimum
    functional_call""".split(),
    _patterns(("+=", r"\]\s*\+=")),
)
_COMMON = frozenset(("forward", "backward", "step", "__init__", "__call__", "log"))
_OWN_FORWARD = re.compile(r"(?<![\w.])\w+\.forward\(")
_BREAKS = dict.fromkeys((code for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")), " ")
"""Every ASCII character that ends a word, to a space."""


def words(text: str) -> set[str]:
    """Return the identifiers that occur in `text`."""
    return set(text.translate(_BREAKS).split())


def learns(text: str) -> bool:
    """Return True when a text names an operation by which something can learn."""
    return _LEARNS.in_text(text)


class CallNames:
    """Who names whom, over the functions of a module. Functions that share a name share their fate."""

    def __init__(self, bodies: list[tuple[str, str]], classes: set[str]) -> None:
        self.bodies = bodies
        names = {name for name, _ in bodies}
        known = names | classes
        spoken = [(name, known.intersection(text.translate(_BREAKS).split())) for name, text in bodies]
        self.makers = {name for name, said in spoken if said & classes}
        """Functions that may make an object of a class of the module: its identity must not be lost."""
        self.callers: dict[str, set[str]] = {}
        for name, said in spoken:
            for called in said & names:
                self.callers.setdefault(called, set()).add(name)

    def acting(self) -> set[str]:
        """Return the functions that matter whatever they are given: they read, learn, score or keep."""
        return close(self.makers | {name for name, text in self.bodies if _ACTS.in_text(text)}, self.callers)

    def scoring(self) -> set[str]:
        """Return the functions that can score or change state: a net's other methods are maps."""
        seeds = {name for name, text in self.bodies if _SCORES.in_text(text)}
        # Every module has a `forward`: that a method calls some part's says nothing about this one.
        callers = {name: callers for name, callers in self.callers.items() if name not in _COMMON}
        callers["forward"] = {
            name for name, text in self.bodies if ".forward(" in text and _OWN_FORWARD.search(text)
        }
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
