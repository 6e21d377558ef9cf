"""The artifact file: a small header, then one compressed stream with a JSON index and the tensors' bytes.

Promises a bit-exact round trip, deterministic bytes for equal input, and bounded decoding: the header states
the size of the stream, more than `MAX_RAW_BYTES` is refused, and nothing is unpickled.

    magic "RGOLF1", compressor u8, raw bytes u64, CRC-32 u32, then compressed: index length u32, index, data
"""

from __future__ import annotations

import json
import lzma
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reference_impl.artifact.quantise import PlainTensor, QuantisedTensor, StoredTensor, dequantise_state
from reference_impl.config import Config, config_from_dict, config_to_dict
from reference_impl.model.gpt import GPT

MAGIC = b"RGOLF1"
HEADER = struct.Struct("<6sBQI")
MAX_RAW_BYTES = 1 << 30
COMPRESSORS = ("zstd", "lzma", "brotli")
LZMA_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]


class ArtifactError(ValueError):
    """The file is not an artifact of ours, is damaged, or is over its cap."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A loaded artifact."""

    model: GPT
    """The dequantised network, fp32, on the CPU, in evaluation mode."""
    config: Config
    """The configuration that it was trained with."""
    tokenizer: str
    """SHA-256 of the SentencePiece model, in hexadecimal."""
    file_bytes: int
    """Bytes of the file."""


def compress(raw: bytes, compressor: str) -> bytes:
    """Return the stream at the compressor's hardest setting."""
    if compressor == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=22).compress(raw)
    if compressor == "brotli":
        import brotli

        return bytes(brotli.compress(raw, quality=11, lgwin=24))
    return lzma.compress(raw, format=lzma.FORMAT_RAW, filters=LZMA_FILTERS)


def decompress(packed: bytes, compressor: str, raw_bytes: int) -> bytes:
    """Return exactly `raw_bytes` bytes, or raise ArtifactError without making more of them."""
    if raw_bytes > MAX_RAW_BYTES:
        raise ArtifactError(f"the artifact unpacks to {raw_bytes} bytes; at most {MAX_RAW_BYTES} are read")
    try:
        raw = _decompress(packed, compressor, raw_bytes)
    except Exception as error:  # each library has its own
        raise ArtifactError(f"the artifact is damaged: {error}") from error
    if len(raw) != raw_bytes:
        raise ArtifactError("the artifact is damaged: its length is not what its header says")
    return raw


def _decompress(packed: bytes, compressor: str, raw_bytes: int) -> bytes:
    if compressor == "zstd":
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
            return reader.read(raw_bytes + 1)
    if compressor == "brotli":
        import brotli

        decoder = brotli.Decompressor()
        raw = decoder.process(packed, output_buffer_limit=raw_bytes + 1)
        while len(raw) <= raw_bytes and not decoder.is_finished():
            more = decoder.process(b"", output_buffer_limit=raw_bytes + 1 - len(raw))
            if not more:
                break
            raw += more
        return bytes(raw)
    decoder_ = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=LZMA_FILTERS)
    return decoder_.decompress(packed, max_length=raw_bytes + 1)


def pack_artifact(stored: Mapping[str, StoredTensor], config: Config, tokenizer: str) -> bytes:
    """Return the bytes of the artifact file."""
    index = {
        "config": config_to_dict(config),
        "tokenizer": tokenizer,
        "tensors": [[name, list(t.values.shape), getattr(t, "bits", 0)] for name, t in stored.items()],
    }
    head = json.dumps(index, separators=(",", ":"), sort_keys=True).encode()
    # Like with like: all integers first, then all halves, low bytes apart from high bytes.
    integers = [t.values.numpy().tobytes() for t in stored.values() if isinstance(t, QuantisedTensor)]
    halves = np.concatenate([_halves(t).numpy().ravel() for t in stored.values()]).astype("<f2")
    planes = np.ascontiguousarray(halves.view(np.uint8).reshape(-1, 2).T).tobytes()
    raw = struct.pack("<I", len(head)) + head + b"".join(integers) + planes
    compressor = config.quant.compressor
    header = HEADER.pack(MAGIC, COMPRESSORS.index(compressor), len(raw), zlib.crc32(raw))
    return header + compress(raw, compressor)


def _halves(tensor: StoredTensor) -> Tensor:
    return tensor.scales if isinstance(tensor, QuantisedTensor) else tensor.values


def unpack_artifact(blob: bytes) -> tuple[dict[str, StoredTensor], dict[str, Any]]:
    """Return the stored tensors and the index of an artifact file."""
    if len(blob) < HEADER.size:
        raise ArtifactError("the file is too short to be an artifact")
    magic, number, raw_bytes, checksum = HEADER.unpack_from(blob)
    if magic != MAGIC or number >= len(COMPRESSORS):
        raise ArtifactError("the file is not an artifact of the reference")
    raw = decompress(blob[HEADER.size :], COMPRESSORS[number], raw_bytes)
    if zlib.crc32(raw) != checksum:
        raise ArtifactError("the artifact is damaged: its checksum does not fit")
    try:
        (head_bytes,) = struct.unpack_from("<I", raw)
        index = json.loads(raw[4 : 4 + head_bytes])
        return _read_tensors(raw[4 + head_bytes :], index["tensors"]), index
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise ArtifactError(f"the artifact is damaged: {error}") from error


def _read_tensors(body: bytes, listed: list[Any]) -> dict[str, StoredTensor]:
    integer_bytes = sum(int(np.prod(shape)) for _, shape, bits in listed if bits)
    integers = np.frombuffer(body, dtype=np.int8, count=integer_bytes)
    planes = np.frombuffer(body, dtype=np.uint8, offset=integer_bytes).reshape(2, -1)
    halves = np.ascontiguousarray(planes.T).view("<f2").ravel()
    stored: dict[str, StoredTensor] = {}
    at = half_at = 0
    for name, shape, bits in listed:
        count = int(np.prod(shape))
        half_count = int(shape[0]) if bits else count
        half = torch.from_numpy(halves[half_at : half_at + half_count].copy())
        half_at += half_count
        if bits:
            values = torch.from_numpy(integers[at : at + count].copy()).reshape(shape)
            stored[name] = QuantisedTensor(values, half, int(bits))
            at += count
        else:
            stored[name] = PlainTensor(half.reshape(shape))
    return stored


def load_artifact(path: Path) -> Artifact:
    """Read an artifact and build its network on the CPU.

    Raises ArtifactError for a file that is none of ours or damaged, OSError for one that cannot be read.
    """
    blob = path.read_bytes()
    stored, index = unpack_artifact(blob)
    config = config_from_dict(index["config"])
    model = GPT(config.model)
    model.load_state_dict(dequantise_state(stored))
    return Artifact(model.eval(), config, str(index["tokenizer"]), len(blob))
