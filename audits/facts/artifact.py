"""Counts the artifact under three readings: strict, README-literal, accepted practice.

strict     every local file of code that the scored path needs, plus the model
readme     the main script as committed, plus the model
practice   the main script as packed (or as its run counted it packed), plus the model

Promises counts with the basis they rest on. Model bytes come from logs or claims and stay claims; code bytes
are measured here. Does not decide which reading binds.
"""

from __future__ import annotations

import base64
import lzma
import zlib
from dataclasses import dataclass
from enum import StrEnum

from audits.challenge import Challenge
from audits.facts.claim import Claim
from audits.facts.claims import Claims, SeedClaim
from audits.facts.layer import Layer
from audits.facts.logs import LogFacts
from audits.location import Location
from audits.submission import Submission

STUB_BYTES = 2_000
PACKED_SHARE = 0.6
"""A run that counted less than this share of the committed script counted a packed form of it."""
PLAUSIBLE_SHARE = 0.4
"""Minifying and better compressors save something, but not more than this against plain zlib."""
DRIFT_SHARE = 0.03
EXTRA_BYTES = 512
_WRAPPER = len('import lzma as L,base64 as B\nexec(L.decompress(B.b85decode("")))\n')
_CODE_LANGUAGES = frozenset({"python", "c", "cuda"})


class PracticeBasis(StrEnum):
    """Why the practised code size is what it is."""

    COMMITTED = "the script as committed"
    WRAPPER = "the committed script is itself packed"
    STATED = "the packed size that the run logged"
    UPPER_BOUND = "packed here without minifying, an upper bound"
    NONE = "there is no main script"


@dataclass(frozen=True, slots=True)
class CodeBytes:
    """Bytes of counted code under three readings; None without a main script."""

    strict: int | None
    readme: int | None
    practice: int | None
    basis: PracticeBasis
    packed_upper_bound: int | None = None
    """What packing the script would come to here, computed only where it could decide."""
    helpers: tuple[tuple[str, int], ...] = ()
    """Local code files besides the main script that the scored path needs."""


@dataclass(frozen=True, slots=True)
class SeedArtifact:
    """The artifact of one run under the three readings."""

    seed: int | None
    path: str
    location: Location
    """Where the model's bytes are stated."""
    model_bytes: int
    strict: int | None
    readme: int | None
    practice: int | None
    logged_total: int | None
    logged_code: int | None
    from_log: bool
    """False where only a claim states the size."""


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """Code and artifact sizes of a submission."""

    code: CodeBytes
    seeds: tuple[SeedArtifact, ...] = ()
    claimed_total: Claim[int] | None = None
    """Largest total claimed outside the logs."""


def measure_artifact(
    submission: Submission,
    challenge: Challenge,
    layers: tuple[Layer, ...],
    logs: tuple[LogFacts, ...],
    claims: Claims,
) -> ArtifactFacts:
    """Return the sizes of code and artifact. Reads bytes and numbers only; executes nothing."""
    caps = [track.artifact_bytes for track in challenge.tracks if track.artifact_bytes]
    models = [bytes_ for bytes_ in (_model_bytes(log) for log in logs) if bytes_ is not None]
    code = _code(submission, layers, logs, max(models, default=0), min(caps, default=None))
    seeds = tuple(found for log in logs if (found := _from_log(log, code)) is not None)
    if not seeds:
        seeds = tuple(found for claim in claims.seeds if (found := _from_claim(claim, claims, code)))
    return ArtifactFacts(code, seeds, _claimed_total(claims))


