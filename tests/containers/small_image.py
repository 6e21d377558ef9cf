"""The image without the packages: Python, the supervisor, the users. Enough for what an engine promises."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from containers.image import ensure_image
from containers.image.inputs import INSIDE, inside_files, read_inputs

if TYPE_CHECKING:
    import docker

_RECIPE = """
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN echo "supervisor:x:10001:10001::/nonexistent:/usr/sbin/nologin" >> /etc/passwd \\
    && echo "submission:x:10002:10002::/scratch:/bin/sh" >> /etc/passwd \\
    && echo "supervisor:x:10001:" >> /etc/group && echo "submission:x:10002:supervisor" >> /etc/group \\
    && mkdir -p /scratch /submission /job && chmod 1777 /scratch && python3 -m venv --without-pip /opt/referee
COPY referee_inside /opt/inside/referee_inside
ENV PATH=/opt/referee/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1
USER 10001
"""


def small_image(client: docker.DockerClient) -> str:
    """Return the tag of the small image, built on the base of the real one when it is missing."""
    tag = f"referee-contract:{read_inputs().digest}"
    if not client.images.list(name=tag):
        base = ensure_image().base
        client.images.build(
            fileobj=_context(), custom_context=True, tag=tag, buildargs={"BASE_IMAGE": base}, rm=True
        )
    return tag


def _context() -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        recipe = tarfile.TarInfo("Dockerfile")
        recipe.size = len(_RECIPE)
        tar.addfile(recipe, io.BytesIO(_RECIPE.encode()))
        for path in inside_files():
            tar.add(path, f"referee_inside/{path.relative_to(INSIDE)}")
    packed.seek(0)
    return packed
