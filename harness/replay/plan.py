"""What a replay will run: made from the launch plan, the profile and what the caller lays over them.

Promises that every part says where it comes from, and that a part that cannot be derived is an error that
says what to pass. Runs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from audits.errors import UserError
from harness.replay.claimed import Claimed, claimed_of
from harness.replay.limits import Caps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from audits.facts import Facts
    from audits.launch import LaunchPlan
    from harness.replay.profile import Profile

MAX_SEEDS: Final = 32
_SEED_OPTION: Final = re.compile(r"^--?seed(?:=.*)?$", re.IGNORECASE)
_DATA: Final = ("DATA_PATH", "DATA_DIR", "TRAIN_FILES", "VAL_FILES")
_TOKENIZER: Final = ("TOKENIZER_PATH", "SP_MODEL", "TOKENIZER")


@dataclass(frozen=True, slots=True)
class Because:
    """One part of a plan, with where it comes from."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the caller lays over the derived plan."""

    command: tuple[str, ...] = ()
    """Words after `python`, instead of the documented ones."""
    environment: tuple[tuple[str, str], ...] = ()
    nproc: int | None = None
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one replay runs, seed by seed."""

    folder: str
    """Display path of the record folder."""
    digest: str
    """SHA-256 of script, arguments, environment and files."""
    profile: str
    words: tuple[str, ...]
    """Script and arguments, relative to the folder."""
    environment: tuple[tuple[str, str], ...]
    nproc: int
    seeds: tuple[int, ...]
    data: str
    """Folder of the host with `datasets/` and `tokenizers/`, given to the run as ./data; empty for none."""
    requirements: tuple[str, ...]
    caps: Caps
    artifact_cap_bytes: int | None
    margin_nats: float
    """Improvement in nats per token that the written rule asks of a record."""
    noise_bpb: float
    """Of the profile: how far a rerun of one seed may lie from the claim."""
    scaled: bool
    """Not the claim's own run: the profile's caps are not the track's, or it runs at tiny scale."""
    shimmed: bool
    """It runs under the shim of the smoke test, at tiny scale, on data made in the box."""
    score_labels: tuple[str, ...]
    """Labels of the log lines that carry the claimed score."""
    claimed: Claimed
    reasons: tuple[Because, ...]

    def command(self, seed: int) -> tuple[str, ...]:
        """Return the command of one seed."""
        if self.shimmed:
            return ("python", "-u", "-m", "referee_inside.shimmed")
        words = _with_seed(self.words, seed)
        if self.nproc == 1:
            return ("python", "-u", *words)
        return ("torchrun", "--standalone", f"--nproc_per_node={self.nproc}", *words)

    def job(self, seed: int) -> dict[str, object]:
        """Return the job of one seed as the shim reads it."""
        script, *arguments = _with_seed(self.words, seed)
        return {
            "schema": "referee-job/1",
            "script": script,
            "argv": arguments,
            "env": self.variables(seed),
            "nproc": 2 if self.nproc > 1 else 1,
            "seed": seed,
        }

    def variables(self, seed: int) -> dict[str, str]:
        """Return the environment of one seed."""
        return {**dict(self.environment), "SEED": str(seed), "RUN_ID": f"referee-{seed}"}


def make_plan(
    launch: LaunchPlan,
    facts: Facts,
    profile: Profile,
    data: Path | None,
    overrides: Overrides,
) -> Plan:
    """Return the plan; raises UserError that says what to pass where something cannot be derived.

    Without data the plan is one for another machine.
    """
    caps = profile.caps(facts.track)
    words, why_words = _words(launch, overrides)
    nproc, why_nproc = _nproc(launch, profile, overrides)
    seeds, why_seeds = _seeds(facts, overrides)
    environment, why_environment = _environment(launch, profile, caps, overrides)
    shimmed = profile.needs_shim(facts.track)
    if data is not None and not shimmed and not data.is_dir():
        raise UserError(f"no data at {data}", "pass --data DIR, with datasets/ and tokenizers/ in it")
    return Plan(
        folder=facts.submission.path,
        digest=launch.digest(),
        profile=profile.name,
        words=words,
        environment=environment,
        nproc=nproc,
        seeds=seeds,
        data=str(data.resolve()) if data is not None and not shimmed else "",
        requirements=tuple(entry.text for entry in launch.requirements),
        caps=caps,
        artifact_cap_bytes=facts.track.artifact_bytes,
        margin_nats=facts.challenge.improvement_nats,
        noise_bpb=profile.noise_bpb,
        scaled=profile.scaled or shimmed,
        shimmed=shimmed,
        score_labels=launch.headline_labels,
        claimed=claimed_of(facts),
        reasons=(why_words, why_nproc, why_seeds, *why_environment),
    )


