"""Challenges as data files. Loads `<name>.toml` into a frozen record and tells which one applies."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from typing import Any

from audits.challenge import (
    ByteConstant,
    Challenge,
    LeaderboardRow,
    OverlapFingerprint,
    Track,
)
from audits.errors import UserError
from audits.submission import Submission

DEFAULT = "parameter_golf"


def challenge_names() -> tuple[str, ...]:
    """Return the names of all challenges that ship as files."""
    names = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name[: -len(".toml")] for name in names if name.endswith(".toml")))


@lru_cache(maxsize=8)
def load_challenge(name: str) -> Challenge:
    """Return the challenge called `name`."""
    if name not in challenge_names():
        raise UserError(f"no challenge called {name!r}", f"known: {', '.join(challenge_names())}")
    text = resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    if "log_fields_of" in data:
        return replace(
            _challenge(name, data),
            log_dialects=load_challenge(data["log_fields_of"]).log_dialects,
            log_triggers=load_challenge(data["log_fields_of"]).log_triggers,
        )
    return _challenge(name, data)


def detect_challenge(submission: Submission) -> Challenge:
    """Return the challenge whose track directory the submission lies in, else the default one."""
    parts = [*submission.path.replace("\\", "/").split("/"), submission.track or ""]
    for name in challenge_names():
        challenge = load_challenge(name)
        if any(track.name in parts for track in challenge.tracks):
            return challenge
    return load_challenge(DEFAULT)


def _challenge(name: str, data: dict[str, Any]) -> Challenge:
    fields: list[dict[str, Any]] = data.get("log_field", [])
    significance = data.get("significance", {})
    return Challenge(
        name=name,
        title=data["title"],
        records_dir=data["records_dir"],
        tracks=tuple(_track(entry) for entry in data["track"]),
        byte_constants=tuple(ByteConstant(**entry) for entry in data.get("byte_constant", [])),
        byte_tolerance=data["byte_tolerance"],
        canonical_bytes=data["canonical_bytes"],
        required_files=tuple(data["required_files"]),
        log_dialects=tuple((entry["name"], tuple(entry["patterns"])) for entry in fields),
        log_triggers=tuple((entry["name"], entry["trigger"]) for entry in fields),
        provided_packages=tuple(data.get("provided_packages", ())),
        repository_scripts=tuple(data.get("repository_scripts", ())),
        overlap_fingerprints=tuple(_fingerprint(entry) for entry in data.get("overlap", [])),
        leaderboard=tuple(_row(entry) for entry in data.get("leaderboard", [])),
        **significance,
        **data.get("plausible", {}),
    )


def _track(entry: dict[str, Any]) -> Track:
    limits = {"artifact_bytes": None, "train_seconds": None, "eval_seconds": None}
    lists = {key: tuple(entry.get(key, ())) for key in ("spellings", "gpu_tolerated")}
    return Track(**{**limits, **entry, **lists})


def _fingerprint(entry: dict[str, Any]) -> OverlapFingerprint:
    return OverlapFingerprint(entry["val_tokens"], tuple(entry["train_shards"]), entry["source"])


def _row(entry: dict[str, Any]) -> LeaderboardRow:
    return LeaderboardRow(
        pr=entry["pr"],
        val_bpb=entry["val_bpb"],
        seed_bpb=tuple(entry.get("seed_bpb", ())),
        seed_nats=tuple(entry.get("seed_nats", ())),
        vocabulary=entry.get("vocabulary", ""),
    )
