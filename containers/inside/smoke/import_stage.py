"""Import the script as a module whose name is not `__main__`, and read off what it says about its model."""

from __future__ import annotations

from typing import Any

from ..scale import SCALE
from .session import Session

NAME = "referee_submission"
_FIGURES = {
    "dim": ("model_dim", "d_model", "n_embd", "hidden_dim", "dim", "hidden_size"),
    "layers": ("num_layers", "n_layer", "n_layers", "num_unique_layers"),
    "heads": ("num_heads", "n_head", "n_heads"),
    "kv_heads": ("num_kv_heads", "n_kv_heads"),
    "vocab": ("vocab_size",),
    "seq_len": ("train_seq_len", "seq_len", "sequence_length"),
}


def stage(session: Session) -> dict[str, Any]:
    """Import and return the figures found."""
    session.begin()
    module = session.run(NAME)
    return {"figures": figures(vars(module))}


def figures(names: dict[str, Any]) -> dict[str, int]:
    """Return the figures that the module's settings name, as they are before scaling."""
    holders = [names, *(vars(item) for item in list(names.values()) if _is_settings(item))]
    found = {}
    for figure, spellings in _FIGURES.items():
        for spelling in spellings:
            values = [
                holder[key] for holder in holders for key in (spelling, spelling.upper()) if key in holder
            ]
            numbers = [value for value in values if type(value) is int]
            if numbers:
                original = SCALE.changes.get(spelling.upper(), (numbers[-1],))[0]
                found[figure] = int(original)
                break
    return found


def _is_settings(item: Any) -> bool:
    name = item.__name__ if isinstance(item, type) else type(item).__name__
    return (
        getattr(item, "__module__", None) == NAME
        and any(word in name.lower() for word in ("hyper", "config", "args", "settings", "param"))
        and hasattr(item, "__dict__")
    )
