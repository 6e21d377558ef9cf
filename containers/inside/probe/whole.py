"""What the tests of a run as a whole say: of its artifact, and of reading it back.

Promises nothing of the artifact's content: files are compared by digest, taken by the parent.
"""

from __future__ import annotations

from .finding import Call, Test, TestEnd
from .runs import AGAIN, CHANGED, PLAIN, RELOADED, Run, Runs
from .suffix import NOISE_FACTOR
from .views import Views


def artifact_test(runs: Runs) -> TestEnd:
    """Compare the artifacts of runs whose validation stream differs."""
    plain, again = runs.get(PLAIN), runs.get(AGAIN)
    changed = [run for run in (runs.get(name) for name in CHANGED) if run is not None and run.ok]
    if plain is None or not plain.artifacts:
        return TestEnd(Test.ARTIFACT, Call.BLIND, "no artifact was written")
    if again is None or not again.ok or not changed:
        return TestEnd(Test.ARTIFACT, Call.BLIND, "no second run, or none on another stream, came to its end")
    steady = [path for path, digest in plain.artifacts.items() if again.artifacts.get(path) == digest]
    if not steady:
        reason = "two runs on one stream write different artifacts"
        return TestEnd(Test.ARTIFACT, Call.BLIND, reason, total=len(plain.artifacts))
    other = differing(runs)
    power = {"compared": float(len(steady)), "streams": float(len(changed))}
    if other:
        return TestEnd(
            Test.ARTIFACT, Call.LEAK, f"{other[0]} differs with the validation data alone",
            condition="DATA", count=len(other), total=len(steady), power=power,
        )  # fmt: skip
    reason = f"{', '.join(steady[:3])}: the same whatever the validation data are"
    return TestEnd(Test.ARTIFACT, Call.CLEAN, reason, total=len(steady), power=power)


def differing(runs: Runs, names: tuple[str, ...] = CHANGED) -> list[str]:
    """Return the artifacts that are the same in two runs on one stream and another on a changed one.

    `names` are the runs on changed streams that are looked at.
    """
    plain, again = runs.get(PLAIN), runs.get(AGAIN)
    if plain is None or again is None:
        return []
    changed = [run for run in (runs.get(name) for name in names) if run is not None and run.ok]
    steady = [path for path, digest in plain.artifacts.items() if again.artifacts.get(path) == digest]
    return [
        path for path in steady if any(run.artifacts.get(path) != plain.artifacts[path] for run in changed)
    ]


def reload_test(runs: Runs, headline: Views | None) -> TestEnd:
    """Compare the score after everything but the artifact has been spoilt."""
    run = runs.get(RELOADED)
    if run is None:
        reason = runs.skipped.get(RELOADED, "the run was not made")
        return TestEnd(Test.RELOAD, Call.NOT_RUN, reason)
    if not _was_spoilt(run):
        return TestEnd(
            Test.RELOAD, Call.BLIND, "the artifact was never read back: nothing was spoilt before the score"
        )
    if not run.ok:
        return _failed(run)
    if headline is None or RELOADED not in headline.others:
        why = "the headline is not known" if headline is None else headline.blind.get(RELOADED, "")
        return TestEnd(Test.RELOAD, Call.BLIND, f"the score after reading back was not seen: {why}")
    change = headline.change(RELOADED)
    noise = float(headline.change(AGAIN).max()) if AGAIN in headline.others else 0.0
    moved = change > NOISE_FACTOR * noise
    if moved.any():
        return TestEnd(
            Test.RELOAD, Call.LEAK, "the score is not the artifact's: it changes with weights left in memory",
            condition="C1", count=int(moved.sum()), total=change.size, magnitude=float(change.max()),
            line=headline.line, power={"noise_nats": noise},
        )  # fmt: skip
    reason = "the same scores with weights in memory overwritten and training data gone"
    return TestEnd(Test.RELOAD, Call.CLEAN, reason, total=change.size, power={"noise_nats": noise})


def _was_spoilt(run: Run) -> bool:
    """Return whether the run came to the moment at which its weights were overwritten."""
    spoilt = run.trace.facts.get("reload")
    return isinstance(spoilt, dict) and bool(spoilt.get("poisoned"))


def _failed(run: Run) -> TestEnd:
    """Say what a run that failed after the artifact was there shows."""
    if "FileNotFound" in run.error or "No files found" in run.error:
        reason = f"the evaluation needs training data: {run.error[:120]}"
        return TestEnd(Test.RELOAD, Call.LEAK, reason, condition="DATA", line=run.error_line)
    return TestEnd(Test.RELOAD, Call.BLIND, f"the run failed: {run.error[:120]}", line=run.error_line)
