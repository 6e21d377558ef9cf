"""Read what an unprivileged run uploaded. The archive is hostile until every check here has passed.

Promises that nothing is written to disk, that no entry is read beyond its cap, and that an archive with a
link, an odd path, a surprising file or a duplicate is refused as a whole, with the reason.
"""

from __future__ import annotations

import io
import stat
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.github.faults import RefusedError
from harness.github.sarif_model import SarifFile
from harness.report.view_model import ReviewFile

if TYPE_CHECKING:
    from collections.abc import Mapping

ARTIFACT = "referee-run"
MAX_ARCHIVE_BYTES = 8_000_000
_MAX_ENTRIES = 64
_CAPS = {"review.json": 4_000_000, "review.sarif": 4_000_000}
_UNREAD = ("run.json", "submission.json", "audit.json", "review.md", "review.txt")
"""Files of a run directory that an honest upload has and nobody needs here."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What an upload says, checked in form. Whether it is true is for `trust` to say."""

    review: ReviewFile
    sarif: SarifFile


def read_upload(archive: bytes) -> Upload:
    """Return what an uploaded archive holds, or refuse it."""
    if len(archive) > MAX_ARCHIVE_BYTES:
        raise RefusedError(f"the upload is larger than {MAX_ARCHIVE_BYTES:,} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            texts = _read(opened)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, OSError, EOFError) as error:
        raise RefusedError(f"the upload is no archive: {error}") from None
    except RuntimeError as error:  # zipfile's word for an encrypted entry
        raise RefusedError(f"the upload cannot be read: {error}") from None
    return _parse(texts)


def _read(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Return the files that are needed, after a look at every entry."""
    entries = archive.infolist()
    if len(entries) > _MAX_ENTRIES:
        raise RefusedError(f"the upload holds {len(entries)} files")
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        raise RefusedError("the upload holds a file twice")
    for entry in entries:
        _check_entry(entry)
    missing = sorted(set(_CAPS) - set(names))
    if missing:
        raise RefusedError(f"the upload has no {missing[0]}")
    return {name: _bounded(archive, name, cap) for name, cap in _CAPS.items()}


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Refuse an entry that an honest upload does not have."""
    name = entry.filename
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or ".." in parts or ":" in name or "\0" in name:
        raise RefusedError(f"the upload wants to be unpacked elsewhere: {name}")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind and not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise RefusedError(f"the upload holds a link or a device: {name}")
    is_stage = len(parts) == 2 and parts[0].isidentifier() and (parts[1] == "" or parts[1].endswith(".json"))
    if name not in _CAPS and name not in _UNREAD and not is_stage:
        raise RefusedError(f"the upload holds a file that no review writes: {name}")
    if entry.file_size > _CAPS.get(name, MAX_ARCHIVE_BYTES * 4):
        raise RefusedError(f"{name} unpacks to {entry.file_size:,} bytes")


def _bounded(archive: zipfile.ZipFile, name: str, cap: int) -> bytes:
    """Return one entry, never more of it than its cap: the size in the archive is only a claim."""
    with archive.open(name) as stream:
        data = stream.read(cap + 1)
    if len(data) > cap:
        raise RefusedError(f"{name} unpacks to more than {cap:,} bytes")
    return data


def _parse(texts: Mapping[str, bytes]) -> Upload:
    """Return the files as their schemas describe them."""
    return Upload(
        review=_validated(ReviewFile, texts["review.json"], "review.json"),
        sarif=_validated(SarifFile, texts["review.sarif"], "review.sarif"),
    )


def _validated(model: Any, data: bytes, name: str) -> Any:
    """Return one file, checked against its schema."""
    try:
        return model.model_validate_json(data)
    except (ValidationError, RecursionError, UnicodeDecodeError) as error:
        said = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        where = "/".join(str(part) for part in said["loc"][:6])
        raise RefusedError(f"{name} breaks its schema at {where or 'the top'}: {said['msg']}") from None
