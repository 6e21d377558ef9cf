"""Check the packages that a run will find: looked up in its own kind of box, compared with what it asks for.

Promises that nothing of the submission is in that box. A version that its requirements do not take is a
difference; a box whose torch sees no GPU where the profile needs one stands in the way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from containers.engine import run
from containers.request import GIB, Limits, SandboxRequest
from harness.replay.preflight.records import Found, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from containers.engine.interface import Engine
    from harness.replay.plan import Plan
    from harness.replay.profile import Profile

MAX_NAMES: Final = 100
_LIMITS: Final = Limits(wall_seconds=120.0, memory_bytes=64 * GIB, scratch_bytes=1 * GIB)
_LOOK: Final = """
import json, sys
from importlib.metadata import PackageNotFoundError, version
names, found = json.loads(sys.argv[1]), {}
for name in names:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        found[name] = None
try:
    import torch
    cuda, seen = torch.version.cuda, torch.cuda.is_available()
except Exception as error:
    cuda, seen = None, f"{type(error).__name__}: {error}"[:200]
print(json.dumps({"python": sys.version.split()[0], "found": found, "cuda": cuda, "seen": seen}))
"""
_ALWAYS: Final = ("torch", "flash-attn")


def check_packages(engine: Engine, image: str, plan: Plan, profile: Profile) -> Iterator[Found]:
    """Yield what the box holds of what is asked for."""
    asked = dict(_asked(plan.requirements))
    names = sorted({*_ALWAYS, *asked})[:MAX_NAMES]
    request = SandboxRequest(
        image=image,
        files=(),
        job=b"{}",
        command=("python", "-c", _LOOK, json.dumps(names)),
        limits=_LIMITS,
        gpus=profile.device == "cuda",
    )
    said = run(engine, request)
    try:
        seen: dict[str, Any] = json.loads(said.output.decode().splitlines()[-1])
    except (IndexError, ValueError):
        why = said.failure.message if said.failure else said.output.decode("utf-8", "replace")[-200:]
        yield Found("packages", Level.BLOCKING, f"the box does not start: {why}")
        return
    yield Found("Python", Level.FINE, str(seen["python"]))
    yield from (_version(name, seen["found"][name], asked.get(name, "")) for name in names)
    if profile.device == "cuda":
        yield _cuda(seen)


def _asked(requirements: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield distribution and versions taken, for the lines that can be read; the last line of a name wins."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for line in requirements:
        try:
            found = Requirement(line)
        except InvalidRequirement:
            continue
        if found.marker is None or found.marker.evaluate():
            yield canonicalize_name(found.name), str(found.specifier)


def _version(name: str, version: str | None, taken: str) -> Found:
    """Return how the version there compares with those that are taken."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    if version is None:
        asked = f", {name}{taken} is asked for" if taken else ""
        return Found(name, Level.DIFFERENT if taken else Level.FINE, f"not installed{asked}")
    try:
        fits = Version(version) in SpecifierSet(taken, prereleases=True)
    except InvalidVersion:
        fits = not taken
    asked = "" if fits else f", {name}{taken} is asked for"
    return Found(name, Level.FINE if fits else Level.DIFFERENT, f"{version}{asked}")


def _cuda(seen: dict[str, Any]) -> Found:
    """Return whether torch reaches a GPU from inside the box."""
    if seen["seen"] is True:
        return Found("CUDA in the box", Level.FINE, f"{seen['cuda']}, torch sees a GPU")
    why = seen["seen"] if isinstance(seen["seen"], str) else f"built for CUDA {seen['cuda']}, it sees no GPU"
    return Found("CUDA in the box", Level.BLOCKING, f"torch: {why}")
