"""Probe submissions where smoke runs are made: the same engine, the same image.

Promises that a missing engine or image is a result with what to do about it, never a run outside a box.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audits.launch import launch_plan
from containers.probe import not_run, probe
from containers.probe_job import ProbeOptions
from containers.probe_result import ProbeStatus
from containers.smoke_result import Label
from harness.probe.covered import covered
from harness.probe.weighed import weighed
from harness.smoke.files import read_left_out
from harness.smoke.repository_files import read_repository_files

if TYPE_CHECKING:
    from audits.launch import LaunchPlan
    from audits.runner import AuditResult
    from audits.submission import Submission
    from containers.probe_result import ProbeResult
    from harness.smoke.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Bench:
    """Where probes are made, and how much one may take."""

    workshop: Workshop
    options: ProbeOptions


@dataclass(frozen=True, slots=True)
class ProbeSetup:
    """What the caller chose, before an engine was looked for."""

    isolation: str | None = None
    """`docker`, `podman` or `bubblewrap`; the first engine that answers when None, bubblewrap never."""
    options: ProbeOptions = field(default_factory=ProbeOptions)


def probe_audited(bench: Bench, audit: AuditResult) -> ProbeResult:
    """Return the probe of an audited submission, held against what the audit knows."""
    plan = launch_plan(audit.submission, audit.facts)
    return beside(probe_plan(bench, plan, audit.submission), audit)


def beside(result: ProbeResult, audit: AuditResult) -> ProbeResult:
    """Return a result with what the audit says of it: what did not run, disputes, disagreement."""
    return weighed(covered(result, audit.facts, audit.outcomes), audit.outcomes)


def probe_plan(bench: Bench, plan: LaunchPlan, submission: Submission) -> ProbeResult:
    """Return the probe of a plan as the box gave it."""
    workshop = bench.workshop
    if workshop.run is None:
        fault = workshop.label is Label.INFRA_FAULT
        status = ProbeStatus.INFRA_FAULT if fault else ProbeStatus.NOT_RUN
        return not_run(plan, workshop.problem, workshop.hint, status)
    more = (*read_left_out(submission, plan), *read_repository_files(submission, plan))
    return probe(plan, workshop.run, workshop.image, bench.options, more_files=more)


def open_bench(isolation: str | None, options: ProbeOptions) -> Bench:
    """Return a bench with the first engine that answers, building the image when it is missing."""
    from harness.smoke.workshop import Setup, open_workshop

    return Bench(open_workshop(Setup(isolation)), options)
