"""The image that submissions run in: built once, keyed by a digest of its inputs, reused.

`ensure_image` is the whole interface. Nothing of a submission ever enters an image.
"""

from __future__ import annotations

from containers.image.build import Image, ensure_image

__all__ = ["Image", "ensure_image"]
