"""How much of a submission is read, and what is never opened.

Promises that no more than `MAX_TOTAL_BYTES` of content is held for one submission, and that the
content of a binary artifact is never read; its true size is kept all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from audits.submission import IntakeProblem, SourceFile

MAX_TEXT_BYTES = 8 * 1024 * 1024
MAX_TOTAL_BYTES = 64 * 1024 * 1024
MAX_READ_FILES = 256
MAX_LISTED_FILES = 4096
MAX_PACKED_CODE_BYTES = 512 * 1024
"""A compressed sibling up to this size may be code that the script unpacks; a model is larger."""

LOG_SUFFIXES = frozenset({".log", ".txt", ".out", ".err", ".tsv", ".csv", ".jsonl"})
PACKED_SUFFIXES = frozenset({".lzma", ".xz", ".gz", ".bz2", ".br", ".zst", ".zlib", ".b85", ".b64"})
BINARY_SUFFIXES = frozenset(
    [
        ".ptz",
        ".pt",
        ".pth",
        ".bin",
        ".so",
        ".dll",
        ".dylib",
        ".a",
        ".o",
        ".zip",
        ".tar",
        ".tgz",
        ".7z",
        ".npz",
        ".npy",
        ".pkl",
        ".pickle",
        ".safetensors",
        ".model",
        ".whl",
        ".pyc",
        ".hgz",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".webp",
        ".pdf",
        ".mp4",
        ".mov",
        ".svgz",
        ".ico",
        ".onnx",
        ".gguf",
        ".parquet",
        ".arrow",
        ".db",
        ".sqlite",
        ".woff",
        ".woff2",
        ".ttf",
        ".vocab",
    ]
)


def is_binary_name(path: str, size: int) -> bool:
    """Return whether the name alone says that the content is not for reading."""
    suffix = _suffix(path)
    if suffix in PACKED_SUFFIXES:
        return size > MAX_PACKED_CODE_BYTES
    return suffix in BINARY_SUFFIXES


def reading_order(path: str) -> tuple[int, int, str]:
    """Sort key that puts what a reviewer opens first before bulk material."""
    name = path.rsplit("/", 1)[-1].lower()
    suffix = _suffix(path)
    if suffix == ".py" or name.startswith(("readme", "submission")):
        rank = 0
    elif suffix in {
        ".c",
        ".cc",
        ".cpp",
        ".cu",
        ".cuh",
        ".h",
        ".hpp",
        ".sh",
        ".json",
        ".toml",
        ".yaml",
        ".yml",
    }:
        rank = 1
    elif suffix == ".log":
        rank = 2
    else:
        rank = 3
    return rank, path.count("/"), path


def _suffix(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return "." + name.rsplit(".", 1)[1].lower() if "." in name[1:] else ""


@dataclass(slots=True)
class ReadBudget:
    """Counts what was read for one submission, and says when to stop."""

    files: int = 0
    total: int = 0
    problems: list[IntakeProblem] = field(default_factory=list)

    def refusal(self, size: int) -> str | None:
        """Return why another file of `size` bytes is not read, or None when it may be."""
        if self.files >= MAX_READ_FILES:
            return "file-cap"
        if self.total + min(size, MAX_TEXT_BYTES) > MAX_TOTAL_BYTES:
            return "total-cap"
        return None

    def note(self, code: str, path: str, message: str) -> None:
        """Remember one problem."""
        self.problems.append(IntakeProblem(code=code, path=path, message=message))

    def spend(self, size: int) -> None:
        """Count one file as read."""
        self.files += 1
        self.total += size


def cut_spans(path: str, size: int) -> tuple[tuple[int, int], ...]:
    """Return the (offset, length) pieces that are kept of a file of `size` bytes.

    A log keeps its head and its tail, because settings stand first and the score stands last.
    """
    if size <= MAX_TEXT_BYTES:
        return ((0, size),)
    if _suffix(path) in LOG_SUFFIXES:
        half = MAX_TEXT_BYTES // 2
        return ((0, half), (size - half, half))
    return ((0, MAX_TEXT_BYTES),)


def cut_bytes(path: str, data: bytes) -> bytes:
    """Return the kept pieces of content that is already in memory."""
    spans = cut_spans(path, len(data))
    return data if len(data) <= MAX_TEXT_BYTES else b"\n".join(data[at : at + n] for at, n in spans)


def inspect(entry: SourceFile, budget: ReadBudget) -> SourceFile:
    """Note what is odd about a file that was read, and return it with binary content dropped."""
    if entry.truncated:
        budget.note("truncated-file", entry.path, f"{entry.size} bytes; only {len(entry.data)} were read")
    if entry.suffix in PACKED_SUFFIXES:
        return entry
    if b"\0" in entry.data[:8192] and not entry.data.startswith((b"\xff\xfe", b"\xfe\xff")):
        if entry.suffix not in {".py", ".json", ".md"}:
            return _without_content(entry, "binary")
        budget.note("nul-bytes", entry.path, "text file holds NUL bytes")
    if entry.size == 0 and entry.suffix == ".py" and entry.name != "__init__.py":
        budget.note("empty-script", entry.path, "script of 0 bytes")
    if entry.data.startswith(b"\xef\xbb\xbf"):
        budget.note("byte-order-mark", entry.path, "starts with a UTF-8 byte order mark")
    elif not _is_utf8(entry):
        budget.note("bad-encoding", entry.path, "is not UTF-8 text")
    _note_long_line(entry, budget)
    return entry


def _is_utf8(entry: SourceFile) -> bool:
    try:
        entry.data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A cut may fall inside one character; that is our doing, not the author's.
        return entry.truncated and len(entry.data) - error.start <= 4
    return True


def _note_long_line(entry: SourceFile, budget: ReadBudget) -> None:
    if entry.suffix != ".py" or len(entry.data) < 1_000_000:
        return
    longest = max(map(len, entry.data.split(b"\n")))
    if longest >= 1_000_000:
        budget.note("long-line", entry.path, f"one line of {longest} bytes")


def _without_content(entry: SourceFile, why: str) -> SourceFile:
    return SourceFile(path=entry.path, data=b"", size=entry.size, blob_id=entry.blob_id, unread=why)


def not_read(path: str, size: int, blob_id: str, why: str) -> SourceFile:
    """Return the record of a file whose content was left alone."""
    return SourceFile(path=path, data=b"", size=size, blob_id=blob_id, unread=why)
