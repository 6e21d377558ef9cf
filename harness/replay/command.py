"""Carry out `referee replay`: plan, preflight, confirm, run, report. Orders the parts; judges nothing."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from audits.errors import UserError
from harness.errors import ExitCode
from harness.replay.compare import Comparison, Verdict
from harness.report.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audits.facts import Facts
    from audits.launch import LaunchPlan
    from harness.replay.plan import Overrides, Plan
    from harness.replay.preflight import Found, Preflight
    from harness.replay.profile import Profile
    from harness.replay.replaying import Bench
    from harness.rundir import ReplayDir

_EVAL_ONLY: Final = re.compile(r"^(?:EVAL(?:UATE)?_ONLY|ONLY_EVAL|SKIP_TRAIN(?:ING)?)$", re.IGNORECASE)
_EXITS: Final = {
    Verdict.REPRODUCED: ExitCode.CLEAN,
    Verdict.NOT_REPRODUCED: ExitCode.FLAG,
    Verdict.INFRA_FAULT: ExitCode.FLAG,
    Verdict.INVALID: ExitCode.VIOLATION,
    Verdict.LIMIT_EXCEEDED: ExitCode.VIOLATION,
    Verdict.NOT_RUN: ExitCode.NOTHING_TO_AUDIT,
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller asked for, as typed."""

    target: str
    profile: str
    seeds: str | None = None
    data: Path | None = None
    out: Path | None = None
    resume: bool = False
    command: str | None = None
    environment: tuple[str, ...] = ()
    nproc: int | None = None
    isolation: str | None = None
    image: str | None = None
    split_eval: bool = False
    eval_environment: tuple[str, ...] = ()
    calibrate: bool = False
    strict: bool = False
    hash_all: bool = False
    dry_run: bool = False
    yes: bool = False
    plain: bool = False
    json: bool = False
    on: str | None = None
    hourly_usd: float | None = None
    max_usd: float = 60.0
    remote_data: str = "hub:sp1024"
    bucket: str | None = None
    spot: bool = False


def run_replay(wishes: Wishes) -> ExitCode:
    """Replay what was asked for, print the outcome, and return the exit code."""
    from harness.replay.keep import write_record
    from harness.replay.live import Live
    from harness.replay.replaying import replay
    from harness.replay.report import render, write_reports
    from harness.rundir import ReplayDir

    if wishes.on is not None:
        return _rented(wishes, wishes.on)
    bench, plan, looked = _prepared(wishes)
    shown = sys.stderr if wishes.json else sys.stdout
    print(_plan_text(plan, looked), file=shown)
    if wishes.dry_run:
        return ExitCode.CLEAN
    _refuse(looked, strict=wishes.strict)
    _confirm(wishes)
    made = bench()
    looked = _with_packages(looked, made, plan, shown)
    _refuse(looked, strict=wishes.strict)
    directory = ReplayDir(_directory(wishes, plan))
    directory.root.mkdir(parents=True, exist_ok=True)
    write_record(directory.preflight, looked)
    if wishes.calibrate and not directory.speed.is_file():
        _calibrate(directory, made, plan)
    with Live(plan, plain=wishes.plain or wishes.json) as live:
        comparison = replay(directory, plan, made, live.show)
    write_reports(directory)
    print(
        render(directory, "json")
        if wishes.json
        else told(comparison) + f"\nreport: {directory.report('html')}"
    )
    return exit_code_of(comparison)


def _rented(wishes: Wishes, cloud: str) -> ExitCode:
    """Rent a machine and replay there."""
    from harness.replay.plan import make_plan
    from harness.replay.profile import load_profile
    from harness.replay.remote import Rental, estimate_usd, hours, launch, task
    from harness.version import version

    if wishes.hourly_usd is None:
        hint = f"pass --hourly USD (`sky show-gpus --cloud {cloud}`)"
        raise UserError("what does the machine cost an hour?", hint)
    profile = load_profile(wishes.profile)
    facts, launched = read_record(wishes.target)
    plan = make_plan(launched, facts, profile, None, _overrides(wishes))
    rental = Rental(
        cloud=cloud,
        data=wishes.remote_data,
        bucket=wishes.bucket,
        spot=wishes.spot,
        hourly_usd=wishes.hourly_usd,
        cap_usd=wishes.max_usd,
    )
    cost = estimate_usd(plan, rental)
    print(f"about {hours(plan):.1f} hours on {cloud}, {cost:.2f} USD; the cap is {rental.cap_usd:.2f}")
    out = wishes.out or Path("runs") / f"replay-{Path(plan.folder).name}"
    config = task(plan, profile, rental, Path(wishes.target), version())
    if not wishes.dry_run:
        _confirm(wishes)
    launch(config, rental, out, dry_run=wishes.dry_run, tell=print)
    return ExitCode.CLEAN


