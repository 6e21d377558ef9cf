"""Run the script at full size up to its first training step, and look at the model there.

The model is the module that the script calls when it trains. The script itself builds it, from its own
hyperparameters; nothing here knows how.
"""

from __future__ import annotations

from typing import Any

from ..source import loader
from .mlx_watch import MlxWatch
from .model_watch import ModelWatch, StageDoneError
from .session import Session


def stage(session: Session) -> dict[str, Any]:
    """Return what was seen of the model, its forward and its backward pass."""
    session.begin()
    watch, mlx_watch = ModelWatch(), MlxWatch()
    watch.install()
    loader.LISTENERS.append(mlx_watch.learn)
    try:
        session.run("__main__")
    except StageDoneError:
        pass
    except SystemExit as error:
        if error.code not in (None, 0):
            raise
    return mlx_watch.facts() if mlx_watch.built else watch.facts()
