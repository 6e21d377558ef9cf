"""What a machine is held to: caps, noise and allowances, as data in `harness/profiles/*.toml`.

The caps of training and evaluation come from the track; a profile that scales them says so in every report.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from audits.errors import UserError
from harness.replay.limits import Caps

if TYPE_CHECKING:
    from audits.challenge import Track


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of machine and what is asked of it."""

    name: str
    title: str
    device: str
    """`cuda` or `cpu`."""
    processes: int
    """Processes of one run, one a GPU."""
    gpu_name: str | None
    """What the GPU's name must contain, None for any."""
    noise_bpb: float
    """How far a rerun of one seed may lie from the claim."""
    memory_gib: float
    scratch_gib: float
    shm_gib: float
    """Of /dev/shm, through which the ranks talk."""
    cpus: float | None
    """Processors of the box, None for all of the machine."""
    pids: int
    """Processes and threads; a compiler starts dozens for each rank."""
    train_scale: float
    eval_scale: float
    seconds: tuple[tuple[str, float], ...]
    native_tracks: tuple[str, ...]
    """Tracks that a CPU runs as they are; others get the shim, at tiny scale."""
    environment: tuple[tuple[str, str], ...]
    """Laid over the documented environment; `{train_seconds}` stands for the scaled cap."""

    @property
    def scaled(self) -> bool:
        """Return whether its caps are not the track's."""
        return (self.train_scale, self.eval_scale) != (1.0, 1.0)

    def needs_shim(self, track: Track) -> bool:
        """Return whether a submission of this track runs under the shim here."""
        return self.device == "cpu" and track.name not in self.native_tracks

    def caps(self, track: Track) -> Caps:
        """Return the caps of a track on this machine."""
        allowed = dict(self.seconds)
        train, evaluate = track.train_seconds, track.eval_seconds
        return Caps(
            train_seconds=train * self.train_scale if train is not None else None,
            train_tolerance_seconds=allowed["train_tolerance"],
            eval_seconds=evaluate * self.eval_scale if evaluate is not None else None,
            eval_tolerance_seconds=allowed["eval_tolerance"],
            preparation_seconds=allowed["preparation"],
            setup_seconds=allowed["setup"],
            silence_seconds=allowed["silence"],
        )

    def overlay(self, caps: Caps) -> tuple[tuple[str, str], ...]:
        """Return the variables that this profile sets, filled in; none whose cap does not exist."""
        if caps.train_seconds is None:
            return tuple(pair for pair in self.environment if "{" not in pair[1])
        return tuple((k, v.format(train_seconds=f"{caps.train_seconds:g}")) for k, v in self.environment)


def profile_names() -> tuple[str, ...]:
    """Return the names of all profiles."""
    folder = files("harness") / "profiles"
    return tuple(sorted(e.name.removesuffix(".toml") for e in folder.iterdir() if e.name.endswith(".toml")))


def load_profile(name: str) -> Profile:
    """Return a profile by name. Raises UserError for one that does not exist."""
    if name not in profile_names():
        raise UserError(f"there is no profile {name!r}", f"choose one of {', '.join(profile_names())}")
    text = (files("harness") / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    return _profile(name, tomllib.loads(text))


def _profile(name: str, data: dict[str, Any]) -> Profile:
    """Return the profile of a parsed file."""
    return Profile(
        name=name,
        title=data["title"],
        device=data["device"],
        processes=data["processes"],
        gpu_name=data.get("gpu_name"),
        noise_bpb=data["noise_bpb"],
        memory_gib=data["memory_gib"],
        scratch_gib=data["scratch_gib"],
        shm_gib=data["shm_gib"],
        cpus=data.get("cpus"),
        pids=data["pids"],
        train_scale=data.get("train_scale", 1.0),
        eval_scale=data.get("eval_scale", 1.0),
        seconds=tuple(sorted(data["seconds"].items())),
        native_tracks=tuple(data.get("native_tracks", ())),
        environment=tuple(sorted(data.get("environment", {}).items())),
    )
