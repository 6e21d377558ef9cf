"""The image that submissions run in: built once, keyed by a digest of its inputs, reused.

`prepare_image` gives it to whichever engine there is, `prepare_named` takes one that a person named.
Nothing of a submission ever enters an image.
"""

from __future__ import annotations

from containers.image.build import BuildError, Image, ensure_image, prepare_image, prepare_named

__all__ = ["BuildError", "Image", "ensure_image", "prepare_image", "prepare_named"]