def exit_code_of(comparison: Comparison) -> ExitCode:
    """Return what the process says to whoever called it."""
    return _EXITS[comparison.verdict]


def told(comparison: Comparison) -> str:
    """Return the outcome for a terminal."""
    lines = [f"{comparison.verdict.value}: {one_line(comparison.why)}"]
    for entry in comparison.seeds:
        claimed = "none" if entry.claimed_bpb is None else f"{entry.claimed_bpb:.5f}"
        measured = "none" if entry.measured_bpb is None else f"{entry.measured_bpb:.5f}"
        lines.append(
            f"  {entry.verdict.value:15} claimed {claimed}, measured {measured}; {one_line(entry.why)}"
        )
    return "\n".join(lines)


def _prepared(wishes: Wishes):  # type: ignore[no-untyped-def]
    """Return what runs, its plan, and what the preflight found; the engine is asked for only when needed."""
    from harness.replay.plan import make_plan
    from harness.replay.preflight import preflight
    from harness.replay.preflight.gpus import load_nvml
    from harness.replay.profile import load_profile

    profile = load_profile(wishes.profile)
    facts, launch = read_record(wishes.target)
    plan = make_plan(launch, facts, profile, wishes.data or Path("data"), _overrides(wishes))
    looked = preflight(plan, profile, facts.challenge, load_nvml(), hash_all=wishes.hash_all)

    def bench() -> Bench:
        from harness.replay.replaying import Bench

        engine, image = _engine(wishes, profile)
        return Bench(engine, image, profile, facts, launch, _split_switch(wishes, facts))

    return bench, plan, looked


def read_record(target: str) -> tuple[Facts, LaunchPlan]:
    """Return the facts of the one submission that a target holds, and how it is launched."""
    from audits.intake import load
    from audits.launch import launch_plan
    from audits.runner import audit

    found = load(target).submissions
    if len(found) != 1:
        raise UserError(f"{target} holds {len(found)} submissions", "name one record folder")
    result = audit(found[0], rules=())
    if result.facts is None:
        raise UserError(f"{target} cannot be read: {(result.crash or '')[-200:]}", "this is a bug of ours")
    return result.facts, launch_plan(found[0], result.facts)


def _with_packages(looked: Preflight, bench: Bench, plan: Plan, shown: TextIO) -> Preflight:
    """Return the preflight with what the box holds, which takes a box to see, and show that part."""
    from harness.replay.preflight import Preflight
    from harness.replay.preflight.packages import check_packages

    found = tuple(check_packages(bench.engine, bench.image, plan, bench.profile))
    print("\n".join(_found_text(found)), file=shown)
    return Preflight((*looked.found, *found))


def _calibrate(directory: ReplayDir, bench: Bench, plan: Plan) -> None:
    """Train the reference first, and keep how fast it was."""
    from harness.replay.calibrate import calibrate
    from harness.replay.keep import write_record
    from harness.replay.preflight.gpus import load_nvml

    print("training the reference for a minute", file=sys.stderr, flush=True)
    nvml, challenge = load_nvml(), bench.facts.challenge
    folder = directory.calibration
    speed = calibrate(bench.engine, bench.image, plan, bench.profile, challenge, nvml, folder)
    if speed is not None:
        write_record(directory.speed, speed)


def _split_switch(wishes: Wishes, facts: Facts) -> tuple[tuple[str, str], ...] | None:
    """Return what makes the script score a saved artifact only; None where nobody asked for it."""
    if not wishes.split_eval:
        return None
    if wishes.eval_environment:
        return _pairs(wishes.eval_environment)
    names = [name for name, _ in facts.code.settings.by_name if _EVAL_ONLY.search(name)]
    if len(names) != 1:
        found = (
            f"{len(names)} switches look like it: {', '.join(names)}" if names else "no switch looks like it"
        )
        raise UserError(
            f"how does the script score a saved artifact? {found}",
            "pass --eval-env NAME=VALUE with --split-eval",
        )
    return ((names[0], "1"),)


