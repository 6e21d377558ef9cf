"""What calls of the standard library and of the codecs give, when all they get is known."""

from __future__ import annotations

import lzma
import posixpath
import zlib

from audits.unpack import decoders
from audits.unpack.evaluator import Evaluator
from audits.unpack.folder_files import TEMPORARY, FolderFiles
from audits.unpack.limits import MAX_ITEMS, CapExceededError
from audits.unpack.memory import DECODER_BYTES, demand
from audits.unpack.readings import as_text, items_of, path_text
from audits.unpack.values import (
    UNKNOWN,
    Code,
    Data,
    FileValue,
    Made,
    ModuleValue,
    Namespace,
    PathValue,
    Ref,
    Unknown,
    Value,
    is_packed,
    plain,
)

_ALIASES = {
    "pathlib.PurePath": "pathlib.Path",
    "pathlib.PosixPath": "pathlib.Path",
    "io.open": "builtins.open",
}
_DECOMPRESSORS = frozenset(
    "lzma.LZMADecompressor zlib.decompressobj bz2.BZ2Decompressor zstandard.ZstdDecompressor "
    "zstd.ZstdDecompressor brotli.Decompressor".split()
)
_OPENERS = {"gzip.open": "gzip", "lzma.open": "lzma", "bz2.open": "bz2"}