def pack(source: str) -> int:
    """Return the size of a script packed with lzma and base85, without minifying it."""
    data = source.encode("utf-8", errors="replace")
    # A dictionary larger than the text finds nothing more, and would reserve 670 MB.
    dictionary = max(4096, 1 << len(data).bit_length())
    filters = [
        {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": min(dictionary, 64 << 20)}
    ]
    return len(base64.b85encode(lzma.compress(data, lzma.FORMAT_RAW, filters=filters))) + _WRAPPER


def _code(
    submission: Submission,
    layers: tuple[Layer, ...],
    logs: tuple[LogFacts, ...],
    model_bytes: int,
    cap: int | None,
) -> CodeBytes:
    main = submission.file(submission.main_script) if submission.main_script else None
    if main is None or main.absent or main.size < 0:
        return CodeBytes(None, None, None, PracticeBasis.NONE)
    helpers = _helpers(submission, layers, main.path)
    strict = main.size + sum(size for _, size in helpers)
    practice, basis, bound = _practice(main.path, main.size, layers, logs, model_bytes, cap)
    return CodeBytes(strict, main.size, practice, basis, bound, helpers)


def _helpers(submission: Submission, layers: tuple[Layer, ...], main: str) -> tuple[tuple[str, int], ...]:
    needed: dict[str, int] = {}
    for layer in layers:
        reached = layer.module is not None or layer.language in ("c", "cuda")
        if layer.path == main or not layer.executed or not reached or layer.language not in _CODE_LANGUAGES:
            continue
        file = submission.file(layer.path)
        if file is not None and file.size > 0:
            needed[layer.path] = file.size
    return tuple(sorted(needed.items()))


def _practice(
    main: str,
    committed: int,
    layers: tuple[Layer, ...],
    logs: tuple[LogFacts, ...],
    model_bytes: int,
    cap: int | None,
) -> tuple[int, PracticeBasis, int | None]:
    wrapped = any(layer.path == main and layer.index > 0 and layer.executed for layer in layers)
    if wrapped and not any(_packs_itself(log, committed) for log in logs):
        return committed, PracticeBasis.WRAPPER, None
    source = _readable(main, committed, layers)
    stub = committed < STUB_BYTES and len(source) > committed
    stated = _stated(committed, source, logs)
    if stated is not None:
        return stated, PracticeBasis.STATED, None
    decides = cap is not None and committed + model_bytes > cap >= model_bytes
    bound = pack(source) if stub or decides else None
    if stub and bound is not None:
        return bound, PracticeBasis.UPPER_BOUND, bound
    return committed, PracticeBasis.COMMITTED, bound


def _readable(main: str, committed: int, layers: tuple[Layer, ...]) -> str:
    """Return the text to pack: the main script, or what a short stub executes instead of itself."""
    own = "".join(layer.source for layer in layers if layer.path == main and layer.index == 0)
    if committed >= STUB_BYTES:
        return own
    reached = (
        layer for layer in layers if layer.executed and (layer.module is not None or layer.path == main)
    )
    return "\n".join(layer.source for layer in reached if layer.language == "python")


def _stated(committed: int, source: str, logs: tuple[LogFacts, ...]) -> int | None:
    """Return the packed size that the runs counted, where it fits the committed script."""
    sizes = []
    for log in logs:
        if log.code_bytes_packed is not None and _same_script(log, committed):
            sizes.append(log.code_bytes_packed.value)
        elif log.code_bytes is not None and log.code_bytes.value < PACKED_SHARE * committed:
            sizes.append(log.code_bytes.value)
    if not sizes:
        return None
    floor = PLAUSIBLE_SHARE * len(zlib.compress(source.encode("utf-8", errors="replace"), 6))
    stated = max(sizes)
    return stated if floor <= stated <= committed else None


def _packs_itself(log: LogFacts, committed: int) -> bool:
    """Return whether a run packed the committed text itself: a part of it may be packed already (#2124)."""
    return bool(log.code_bytes and log.code_bytes_packed) and _same_script(log, committed)


def _same_script(log: LogFacts, committed: int) -> bool:
    if log.code_bytes is None:
        return True
    return abs(log.code_bytes.value - committed) <= max(2_000, DRIFT_SHARE * committed)


def _model_bytes(log: LogFacts) -> int | None:
    if log.model is not None:
        return log.model.bytes
    if log.total is None:
        return None
    code = log.code_bytes_packed or log.code_bytes
    return log.total.bytes - code.value if code and code.value < log.total.bytes else None


def _uncounted(log: LogFacts) -> int:
    """Return bytes that the logged total holds beyond model and code: tables, caches, second blobs."""
    model, total = log.model, log.total
    if model is None or total is None or model.suffix != total.suffix:
        return 0
    codes = [claim.value for claim in (log.code_bytes_packed, log.code_bytes) if claim]
    extra = min((total.bytes - model.bytes - size for size in codes), key=abs, default=0)
    return extra if extra > EXTRA_BYTES else 0


def _from_log(log: LogFacts, code: CodeBytes) -> SeedArtifact | None:
    model, total = log.model, log.total
    line = model or total
    size = _model_bytes(log)
    if size is None and total is not None and code.readme is not None:
        size = total.bytes - code.readme
    size = size + _uncounted(log) if size is not None else None
    if line is None or size is None or size <= 0:
        return None
    counted = log.code_bytes_packed or log.code_bytes
    return SeedArtifact(
        seed=log.any_seed,
        path=log.path,
        location=Location(log.path, line.line, line.line),
        model_bytes=size,
        strict=_plus(size, code.strict),
        readme=_plus(size, code.readme),
        practice=_plus(size, code.practice),
        logged_total=total.bytes if total else None,
        logged_code=counted.value if counted else None,
        from_log=True,
    )


def _from_claim(claim: SeedClaim, claims: Claims, code: CodeBytes) -> SeedArtifact | None:
    """Return the artifact of a seed that only a claim knows."""
    total, stated_code = claim.bytes_total, claims.submission.bytes_code
    model = claim.bytes_model
    size = model.value if model else None
    if size is None and total is not None and stated_code is not None:
        size = total.value - stated_code.value
    source = model or total
    if source is None or size is None or size <= 0:
        return None
    return SeedArtifact(
        seed=claim.seed,
        path=source.location.path,
        location=source.location,
        model_bytes=size,
        strict=_plus(size, code.strict),
        readme=_plus(size, code.readme),
        practice=_plus(size, code.practice),
        logged_total=None,
        logged_code=None,
        from_log=False,
    )


def _plus(model: int, code: int | None) -> int | None:
    return None if code is None else model + code


def _claimed_total(claims: Claims) -> Claim[int] | None:
    found = [claims.submission.bytes_total, *(seed.bytes_total for seed in claims.seeds)]
    return max((claim for claim in found if claim), key=lambda claim: claim.value, default=None)
