"""What GitHub itself says about the run that made an upload: the only facts a privileged job starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audits.errors import UserError
from harness.github.faults import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = ".github/workflows/referee-review.yml"
"""The workflow whose uploads are read."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Owner(_Model):
    """Who owns a repository."""

    login: str


class RepositoryFact(_Model):
    """A repository as the event names it."""

    id: int
    full_name: str
    owner: Owner


class RunFact(_Model):
    """The finished run."""

    id: int
    run_attempt: int = 1
    event: str
    path: str
    conclusion: str | None
    head_sha: Annotated[str, Field(pattern="^[0-9a-f]{40}([0-9a-f]{24})?$")]
    head_branch: str | None
    head_repository: RepositoryFact | None
    """None when the fork was deleted."""
    html_url: str = ""


class Event(_Model):
    """A `workflow_run` event."""

    workflow_run: RunFact
    repository: RepositoryFact

    @property
    def finished_well(self) -> bool:
        """Tell whether the run came to its end."""
        return self.workflow_run.conclusion == "success"


def read_event(path: Path) -> Event:
    """Return the event that GitHub wrote for this job."""
    try:
        event = Event.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}", "give --event $GITHUB_EVENT_PATH") from error
    except ValidationError as error:
        raise UserError(f"{path} is no workflow_run event: {error.errors()[0]['msg']}") from error
    run = event.workflow_run
    if run.event != "pull_request":
        raise RefusedError(f"the run was started by {run.event}, not by a pull request")
    if run.path.split("@")[0] != WORKFLOW:
        raise RefusedError(f"the run belongs to {run.path}, not to {WORKFLOW}")
    return event
