"""Images that a person named: another's with our own code over it, and the environment that runs us."""

from __future__ import annotations

import io
import site
import tarfile
from pathlib import Path

import pytest

from containers.image import BuildError, ensure_image, prepare_named
from containers.image.own import package_folders
from tests.containers.boxes import run_code
from tests.containers.needed import needed_engine

FOREIGN = "referee-test-foreign:1"
RECIPE = """
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN site="$(python3 -c 'import site; print(site.getsitepackages()[0])')" && mkdir -p "$site" \\
    && echo "WORD = 'theirs'" > "$site/foreign_package.py"
ENTRYPOINT ["/bin/false"]
USER 65534
"""
LOOK = """
    import foreign_package, referee_inside, os, shutil
    print(foreign_package.WORD, os.getuid(), shutil.which("torchrun"))
"""


@pytest.fixture(scope="module")
def docker_engine():
    return needed_engine("docker")


@pytest.fixture(scope="module")
def foreign(docker_engine):
    """Return the name of an image that knows nothing of us and ends whatever it is asked to run."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(RECIPE)
        tar.addfile(entry, io.BytesIO(RECIPE.encode()))
    packed.seek(0)
    base = {"BASE_IMAGE": ensure_image().base}
    docker_engine.client.images.build(
        fileobj=packed, custom_context=True, tag=FOREIGN, buildargs=base, rm=True
    )
    yield FOREIGN
    docker_engine.client.images.remove(FOREIGN, force=True)


def test_another_image_keeps_its_packages_and_gets_our_code(docker_engine, foreign):
    image = prepare_named("docker", foreign)
    try:
        result = run_code(docker_engine, image.id, LOOK)
        said = result.output.decode().split()
        assert said == ["theirs", "10002", "/opt/referee/bin/torchrun"], result
        assert result.missing_isolation == docker_engine.missing
        again = prepare_named("docker", foreign)
        assert (again.id, again.built) == (image.id, False)
    finally:
        docker_engine.client.images.remove(image.tag, force=True)


def test_our_own_image_is_taken_as_it_is(docker_engine):
    ours = ensure_image()
    assert prepare_named("docker", ours.tag).id == ours.id


def test_an_image_that_nobody_has_is_an_error(docker_engine):
    with pytest.raises(BuildError):
        prepare_named("docker", "referee-test-nowhere:1")


def test_bubblewrap_sees_the_packages_that_run_us():
    engine = needed_engine("bubblewrap")
    code = """
        import libcst, referee_inside, sys
        from pathlib import Path
        folder = Path(libcst.__file__).parents[1]
        try:
            (folder / "written").touch()
        except OSError as error:
            print(folder, error.strerror, sep="|")
    """
    result = run_code(engine, prepare_named("bubblewrap", "host").id, code)
    folder, _, error = result.output.decode().strip().partition("|")
    assert folder in package_folders(), result
    assert error == "Read-only file system"


def test_bubblewrap_knows_no_other_name():
    with pytest.raises(BuildError, match="knows no images"):
        prepare_named("bubblewrap", "python:3.12-slim")


def test_package_folders_are_those_of_this_interpreter():
    assert str(Path(site.getsitepackages()[0]).resolve()) in package_folders()
