"""What a probe's box returns, built by hand: an honest probe, and ways to bend it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from audits.launch import launch_plan
from containers.probe import probe
from containers.result import Ending, Observed, SandboxResult
from tests.audits.builders import make_submission
from tests.containers.smoke_boxes import CHILD, PARENT, SCRIPT

if TYPE_CHECKING:
    from collections.abc import Callable

    from containers.probe_result import ProbeResult

POWER = {"later_changed": 431, "planted_caught": 17, "noise_nats": 0.0}
Line = dict[str, Any]


def run(name: str, status: str = "ok", **more: Any) -> Line:
    return {
        "event": "probe-run",
        "run": name,
        "status": status,
        "seconds": 8.0,
        "cpu_seconds": 7.5,
        "sender": PARENT,
        **more,
    }


def ended(test: str, call: str = "CLEAN", **more: Any) -> Line:
    reason = more.pop("reason", f"{test} ended {call}")
    power = POWER if test == "suffix" else {}
    return {"test": test, "call": call, "reason": reason, "line": "train_gpt.py:3", "power": power, **more}


HEADLINE = ("suffix", "self-target", "normalisation", "score-once", "update-order", "document-boundary")


def phase(*changed: Line, headline: bool = True, **more: Any) -> Line:
    """Return a phase on which every test is clean but those that are given."""
    bent = {entry["test"]: entry for entry in changed}
    return {
        "event": "probe-phase",
        "phase": 0,
        "function": "eval_val",
        "line": "train_gpt.py:3",
        "val_loss": 5.1,
        "val_bpb": 3.0,
        "headline": headline,
        "items": 997,
        "tests": [bent.get(name, ended(name)) for name in HEADLINE],
        "sender": PARENT,
        **more,
    }


def whole(test: str, call: str = "CLEAN", **more: Any) -> Line:
    return {"event": "probe-whole", "sender": PARENT, **ended(test, call, **more)}


def coverage(**more: Any) -> Line:
    return {
        "event": "probe-coverage",
        "evaluations": ["eval_val x2"],
        "updates": 6,
        "updates_in_evaluation": 0,
        "reloads": 1,
        "saved": 2,
        "read_back": 1,
        "sender": PARENT,
        **more,
    }


def executed(ranges: str, file: str = "train_gpt.py") -> Line:
    return {"event": "probe-lines", "file": file, "lines": [ranges], "sender": PARENT}


def lines(*changed: Line, headline: Line | None = None) -> list[Line]:
    """Return an honest probe's lines, the named ones replaced by `changed`."""
    made = [
        {"event": "figure", "name": "startup_seconds", "value": 2.0, "sender": PARENT},
        *(run(name) for name in ("A", "A2", "B1", "P", "R")),
        coverage(),
        executed("1-8"),
        headline or phase(),
        whole("artifact"),
        whole("reload"),
        whole("rank-slices", "NOT_RUN"),
        {"event": "end", "status": "ok", "sender": PARENT},
    ]
    for line in changed:
        made[_index(made, line)] = line
    return made


def _index(made: list[Line], line: Line) -> int:
    keys = ("event", "run", "test")
    return next(i for i, old in enumerate(made) if all(old.get(k) == line.get(k) for k in keys))


def honest(*report: Line, **changes: Any) -> SandboxResult:
    box = SandboxResult(
        ending=Ending.EXITED,
        exit_code=0,
        wall_seconds=41.0,
        overhead_seconds=0.8,
        output=b"final val_bpb:3.0\n",
        report=tuple(report or lines()),
        observed=Observed(peak_memory_bytes=700 << 20, complete=True),
        engine="docker",
        engine_version="20.10",
        image="sha256:" + "0" * 64,
    )
    return replace(box, **changes)


def probed(box: SandboxResult) -> ProbeResult:
    """Return what the host makes of a box."""
    run_box: Callable[[Any], SandboxResult] = lambda request: box  # noqa: E731
    return probe(launch_plan(make_submission({"train_gpt.py": SCRIPT})), run_box, "referee-smoke:test")


LEAK = ended(
    "suffix",
    "LEAK",
    reason="987 of 987 prefix scores changed",
    condition="C3",
    pattern="whole-validation",
    position=0,
    count=987,
    total=987,
    magnitude=0.07,
)
__all__ = ["CHILD", "PARENT"]
