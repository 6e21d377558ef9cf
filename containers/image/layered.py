"""Somebody else's image, with our own code on top: for runs that need packages which ours does not hold.

Promises that a name is looked up where the engine keeps its images, and fetched only when it is not there;
that the layer is made once for each base and state of our code; and that nothing is installed. The base
brings a `python3` with the packages; what else it holds is its maker's affair.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from containers.image.image import BuildError, Image
from containers.image.inputs import HERE, lay_out_inside, read_inputs
from containers.image.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from containers.image.store import Store

RECIPE: Final = "layered.Dockerfile"
_OURS: Final = "import os; print(os.path.isdir('/opt/inside/referee_inside'))"


def ensure_layered_image(store: Store, name: str, progress: Callable[[str], None]) -> Image:
    """Return an image that can run submissions with the packages of `name`; raises BuildError."""
    started = time.monotonic()
    try:
        base = store.find(name)
        if base is None:
            progress(f"fetching {name}")
            store.pull(name)
            base = store.find(name)
        if base is None:
            raise BuildError(f"there is no image {name}")
        if store.run(name, ["python3", "-c", _OURS]) == "True":
            return Image(base[0], name, base[1] or name, False, time.monotonic() - started)
        tag, built = _tag(base[0]), False
        if store.find(tag) is None:
            _build(store, name, tag, progress)
            built = True
        found = store.find(tag)
    except StoreError as error:
        raise BuildError(str(error)) from error
    if found is None:
        raise BuildError(f"{tag} was built but the engine does not list it")
    return Image(found[0], tag, name, built, time.monotonic() - started)


def _tag(base_id: str) -> str:
    """Return the tag of the layer over a base: a digest of the base, the recipe and our own code."""
    whole = hashlib.sha256(f"{base_id}\0{read_inputs().digest}\0".encode())
    whole.update((HERE / RECIPE).read_bytes())
    return f"referee-layered:{whole.hexdigest()[:12]}"


def _build(store: Store, base: str, tag: str, progress: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="referee-build-") as folder:
        lay_out_inside(Path(folder), RECIPE)
        store.build(folder, tag, {"BASE_IMAGE": base}, progress)
