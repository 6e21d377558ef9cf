"""Rent a machine for a replay: a SkyPilot task, its price before anything starts, its results brought back.

SkyPilot finds, starts and stops machines; nothing here does. With a bucket the run directory lies there, seed
by seed, so that a spot machine that dies loses the seed under way and the next one resumes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audits.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.replay.plan import Plan
    from harness.replay.profile import Profile

OVERHEAD_HOURS: Final = 0.75
"""Start, image, packages and data, before the first seed."""
SEED_HOURS: Final = 0.6
"""Setup, ten minutes of training, serialisation and ten minutes of evaluation, with room."""
IDLE_MINUTES: Final = 10
RUN_DIRECTORY: Final = "/results/replay"
_HUB: Final = "hub:"


@dataclass(frozen=True, slots=True)
class Rental:
    """What is rented, and what it may cost."""

    cloud: str
    """As SkyPilot spells it: runpod, lambda, aws, ..."""
    data: str
    """`hub:` with the variant's name (`hub:sp1024`), or a bucket that holds datasets/ and tokenizers/."""
    bucket: str | None
    """Bucket for the run directory; without one results are fetched from the machine at the end."""
    spot: bool
    hourly_usd: float
    """Price of the whole machine."""
    cap_usd: float
    """Nothing starts whose estimate is above this."""


def hours(plan: Plan) -> float:
    """Return how long the machine is needed, estimated from above."""
    return OVERHEAD_HOURS + SEED_HOURS * len(plan.seeds)


def estimate_usd(plan: Plan, rental: Rental) -> float:
    """Return what it will cost; raises UserError when that is above the cap."""
    cost = hours(plan) * rental.hourly_usd
    if cost > rental.cap_usd:
        raise UserError(
            f"estimated {cost:.2f} USD ({hours(plan):.1f} h at {rental.hourly_usd:.2f}) is above the cap",
            f"raise --max-cost from {rental.cap_usd:.2f}, or run fewer --seeds",
        )
    return cost


def task(plan: Plan, profile: Profile, rental: Rental, folder: Path, version: str) -> dict[str, Any]:
    """Return the SkyPilot task."""
    gpu = profile.gpu_name or "H100"
    mounts: dict[str, Any] = {"~/submission": str(folder.resolve())}
    if not rental.data.startswith(_HUB):
        mounts["~/data"] = {"source": rental.data, "mode": "COPY"}
    if rental.bucket:
        mounts["/results"] = {"source": rental.bucket, "mode": "MOUNT"}
    return {
        "name": "referee-replay",
        "resources": {
            "infra": rental.cloud,
            "accelerators": f"{gpu}:{profile.processes}",
            "use_spot": rental.spot,
            "disk_size": 256,
            "job_recovery": {"strategy": "FAILOVER", "max_restarts_on_errors": 0},
        },
        "num_nodes": 1,
        "file_mounts": mounts,
        "setup": "\n".join(_setup(rental, version)),
        "run": " ".join(_run(plan)),
    }


def _setup(rental: Rental, version: str) -> list[str]:
    """Return what prepares the machine."""
    lines = [
        "set -euo pipefail",
        "command -v bwrap || (sudo apt-get update && sudo apt-get install -y bubblewrap)",
        "python3 -m venv ~/referee",
        f"~/referee/bin/pip install 'golf-referee[box,replay,gpu]=={version}'",
        "sudo mkdir -p /results && sudo chmod 777 /results",
    ]
    if rental.data.startswith(_HUB):
        variant = rental.data.removeprefix(_HUB)
        lines.append(f"~/referee/bin/python -m reference_impl download {variant} --data ~/data")
    return lines


def _run(plan: Plan) -> list[str]:
    """Return the replay as the machine runs it; a recovered machine resumes.

    By bubblewrap, whose boxes take the torch that was just installed: rented machines often have no Docker,
    and the image that smoke builds has no CUDA.
    """
    seeds = ",".join(map(str, plan.seeds))
    resume = f"$(test -e {RUN_DIRECTORY}/plan.json && echo --resume)"
    return [
        "~/referee/bin/referee replay ~/submission",
        f"--profile {plan.profile} --seeds {seeds} --data ~/data --isolation bubblewrap",
        f"--out {RUN_DIRECTORY} {resume} --yes --plain || test $? -ge 10",
    ]


def launch(
    config: dict[str, Any], rental: Rental, out: Path, *, dry_run: bool, tell: Callable[[str], None]
) -> None:
    """Start the task, wait for it, bring the results back, and see that the machine is gone."""
    sky = shutil.which("sky")
    if sky is None:
        raise UserError("SkyPilot is not installed", "pip install 'golf-referee[remote]' and run `sky check`")
    out.mkdir(parents=True, exist_ok=True)
    path = out / "task.yaml"
    # JSON is YAML; one writer less.
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    tell(f"task: {path}")
    name = f"referee-{out.name}"[:40]
    if dry_run:
        _call([sky, "launch", "--dryrun", "--yes", "--cluster", name, str(path)])
        return
    if rental.bucket:
        _call([sky, "jobs", "launch", "--yes", "--name", name, str(path)])
        tell(f"results lie in {rental.bucket}: `referee report` works on a copy of it")
        return
    try:
        stop = ["--down", "--idle-minutes-to-autostop", str(IDLE_MINUTES)]
        _call([sky, "launch", "--yes", "--cluster", name, *stop, str(path)])
    finally:
        # Whatever became of the run: fetch what there is, then make sure that nothing goes on costing money.
        subprocess.run(["rsync", "-a", f"{name}:{RUN_DIRECTORY}/", f"{out}/"], check=False)
        subprocess.run([sky, "down", "--yes", name], check=False)


def _call(command: list[str]) -> None:
    """Run SkyPilot; its own messages go to the terminal."""
    code = subprocess.run(command, check=False).returncode
    if code:
        raise UserError(
            f"SkyPilot ended with status {code}", "its message is above; `sky check` shows accounts"
        )