def _pairs(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return NAME=VALUE words as pairs; raises UserError for what is none."""
    pairs = [entry.partition("=") for entry in words]
    wrong = next((name for name, equals, _ in pairs if not equals or not name.isidentifier()), None)
    if wrong is not None:
        raise UserError(f"{wrong!r} is no NAME=VALUE", "write --env ITERATIONS=200")
    return tuple((name, value) for name, _, value in pairs)


def _engine(wishes: Wishes, profile: Profile):  # type: ignore[no-untyped-def]
    """Return a working engine and the image to run in."""
    from containers.engine.choice import find_engine
    from containers.engine.interface import EngineError
    from containers.image import BuildError, prepare_image, prepare_named

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    try:
        engine = find_engine(wishes.isolation)
    except EngineError as error:
        raise UserError(error.failure.message, "install Docker, or pass --isolation") from error
    named = wishes.image or _packages_for(profile, engine.name)
    try:
        image = prepare_named(engine.name, named, say) if named else prepare_image(engine.name, say)
    except BuildError as error:
        raise UserError(f"no image to run in: {error}", "pass --image, see docs/replay.md") from error
    return engine, image.id


def _packages_for(profile: Profile, engine: str) -> str | None:
    """Return whose packages a run takes when nobody says; None for the image of the smoke test."""
    from containers.image.own import OWN

    if profile.device != "cuda":
        return None
    if engine != "bubblewrap":
        raise UserError(
            "the image that smoke builds holds a torch without CUDA",
            f"pass --image with one for {engine} whose python3 has torch, or --isolation bubblewrap",
        )
    return OWN


def _overrides(wishes: Wishes) -> Overrides:
    """Return what the caller lays over the plan; raises UserError for what cannot be read."""
    from harness.replay.plan import Overrides

    try:
        seeds = tuple(int(part) for part in (wishes.seeds or "").split(",") if part.strip())
    except ValueError:
        raise UserError(
            f"--seeds {wishes.seeds!r} is no list of numbers", "write --seeds 42,314,999"
        ) from None
    return Overrides(
        command=tuple(shlex.split(wishes.command or "")),
        environment=_pairs(wishes.environment),
        nproc=wishes.nproc,
        seeds=seeds,
    )


def _plan_text(plan: Plan, looked: Preflight) -> str:
    """Return plan and preflight for a person who has to say yes."""
    lines = [
        f"replay {one_line(plan.folder)} on profile {plan.profile}",
        f"  run      {one_line(' '.join(plan.command(plan.seeds[0])))}",
        f"  seeds    {', '.join(map(str, plan.seeds))}",
        f"  caps     train {plan.caps.train_seconds} s, evaluation {plan.caps.eval_seconds} s, "
        f"artifact {plan.artifact_cap_bytes} bytes" + (" (scaled)" if plan.scaled else ""),
    ]
    lines += [f"  {one_line(reason.what, 100):60} from {one_line(reason.why, 80)}" for reason in plan.reasons]
    if plan.requirements:
        lines.append(f"  needs    {one_line(', '.join(plan.requirements))}")
    return "\n".join([*lines, "preflight", *_found_text(looked.found)])


def _found_text(found: Iterable[Found]) -> list[str]:
    """Return a line for each thing that was looked at."""
    return [f"  {entry.level.value:9} {entry.name}: {one_line(entry.detail)}" for entry in found]


def _refuse(looked: Preflight, *, strict: bool) -> None:
    """Raise for what stands in the way."""
    bad = looked.blocking(strict=strict)
    if bad:
        hint = "" if not strict else "without --strict a difference is only reported"
        raise UserError("; ".join(f"{entry.name}: {entry.detail}" for entry in bad[:5]), hint)


def _confirm(wishes: Wishes) -> None:
    """Ask a person; nobody to ask is a no."""
    if wishes.yes:
        return
    if not sys.stdin.isatty():
        raise UserError("nobody is there to confirm the plan", "pass --yes, or --dry-run to see it only")
    if input("run this? [y/N] ").strip().lower() not in ("y", "yes"):
        raise UserError("not confirmed", "nothing was run")


def _directory(wishes: Wishes, plan: Plan) -> Path:
    """Return the run directory; one that holds another plan, or any without --resume, is refused."""
    from harness.replay.keep import read_plan
    from harness.rundir import ReplayDir

    root = wishes.out or Path("runs") / f"replay-{Path(plan.folder).name}"
    if not ReplayDir(root).plan.exists():
        return root
    if not wishes.resume:
        raise UserError(f"{root} already holds a replay", "pass --resume, or another --out")
    if read_plan(ReplayDir(root)) != plan:
        raise UserError(f"{root} holds a replay of something else", "pass another --out")
    return root
