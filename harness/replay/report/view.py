"""What a report shows, as rows of text, before any format. Every number says who took it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.replay.measurement import By, Ending
from harness.replay.phases import Phase

if TYPE_CHECKING:
    from harness.replay.compare import Comparison, LimitCheck, SeedComparison
    from harness.replay.interval import Interval
    from harness.replay.measurement import Measurement, SeedMeasurement
    from harness.replay.phases import Span
    from harness.replay.plan import Plan

HARNESS, SUBMISSION = By.HARNESS.value, By.SUBMISSION.value


@dataclass(frozen=True, slots=True)
class Table:
    """One table: headings and rows of text."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """The whole report."""

    verdict: str
    why: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    warnings: tuple[str, ...]


def view(plan: Plan, measurement: Measurement, comparison: Comparison) -> View:
    """Return what a report shows of a replay."""
    return View(
        verdict=comparison.verdict.value,
        why=comparison.why,
        facts=tuple(_facts(plan, measurement, comparison)),
        tables=(
            _scores(measurement, comparison),
            _limits(comparison),
            *(_phases(run) for run in measurement.seeds),
            _files(measurement),
            _reasons(plan),
        ),
        warnings=tuple(_warnings(plan, measurement)),
    )


def _facts(plan: Plan, measurement: Measurement, comparison: Comparison) -> list[tuple[str, str]]:
    """Return name and value of what holds for the whole."""
    found = [
        ("folder", plan.folder),
        ("digest of what was run", plan.digest),
        ("command", " ".join(plan.command(plan.seeds[0])) if plan.seeds else ""),
        ("profile", plan.profile + (" (caps scaled, not the challenge's)" if plan.scaled else "")),
        ("seeds", f"{len(measurement.seeds)} of {len(plan.seeds)} run"),
        ("noise band", f"{comparison.band_bpb:.4f} val_bpb"),
    ]
    if comparison.mean_bpb is not None:
        spread = f", std {comparison.std_bpb:.5f}" if comparison.std_bpb is not None else ""
        claimed = f"; claimed {plan.claimed.mean_bpb:.5f}" if plan.claimed.mean_bpb is not None else ""
        found.append(("mean val_bpb", f"{comparison.mean_bpb:.5f}{spread}{claimed}"))
    for name, p in (("practised", comparison.p_improvement), ("written", comparison.p_margin)):
        if p is not None:
            found.append((f"p against the predecessor, {name} rule", f"{p:.4f}"))
    speed = measurement.speed
    if speed is not None:
        share = f", {speed.ratio:.2f} of what is expected here" if speed.ratio is not None else ""
        found.append(("reference on this machine", f"{speed.tokens_per_second:,.0f} tokens/s{share}"))
    return found


def _scores(measurement: Measurement, comparison: Comparison) -> Table:
    """Return claim against measurement, a row a seed."""
    by_seed = {run.seed: run for run in measurement.seeds}
    return Table(
        "Scores",
        ("seed", "claimed", "measured", "difference", "within the band", "ended", "verdict"),
        tuple(_score_row(entry, by_seed[entry.seed]) for entry in comparison.seeds),
        f"Measured scores are what the run printed (by: {SUBMISSION}), read by rule and cross-checked by the "
        "bytes that loss and score imply.",
    )


def _score_row(entry: SeedComparison, run: SeedMeasurement) -> tuple[str, ...]:
    within = {True: "yes", False: "no", None: "unknown"}[entry.within]
    return (
        str(entry.seed),
        _bpb(entry.claimed_bpb),
        _bpb(entry.measured_bpb),
        f"{entry.difference:+.5f}" if entry.difference is not None else "",
        within,
        run.ending.value.replace("_", " "),
        entry.verdict.value,
    )


def _limits(comparison: Comparison) -> Table:
    """Return every cap with what was measured against it."""
    return Table(
        "Limits",
        ("seed", "limit", "at least", "at most", "cap", "kept"),
        tuple(_limit_row(check) for check in comparison.limits),
        f"Taken from outside (by: {HARNESS}). A boundary between two observations gives two numbers.",
    )


def _limit_row(check: LimitCheck) -> tuple[str, ...]:
    kept = {True: "yes", False: "NO", None: "cannot be told"}[check.kept]
    form = ",.0f" if check.name.endswith("bytes") else ",.2f"
    numbers = (f"{check.low:{form}}", f"{check.high:{form}}", f"{check.cap:,.0f}")
    return (str(check.seed), check.name.replace("_", " "), *numbers, kept)


def _phases(run: SeedMeasurement) -> Table:
    """Return the phases of one seed."""
    rows = tuple(_phase_row(span) for span in run.spans if span.seconds.high >= 0.005)
    own = "" if run.own_training_seconds is None else f"{run.own_training_seconds:.2f}"
    total = ("train, all segments", "", _seconds(run.training), own, "")
    note = (
        ""
        if run.ending is Ending.FINISHED
        else f"The run {run.ending.value.replace('_', ' ')}. {run.fault_evidence}"
    )
    return Table(
        f"Phases of seed {run.seed}",
        ("phase", "began at", f"seconds ({HARNESS})", f"seconds ({SUBMISSION})", "result"),
        (*rows, total),
        note.strip(),
    )


def _phase_row(span: Span) -> tuple[str, ...]:
    name = span.phase.value.replace("_", " ")
    if span.phase is Phase.EVALUATION and span.label:
        name = f"{name}: {span.label}"
    own = f"{span.own_seconds:.2f}" if span.own_seconds is not None else ""
    return (name, _seconds(span.start), _seconds(span.seconds), own, _bpb(span.val_bpb))


def _files(measurement: Measurement) -> Table:
    """Return what the runs wrote."""
    rows = tuple(
        (
            str(run.seed),
            file.path,
            f"{file.bytes:,}",
            file.sha256,
            "model" if _is_model(run, file.path) else "",
        )
        for run in measurement.seeds
        for file in run.files
    )
    return Table("Files written", ("seed", "file", "bytes", "sha256", ""), rows)


def _is_model(run: SeedMeasurement, path: str) -> bool:
    return run.artifact.model_path == path


def _reasons(plan: Plan) -> Table:
    """Return why the plan is what it is."""
    rows = tuple((reason.what, reason.why) for reason in plan.reasons)
    return Table("Why it was run like this", ("what", "from"), rows)


def _warnings(plan: Plan, measurement: Measurement) -> list[str]:
    """Return what a reader must know beside the verdict."""
    found = [f"isolation that was not there: {text}" for text in _missing(measurement)]
    found += [
        f"seed {run.seed}: {sign.kind}: {sign.detail}" for run in measurement.seeds for sign in run.signs
    ]
    found += [
        f"seed {seed} was not run" for seed in plan.seeds if seed not in {r.seed for r in measurement.seeds}
    ]
    if plan.scaled:
        found.append(
            "the caps of this profile are scaled: a score here says nothing about the claim's own limits"
        )
    return found


def _missing(measurement: Measurement) -> list[str]:
    return list(dict.fromkeys(text for run in measurement.seeds for text in run.missing_isolation))


def _bpb(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"


def _seconds(interval: Interval) -> str:
    """Return an interval as a reader wants it: one number where it is narrow."""
    if interval.width < 0.05:
        return f"{interval.high:.2f}"
    return f"{interval.low:.2f} to {interval.high:.2f}"
