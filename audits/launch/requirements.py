"""What the folder asks to be installed: requirement files line by line, and words anywhere in its texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.launch.records import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.submission import SourceFile, Submission

MAX_REQUIREMENTS = 300
MAX_LINE = 300
MAX_TEXT_BYTES = 200_000
_NAME = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,80})\s*(?:\[[^\]]{0,80}\])?\s*(?:[=<>!~;@ ].*)?\Z", re.DOTALL
)
_LISTS = (".toml", ".yml", ".yaml", ".cfg")
_PROSE = (".md", ".sh")
_INSTALLS = re.compile(
    r"\b(?:pip3?|uv|conda|mamba|poetry|apt|apt-get)\b.{0,80}?\b(?:install|add)\b", re.IGNORECASE
)
IMPORTED_AS = {
    "flash_attn_interface": ("flash-attn", "flash-attn-3", "flash_attn_3", "fa3", "flashattention"),
    "flash_attn": ("flash-attn", "flashattention"),
    "yaml": ("pyyaml",),
    "sklearn": ("scikit-learn",),
    "cv2": ("opencv-python",),
    "PIL": ("pillow",),
    "google": ("protobuf", "google"),
}
"""Import names whose distribution is called otherwise."""


def read_requirements(submission: Submission) -> tuple[Requirement, ...]:
    """Return what the requirement files of the folder ask for, the file nearest the top first."""
    found: list[Requirement] = []
    for file in sorted(submission.files, key=lambda entry: (entry.path.count("/"), entry.path)):
        if "requirements" in file.name.lower() and file.suffix in (".txt", ".in"):
            found += _of_file(file)
    return tuple(found[:MAX_REQUIREMENTS])


def _of_file(file: SourceFile) -> Iterator[Requirement]:
    text = file.data[:MAX_TEXT_BYTES].decode("utf-8", "replace")
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#", 1)[0].strip()[:MAX_LINE]
        match = _NAME.match(line)
        if match is not None:
            yield Requirement(normalised(match[1]), line, file.path, number)


def normalised(name: str) -> str:
    """Return a distribution name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared_packages(submission: Submission, packages: frozenset[str]) -> frozenset[str]:
    """Return those import names that the folder asks to be installed, in any spelling.

    In prose and scripts only what stands in a line that installs something counts: a README speaks of the
    author's own modules too (#2122).
    """
    text = "\n".join(_setup_texts(submission)).lower()
    return frozenset(name for name in packages if _mentions(text, name))


def _setup_texts(submission: Submission) -> Iterator[str]:
    for file in submission.files:
        listed = file.suffix in _LISTS or "requirements" in file.name.lower()
        if not listed and file.suffix not in _PROSE:
            continue
        text = file.data[:MAX_TEXT_BYTES].decode("utf-8", "replace")
        yield text if listed else "\n".join(_installing(text))


def _installing(text: str) -> Iterator[str]:
    """Yield the lines that install something, continued ones whole."""
    going_on = False
    for line in text.splitlines():
        if going_on or _INSTALLS.search(line[:2000]):
            yield line[:2000]
            going_on = line.rstrip().endswith("\\")


def _mentions(text: str, package: str) -> bool:
    """Tell whether a text names a package outside of a longer word or a file name."""
    low = package.lower()
    names = {low, low.replace("_", "-"), *IMPORTED_AS.get(package, ())}
    return any(re.search(rf"(?<![a-z0-9_]){re.escape(name)}(?![a-z0-9]|\.py)", text) for name in names)
