"""Which functions the abstract machine must enter: those that can score, learn, read or remember.

Decided on the text of each function, which is far cheaper than walking its tree; a function that is
left out is treated as one opaque operation on its arguments.
"""

from __future__ import annotations

import re

_EFFECTS = re.compile(
    r"\+=|backward|\.step\b|cross_entropy|nll_loss|log_softmax|logsumexp|softmax|\bgather\b|take_along|add\.at|scatter|"
    r"index_add|index_put|bincount|fromfile|memmap|frombuffer|\bopen\(|read_bytes|read_text|load_state_dict|"
    r"register_forward|value_and_grad|autograd|log\(2|log2|0\.693|1\.442|SentencePiece|\bglob\b|np\.load|"
    r"torch\.load|\bglobal\b|\bnonlocal\b|\.append\(|\.extend\(|\]\s*\+=|\^|requires_grad|lstsq|\.solve\(|"
    r"nn\.Parameter|Parameter\(|\.data\b|\.copy_\(|\bexec\(|deepcopy|\.update\(|setdefault|\.add_\(|\.sub_\(|"
    r"\.mul_\(|torch\.optim|minimum|maximum|environ|getenv|\byield\b|logaddexp|\.lerp_\(|addcdiv_|lambda|state_dict|"
    r"fineweb|_val_|_train_|val_\*|train_\*|/val|/train"
)
_WORD = re.compile(r"[A-Za-z_]\w*")


def has_effects(text: str) -> bool:
    """Return True when the text of a function names an operation the analysis follows."""
    return _EFFECTS.search(text) is not None


def words(text: str) -> set[str]:
    """Return the identifiers that occur in `text`."""
    return set(_WORD.findall(text))


def relevant_functions(bodies: list[tuple[str, str]]) -> set[str]:
    """Return the names of functions that have effects themselves or through one another.

    `bodies` holds (name, text) of every function; functions that share a name share their fate.
    """
    marked: set[str] = set()
    callers: dict[str, set[str]] = {}
    names = {name for name, _ in bodies}
    for name, text in bodies:
        if has_effects(text):
            marked.add(name)
        for called in words(text) & names:
            callers.setdefault(called, set()).add(name)
    queue = list(marked)
    while queue:
        for caller in callers.get(queue.pop(), ()):
            if caller not in marked:
                marked.add(caller)
                queue.append(caller)
    return marked
