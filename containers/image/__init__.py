"""The image that submissions run in: built once, keyed by a digest of its inputs, reused.

`prepare_image` gives it to whichever engine there is. Nothing of a submission ever enters an image.
"""

from __future__ import annotations

from containers.image.build import BuildError, Image, ensure_image, prepare_image

__all__ = ["BuildError", "Image", "ensure_image", "prepare_image"]