class Library:
    """Answers calls by qualified name. What it does not know is `UNKNOWN`, marked when a payload went in."""

    def __init__(self, files: FolderFiles, work: Evaluator) -> None:
        """Keep the file view and the evaluator."""
        self.files = files
        self.work = work
        self.decoded: list[Data] = []
        self.caps_hit: list[CapExceededError] = []
        self.temporary = 0

    def attribute(self, name: str) -> Value:
        """Return a constant of a library module (`lzma.FORMAT_RAW`), or the name itself."""
        module, _, attribute = name.rpartition(".")
        source = {"lzma": lzma, "zlib": zlib}.get(module)
        if source is not None and attribute.isupper():
            number = getattr(source, attribute, None)
            if isinstance(number, int):
                return number
        if name in ("os.sep", "os.path.sep"):
            return Data("/")
        if name == "sys.argv":
            return [Data(self.files.dunder_file)]
        return Ref(name)

    def call(self, raw_name: str, args: list[Value], named: dict[str, Value]) -> Value:
        """Return what a library call gives."""
        name = _ALIASES.get(raw_name, raw_name)
        if name.startswith(("builtins.bytes.", "builtins.bytearray.")):
            name = name.removeprefix("builtins.")
        if name in decoders.BY_CALL:
            return self._decode(*decoders.BY_CALL[name], name, args, named)
        if name == "codecs.decode":
            return self._codecs(args, named)
        if name in _DECOMPRESSORS:
            return Made(name, tuple((key, plain(item)) for key, item in _positional(args, named, 0).items()))
        if name in _OPENERS and args:
            path = path_text(args[0])
            return FileValue(path, _mode(args, named, "rb") != "rt", _OPENERS[name]) if path else UNKNOWN
        if name.startswith("builtins."):
            return self._builtin(name[9:], args, named)
        if name.startswith("os.path."):
            return self._os_path(name[8:], args)
        return self._other(name, args, named)

    def made_call(self, owner: Made, method: str, args: list[Value], named: dict[str, Value]) -> Value:
        """Return what a method of a decompressor object gives."""
        name = f"{owner.name}.{method}"
        if method == "process":
            name = f"{owner.name}.decompress"
        if name not in decoders.BY_CALL:
            return Data(b"") if method in ("flush", "finish") else UNKNOWN
        merged = {key: value for key, value in owner.options if value is not None}
        # zlib.decompressobj takes wbits first, zlib.decompress second.
        if owner.name in ("zlib.decompressobj", "lzma.LZMADecompressor") and "0" in merged:
            merged["1"] = merged["0"]
        return self._decode(*decoders.BY_CALL[name], name, args[:1], named, merged)

    def read_file(self, handle: FileValue) -> Value:
        """Return all that an open file holds."""
        if not handle.codec:
            return self.files.read(handle.path, handle.binary)
        raw = self.files.read(handle.path, True)
        value = self._decode(*decoders.BY_CODEC[handle.codec], handle.codec, [raw], {})
        if not handle.binary and isinstance(value, Data) and isinstance(value.value, bytes):
            return value.like(value.value.decode("utf-8", "replace"))
        return value

    def _decode(
        self,
        codec: str,
        decoder: decoders.Decoder,
        call: str,
        args: list[Value],
        named: dict[str, Value],
        options: dict[str, object] | None = None,
    ) -> Value:
        data = (
            args[0]
            if args
            else next((named[key] for key in ("data", "s", "string") if key in named), UNKNOWN)
        )
        if not isinstance(data, Data):
            return Unknown(packed=True)
        content = data.value.encode("utf-8", "replace") if isinstance(data.value, str) else data.value
        given = {**(options or {}), **{key: plain(item) for key, item in _positional(args, named, 1).items()}}
        given["call"] = call
        try:
            out = decoder(content, given)
            self.work.budget.spend(len(out))
        except CapExceededError as error:
            if error.code == "budget-spent":
                raise
            self.caps_hit.append(error)
            return Unknown(why=error.message)
        except decoders.ERRORS as error:
            demand(DECODER_BYTES)
            return Unknown(why=f"{codec}: {str(error)[:120]}", packed=True)
        result = Data(out, (*data.codecs, codec), data.line, data.raw_bytes, data.file, data.settled)
        self.decoded.append(result)
        return result

    def _codecs(self, args: list[Value], named: dict[str, Value]) -> Value:
        codec = plain(args[1]) if len(args) > 1 else plain(named.get("encoding"))
        if (
            codec in ("rot13", "rot_13")
            and args
            and isinstance(args[0], Data)
            and isinstance(args[0].value, str)
        ):
            import codecs

            return Data(codecs.decode(args[0].value, "rot13"), (*args[0].codecs, "rot13"), args[0].line)
        if isinstance(codec, str) and codec in decoders.BY_CODEC:
            return self._decode(*decoders.BY_CODEC[codec], f"codecs.{codec}", args[:1], {})
        return Unknown(packed=True)

    def _builtin(self, name: str, args: list[Value], named: dict[str, Value]) -> Value:
        first = args[0] if args else UNKNOWN
        if name == "open":
            path = path_text(first)
            return FileValue(path, "b" in _mode(args, named, "r")) if path else UNKNOWN
        if name == "compile":
            return Code(first)
        if name == "__import__":
            return Ref(str(first.value)) if isinstance(first, Data) else UNKNOWN
        if name == "getattr" and len(args) > 1 and isinstance(args[1], Data) and isinstance(first, Ref):
            return self.attribute(f"{first.name}.{path_text(args[1])}")
        if name == "vars" and isinstance(first, ModuleValue):
            return Namespace(first)
        if name == "dict":
            made: dict[object, Value] = dict(first) if isinstance(first, dict) else _pairs(first)
            made.update(named)
            return made
        if name == "str":
            return self._str(args)
        if name in ("bytes", "bytearray"):
            return self._bytes(first)
        if name in ("chr", "ord", "int", "len", "range"):
            return self._number(name, args)
        return self._sequence(name, args)

    def _str(self, args: list[Value]) -> Value:
        first = args[0] if args else Data("")
        if len(args) > 1 and isinstance(first, Data) and isinstance(first.value, bytes):
            return first.like(first.value.decode("utf-8", "replace"))
        return as_text(first)

    def _bytes(self, first: Value) -> Value:
        if isinstance(first, Data):
            return (
                first
                if isinstance(first.value, bytes)
                else first.like(first.value.encode("utf-8", "replace"))
            )
        items = items_of(first)
        if items is not None and all(isinstance(item, int) and 0 <= item < 256 for item in items):
            return Data(bytes(item for item in items if isinstance(item, int)))
        return UNKNOWN

    def _number(self, name: str, args: list[Value]) -> Value:
        first = args[0] if args else UNKNOWN
        if name == "chr" and isinstance(first, int) and 0 <= first < 0x110000:
            return Data(chr(first))
        if name == "ord" and isinstance(first, Data) and len(first.value) == 1:
            return ord(first.value)
        if name == "int" and isinstance(first, int | float) and abs(first) < 1e15:
            return int(first)
        if name == "len":
            return len(first.value) if isinstance(first, Data) else _length(first)
        if name == "range" and all(isinstance(arg, int) for arg in args):
            numbers = (
                range(*(arg for arg in args if isinstance(arg, int))) if 1 <= len(args) <= 3 else range(0)
            )
            return list(numbers) if len(numbers) <= MAX_ITEMS else UNKNOWN
        return UNKNOWN

    def _sequence(self, name: str, args: list[Value]) -> Value:
        columns = [items_of(arg) for arg in args]
        known = [column for column in columns if column is not None]
        if len(known) != len(columns) or not known:
            return Unknown(packed=any(is_packed(arg) for arg in args))
        self.work.budget.spend(sum(map(len, known)))
        if name == "zip":
            return [tuple(row) for row in zip(*known, strict=False)]
        if name == "enumerate":
            return [(index, item) for index, item in enumerate(known[0])]
        if name in ("list", "iter", "sorted"):
            return known[0]
        if name == "tuple":
            return tuple(known[0])
        return known[0][::-1] if name == "reversed" else UNKNOWN

    def _os_path(self, name: str, args: list[Value]) -> Value:
        texts = [path_text(arg) for arg in args]
        known = [text for text in texts if text is not None]
        if not known or len(known) != len(texts):
            return UNKNOWN
        if name == "join":
            return Data(posixpath.join(*known))
        if name in ("abspath", "realpath", "normpath", "expanduser"):
            return Data(known[0])
        if name in ("dirname", "basename"):
            return Data(posixpath.dirname(known[0]) if name == "dirname" else posixpath.basename(known[0]))
        if name == "splitext":
            root, extension = posixpath.splitext(known[0])
            return (Data(root), Data(extension))
        return UNKNOWN

    def _other(self, name: str, args: list[Value], named: dict[str, Value]) -> Value:
        if name == "pathlib.Path":
            texts = [path_text(arg) for arg in args]
            known = [text for text in texts if text is not None]
            return (
                PathValue(posixpath.join(*known) if known else ".") if len(known) == len(texts) else UNKNOWN
            )
        if name in (
            "tempfile.mkdtemp",
            "tempfile.gettempdir",
            "tempfile.TemporaryDirectory",
            "tempfile.mktemp",
        ):
            return Data(self._temporary_name(named))
        if name == "tempfile.NamedTemporaryFile":
            return FileValue(self._temporary_name(named), True)
        if name == "types.ModuleType" or name.endswith(".module_from_spec"):
            first = args[0] if args else UNKNOWN
            return ModuleValue(str(first.value)) if isinstance(first, Data) else first
        if name.endswith((".spec_from_file_location", ".SourceFileLoader")) and args:
            path = path_text(args[1] if len(args) > 1 else named.get("location", named.get("path", UNKNOWN)))
            return ModuleValue(path_text(args[0]) or "", path or "")
        if name.endswith(".spec_from_loader") and len(args) > 1:
            return args[1]
        if name in ("io.BytesIO", "io.StringIO", "textwrap.dedent", "inspect.cleandoc", "copy.copy"):
            return self._passed_on(name, args)
        if name in ("json.loads", "ast.literal_eval") and args:
            return self._parsed(name, args[0])
        if name == "os.getcwd":
            return Data(self.files.dunder_file.rpartition("/")[0])
        if name in ("os.fspath", "os.fsdecode") and args:
            return as_text(args[0])
        return Unknown(packed=any(is_packed(arg) for arg in args))

    def _temporary_name(self, named: dict[str, Value]) -> str:
        self.temporary += 1
        suffix = plain(named.get("suffix"))
        return f"{TEMPORARY}/{self.temporary}{suffix if isinstance(suffix, str) else ''}"

    def _passed_on(self, name: str, args: list[Value]) -> Value:
        first = args[0] if args else UNKNOWN
        if name == "textwrap.dedent" and isinstance(first, Data) and isinstance(first.value, str):
            import textwrap

            self.work.budget.spend(len(first.value))
            return first.like(textwrap.dedent(first.value)) if len(first.value) < 1 << 20 else UNKNOWN
        return first

    def _parsed(self, name: str, value: Value) -> Value:
        """Read a JSON object of texts, the one shape in which bundles of files are kept."""
        if name != "json.loads" or not isinstance(value, Data):
            return Unknown(packed=is_packed(value))
        import json

        try:
            document = json.loads(value.value)
        except (ValueError, RecursionError):
            return Unknown(packed=is_packed(value))
        self.work.budget.spend(len(value.value))
        if isinstance(document, dict):
            return {
                key: value.like(item) if isinstance(item, str) else UNKNOWN for key, item in document.items()
            }
        if isinstance(document, list):
            return [value.like(item) if isinstance(item, str) else UNKNOWN for item in document[:MAX_ITEMS]]
        return UNKNOWN


def _positional(args: list[Value], named: dict[str, Value], start: int) -> dict[str, Value]:
    return {**{str(index): arg for index, arg in enumerate(args) if index >= start}, **named}


def _mode(args: list[Value], named: dict[str, Value], default: str) -> str:
    mode = plain(args[1]) if len(args) > 1 else plain(named.get("mode"))
    return mode if isinstance(mode, str) else default


def _pairs(value: Value) -> dict[object, Value]:
    made: dict[object, Value] = {}
    for pair in items_of(value) or []:
        if isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], Data):
            made[pair[0].value] = pair[1]
    return made


def _length(value: Value) -> Value:
    items = items_of(value)
    return len(items) if items is not None else UNKNOWN
