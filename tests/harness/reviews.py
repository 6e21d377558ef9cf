"""Reviews built by hand: real readers for logs and claims, outcomes as a test wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.challenge_loader import load_challenge
from audits.example_folder import claims, log
from audits.facts import Facts
from audits.facts.artifact import measure_artifact
from audits.facts.byte_table import read_byte_table
from audits.facts.claims import read_claims
from audits.facts.code import CodeFacts
from audits.facts.layer import Layer
from audits.facts.logs import parse_logs
from audits.facts.settings import Settings
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.runner import AuditResult
from harness.report.review import Review, review_of
from tests.audits.builders import FixedRule, evidence, make_outcome, make_submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.outcome import Outcome
    from audits.submission import Origin, Submission

WRAPPER = 'import lzma as L,base64 as B\nexec(L.decompress(B.b85decode("...")))\n'
UNPACKED = "\n".join(f"line_{number} = {number}" for number in range(1, 41))
SCRIPT = "\n".join(f"value_{number} = {number}" for number in range(1, 41))
README = "# Example\n\n```bash\ntorchrun --standalone --nproc_per_node=8 train_gpt.py\n```\n"


class Made(FixedRule):
    """Validation tokens are trained on before they are scored.

    Why: only graded tokens may be learned from.
    Looks for: nothing; it serves the tests of the renderers.
    Blind to: everything.
    """

    id = "train-before-score"


class MadeSize(FixedRule):
    """The artifact is larger than the cap."""

    id = "too-large"
    axis = Axis.LIMITS
    condition = Condition.SIZE


RULES = (Made(), MadeSize())


def make_facts(submission: Submission, layers: tuple[Layer, ...] = ()) -> Facts:
    """Return facts with real logs, claims and sizes, and no code analysis."""
    challenge = load_challenge("parameter_golf")
    track = challenge.track(submission.track)
    assert track is not None
    logs, stated = parse_logs(submission, challenge), read_claims(submission)
    return Facts(
        submission=submission,
        challenge=challenge,
        track=track,
        code=CodeFacts(layers, layers[-1] if layers else None, Settings(), (), ()),
        logs=logs,
        claims=stated,
        artifact=measure_artifact(submission, challenge, layers, logs, stated),
        byte_table=read_byte_table(()),
    )


def make_review(
    outcomes: Sequence[Outcome],
    *,
    files: dict[str, str | bytes] | None = None,
    packed: bool = False,
    policy: str = "practice",
    origin: Origin | None = None,
    folder: str = "2026-04-01_Example",
) -> Review:
    """Return a review of a small submission whose rules ended as `outcomes` say."""
    script = WRAPPER if packed else SCRIPT
    stated = {"submission.json": claims(), "train_seed42.log": log(code=len(script))}
    given = {"train_gpt.py": script, "README.md": README, **stated}
    submission = make_submission({**given, **(files or {})}, origin=origin, folder=folder)
    layers = [Layer("train_gpt.py", 0, script)]
    if packed:
        layers.append(Layer("train_gpt.py", 1, UNPACKED, ("base85", "lzma"), wrapper_line=2))
    result = AuditResult(
        submission, make_facts(submission, tuple(layers)), tuple(outcomes), {"facts": 1.0, "total": 2.0}
    )
    return review_of(result, RULES, policy)


def clean(rule: str = "too-large", axis: Axis = Axis.LIMITS) -> Outcome:
    """Return an outcome that ended clean."""
    return make_outcome(rule, axis, Status.CLEAN, "15,800,000 bytes at most")


def illegal(layer: int = 0, message: str = "the step comes first") -> Outcome:
    """Return a confident breach of condition 3 with one place of three lines."""
    return make_outcome(
        "train-before-score",
        Axis.LEGALITY,
        Status.FLAGGED,
        "an optimiser step is reached before the loss of its tokens is recorded",
        evidence("train_gpt.py", 12, message, end=14, layer=layer),
        patterns=("prequant-ttt",),
        confidence=0.95,
    )


__all__ = ["Evidence", "Severity", "clean", "illegal", "make_facts", "make_review"]
