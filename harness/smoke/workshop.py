"""Where smoke runs are made: an engine and an image, found once and used for many submissions.

Promises that a missing engine or image is a result (NOT_RUN, INFRA_FAULT) with what to do about it, never a
run outside a box.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audits.launch import launch_plan
from containers.smoke import not_run, smoke
from containers.smoke_job import SmokeOptions
from containers.smoke_result import Label
from harness.smoke.files import read_left_out
from harness.smoke.repository_files import read_repository_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from audits.facts import Facts
    from audits.launch import LaunchPlan
    from audits.submission import Submission
    from containers.request import SandboxRequest
    from containers.result import SandboxResult
    from containers.smoke_result import SmokeResult


@dataclass(frozen=True, slots=True)
class Setup:
    """What the caller chose."""

    isolation: str | None = None
    """`docker`, `podman` or `bubblewrap`; the first engine that answers when None, bubblewrap never."""
    options: SmokeOptions = field(default_factory=SmokeOptions)


@dataclass(frozen=True, slots=True)
class Workshop:
    """An engine with its image, or why there is none."""

    setup: Setup
    image: str = ""
    """Tag: a digest of everything that goes into the image."""
    engine: str = ""
    run: Callable[[SandboxRequest], SandboxResult] | None = None
    installed: frozenset[str] = frozenset()
    problem: str = ""
    hint: str = ""
    label: Label = Label.NOT_RUN
    """What every run is called while there is a problem."""

    def smoke(self, submission: Submission, facts: Facts | None) -> SmokeResult:
        """Return the smoke run of one submission."""
        plan = launch_plan(submission, facts)
        return self.smoke_plan(plan, submission)

    def smoke_plan(self, plan: LaunchPlan, submission: Submission) -> SmokeResult:
        """Return the smoke run of a plan whose further files lie where the submission came from."""
        if self.run is None:
            return not_run(plan, self.problem, self.hint, self.label)
        more = (*read_left_out(submission, plan), *read_repository_files(submission, plan))
        return smoke(
            plan, self.run, self.image, self.setup.options, installed=self.installed, more_files=more
        )


def open_workshop(setup: Setup, say: Callable[[str], None] = lambda line: None) -> Workshop:
    """Find engine and image, building the image when it is missing; `say` is told what a build does."""
    from containers.engine import session
    from containers.engine.choice import ISOLATIONS, find_engine
    from containers.engine.interface import EngineError
    from containers.image.build import BuildError, prepare_image
    from containers.image.installed import import_names

    if setup.isolation is not None and setup.isolation not in ISOLATIONS:
        return Workshop(setup, problem=f"this build has no {setup.isolation}", hint="leave --isolation out")
    try:
        engine = find_engine(setup.isolation)
    except EngineError as error:
        return Workshop(setup, problem=error.failure.message, hint=error.failure.hint)
    try:
        image = prepare_image(engine.name, say)
    except BuildError as error:
        hint = "referee smoke --build shows the whole build"
        return Workshop(setup, problem=str(error), hint=hint, label=Label.INFRA_FAULT)
    return Workshop(
        setup=setup,
        image=image.tag,
        engine=engine.name,
        run=lambda request: session.run(engine, request),
        installed=import_names(),
    )