def _words(launch: LaunchPlan, overrides: Overrides) -> tuple[tuple[str, ...], Because]:
    """Return script and arguments."""
    if overrides.command:
        return overrides.command, Because(" ".join(overrides.command), "--command")
    if launch.script is None:
        raise UserError("the folder has no script to run", "pass --command 'SCRIPT ARGUMENTS'")
    words = (launch.script, *launch.arguments)
    why = f"{launch.command.path}:{launch.command.line}" if launch.command else "the folder's main script"
    return words, Because(" ".join(words), why)


def _nproc(launch: LaunchPlan, profile: Profile, overrides: Overrides) -> tuple[int, Because]:
    """Return the number of processes: the caller's, else the profile's."""
    if overrides.nproc is not None:
        if not 1 <= overrides.nproc <= 64:
            raise UserError(f"--nproc {overrides.nproc} makes no sense", "pass 1 to 64")
        return overrides.nproc, Because(f"{overrides.nproc} processes", "--nproc")
    documented = f"; the documented command starts {launch.nproc}" if launch.nproc else ""
    return profile.processes, Because(f"{profile.processes} processes", f"profile {profile.name}{documented}")


def _seeds(facts: Facts, overrides: Overrides) -> tuple[tuple[int, ...], Because]:
    """Return the seeds: the caller's, else those that a score is claimed for."""
    if overrides.seeds:
        seeds, why = overrides.seeds, "--seeds"
    else:
        seeds = tuple(entry.seed for entry in facts.claims.seeds if entry.seed is not None)
        why = "the seeds that a score is claimed for"
    seeds = tuple(dict.fromkeys(seeds))
    if not seeds:
        raise UserError("the folder claims no seed", "pass --seeds 42,314,999")
    if len(seeds) > MAX_SEEDS:
        raise UserError(f"{len(seeds)} seeds are too many", f"pass --seeds with at most {MAX_SEEDS}")
    return seeds, Because(f"seeds {', '.join(map(str, seeds))}", why)


def _environment(
    launch: LaunchPlan, profile: Profile, caps: Caps, overrides: Overrides
) -> tuple[tuple[tuple[str, str], ...], tuple[Because, ...]]:
    """Return the variables: documented, then the profile's, then the caller's; the data is always ours."""
    documented = {entry.name: entry.value for entry in launch.environment}
    bent = _ours(documented)
    laid: dict[str, str] = {**documented, **bent}
    reasons = [
        Because(
            f"{entry.name}={laid[entry.name]}",
            f"{entry.path}:{entry.line}" + (", in our data" if entry.name in bent else ""),
        )
        for entry in launch.environment
    ]
    for pairs, why in (
        (profile.overlay(caps), f"profile {profile.name}"),
        (overrides.environment, "--env"),
    ):
        laid.update(pairs)
        reasons += [Because(f"{name}={value}", why) for name, value in pairs]
    return tuple(sorted(laid.items())), tuple(reasons)


def _ours(documented: Mapping[str, str]) -> dict[str, str]:
    """Return documented data paths bent to ./data, where the run finds ours."""
    found = {}
    for name in (*_DATA, *_TOKENIZER):
        value = documented.get(name, "")
        kind = "tokenizers" if name in _TOKENIZER else "datasets"
        if value and not value.startswith(("./data/", "data/")) and f"{kind}/" in value:
            found[name] = f"./data/{kind}/{value.rpartition(f'{kind}/')[2]}"
    return found


def _with_seed(words: Iterable[str], seed: int) -> tuple[str, ...]:
    """Return the words with the seed put where an option asks for it."""
    given = list(words)
    for at, word in enumerate(given):
        if not _SEED_OPTION.match(word):
            continue
        if "=" in word:
            given[at] = f"{word.partition('=')[0]}={seed}"
        elif at + 1 < len(given):
            given[at + 1] = str(seed)
    return tuple(given)
