"""What examples cannot state about the rules on the flow of validation tokens: reasons, patterns, places."""

from __future__ import annotations

from time import perf_counter

import pytest

from audits.challenge_loader import load_challenge
from audits.example_evaluation import (
    ADAPT,
    EVALUATE,
    HASHED_EMBEDDING,
    HOOKED,
    SCORE_FIRST,
    SLOT_CONTEXT,
    changed,
    script,
)
from audits.example_folder import claims, log, readme
from audits.facts.extract import extract
from audits.outcome import Axis, Outcome, Severity, Status
from audits.rules import discover
from audits.runner import run_rule
from audits.submission import RunCommand
from tests.audits.builders import make_submission

CHALLENGE = load_challenge("parameter_golf")
RULES = {rule.id: rule for rule in discover()}
FLOW = (
    "trained-on-validation",
    "last-epoch-scored",
    "rescored-after-adaptation",
    "delta-fitted-on-scored-positions",
    "delta-fitted-on-context",
    "calibrated-on-validation",
    "count-keyed-by-target",
    "better-of-two-scores",
    "byte-mixture-not-over-tokens",
    "entropy-used-as-expert",
    "adaptation-order-unproven",
)
ON_VALIDATION = "if args.adapt:\n        adapt(args, model, val_tokens)"
OFF = ('"TTT_ENABLED", "1"', '"TTT_ENABLED", "0"')
ASLEEP = changed(script(ADAPT, EVALUATE, steps=(ON_VALIDATION,)), OFF)


def judge_all(code: str, *commands: RunCommand, stop_ms: int = 600_038) -> dict[str, Outcome]:
    """Return the outcomes of the legality rules on a folder with this main script."""
    files = {"README.md": readme(), "submission.json": claims(), "train_seed42.log": log(stop_ms=stop_ms)}
    submission = make_submission({**files, "train_gpt.py": code}, run_commands=commands)
    facts = extract(submission, CHALLENGE)
    return {name: run_rule(rule, facts) for name, rule in RULES.items() if rule.axis is Axis.LEGALITY}


def line_of(code: str, text: str, after: str = "") -> int:
    """Return the line of `text`, the first one behind `after`."""
    start = code.index(after)
    return code.count("\n", 0, code.index(text, start)) + 1


def test_the_sentence_names_what_learns_where_it_is_scored_and_reported() -> None:
    code = script(ADAPT, EVALUATE, steps=("adapt(args, model, val_tokens)",))
    outcome = judge_all(code)["trained-on-validation"]
    step = line_of(code, "optimizer.step()", after="def adapt")
    scored = line_of(code, "F.cross_entropy")
    reported = line_of(code, "math.log(2.0)")
    lines = [item.location.start_line for item in outcome.evidence if item.location]
    assert lines == [step, scored, reported]
    assert "the model's weights take an optimiser step on validation tokens" in outcome.reason
    assert f"in adapt, line {step}" in outcome.reason
    assert f"at line {scored}; that loss is the val_bpb of line {reported}" in outcome.reason


@pytest.mark.parametrize(
    ("steps", "pattern"),
    [
        (("adapt(args, model, val_tokens)", "export(model)", "restore(model)"), "prequant-ttt"),
        (("export(model)", "restore(model)", "adapt(args, model, val_tokens)"), "train-on-val"),
    ],
)
def test_learning_is_named_by_whether_the_artifact_is_written_after_it(
    steps: tuple[str, ...], pattern: str
) -> None:
    outcome = judge_all(script(ADAPT, EVALUATE, steps=steps))["trained-on-validation"]
    assert outcome.status is Status.FLAGGED
    assert outcome.patterns == (pattern,)


def test_what_is_switched_off_is_dormant_and_the_switch_is_named() -> None:
    outcome = judge_all(ASLEEP)["trained-on-validation"]
    assert outcome.status is Status.DORMANT
    assert "TTT_ENABLED=0" in outcome.reason
    assert outcome.patterns == ()
    assert outcome.dormant


def test_the_run_command_wakes_what_the_default_puts_to_sleep() -> None:
    command = RunCommand(
        (("TTT_ENABLED", "1"),), ("torchrun", "train_gpt.py"), "train_gpt.py", "README.md", 1, 8
    )
    outcome = judge_all(ASLEEP, command)["trained-on-validation"]
    assert outcome.status is Status.FLAGGED


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def main(:\n    pass\n", "syntax-error"),
        ("print('hello')\n", "no loss on validation tokens could be followed"),
    ],
)
def test_code_that_was_not_followed_is_never_clean(code: str, says: str) -> None:
    outcomes = judge_all(code)
    assert {outcomes[name].status for name in FLOW} == {Status.UNCLEAR}
    assert all(says in outcomes[name].reason for name in FLOW)
    assert not [name for name, outcome in outcomes.items() if outcome.status is Status.CLEAN]


def test_learning_whose_score_is_lost_from_sight_is_not_waved_through() -> None:
    silent = ("return nats / math.log(2.0) / size", "return None")
    hidden = changed(SCORE_FIRST, ("def evaluate(", "def evaluate_adapting("), silent)
    step = "evaluate_adapting(args, GPT(args), val_tokens, base_bytes)"
    outcome = judge_all(script(hidden, EVALUATE, steps=(step,)))["adaptation-order-unproven"]
    assert outcome.status is Status.UNCLEAR
    assert "no score that depends on it could be followed" in outcome.reason


@pytest.mark.parametrize(
    ("code", "pattern"),
    [(script(EVALUATE), "pure-neural"), (script(SCORE_FIRST), "score-first-ttt")],
)
def test_legal_patterns_are_named(code: str, pattern: str) -> None:
    outcome = judge_all(code)["adaptation-order-unproven"]
    assert outcome.status is Status.CLEAN
    assert outcome.patterns == (pattern,)
    assert outcome.evidence


def test_a_legal_pattern_that_is_off_is_only_mentioned() -> None:
    outcome = judge_all(changed(script(SCORE_FIRST), OFF))["adaptation-order-unproven"]
    assert outcome.patterns == ("pure-neural",)
    assert outcome.dormant == ("score-first-ttt",)


def test_hashed_embeddings_are_told_from_caches() -> None:
    outcome = judge_all(script(HASHED_EMBEDDING))["count-keyed-by-target"]
    assert outcome.status is Status.CLEAN
    assert outcome.patterns == ("ngram-embedding-only",)
    assert "BigramHash" in outcome.reason


def test_a_disputed_pattern_is_left_to_the_policy() -> None:
    outcome = judge_all(script(SLOT_CONTEXT))["delta-fitted-on-context"]
    assert outcome.severity is Severity.DISPUTED
    assert outcome.dispute == "context-only-slot"


def test_evidence_is_short_and_names_each_line_once() -> None:
    shown = "print(f'val_bpb:{evaluate(args, model, val_tokens, base_bytes):.4f}')"
    code = script(ADAPT, EVALUATE, steps=("adapt(args, model, val_tokens)", *[shown] * 9))
    evidence = judge_all(code)["trained-on-validation"].evidence
    assert 0 < len(evidence) <= 6
    assert len({item.location for item in evidence}) == len(evidence)


@pytest.mark.parametrize(
    ("tokens", "stop_ms", "pattern"),
    [
        ("load_tokens(args.train_files)", 588_050, "gptq-calib-on-train"),
        ("load_tokens(args.train_files)", 600_050, "calib-on-train-at-eval"),
        ("generate(args, model)", 600_050, "gptq-selfgen"),
    ],
)
def test_the_source_of_a_calibration_is_named(tokens: str, stop_ms: int, pattern: str) -> None:
    code = script(HOOKED, EVALUATE, steps=(f"hessian = collect(args, model, {tokens})",))
    outcome = judge_all(code, stop_ms=stop_ms)["calibration-on-training-data-at-eval"]
    assert outcome.patterns == (pattern,)
    assert outcome.severity is Severity.NOTE


def test_a_word_about_the_network_is_no_call() -> None:
    spoken = '    print("pip install zstandard; curl https://example.org")\n    nats, size'
    hint = changed(EVALUATE, ("    nats, size", spoken))
    assert judge_all(script(hint))["network-in-evaluation"].status is Status.NOT_APPLICABLE


def test_a_program_that_downloads_is_a_call() -> None:
    fetch = "import subprocess\n    subprocess.run(['wget', '-q', 'https://example.org/tokens.bin'])"
    outcome = judge_all(script(EVALUATE, steps=(fetch,)))["network-in-evaluation"]
    assert outcome.status is Status.FLAGGED
    assert outcome.severity is Severity.WARNING


def test_hostile_text_is_searched_in_linear_time() -> None:
    padding = f"x = ({'(' * 5_000}\nif a < {'b' * 50_000}:\ny = '{'train' * 20_000}'\n"
    started = perf_counter()
    judge_all(padding + "    del a\n" * 2_000 + "m.load_state_dict(register_forward_hook(\n" * 2_000)
    assert perf_counter() - started < 20


@pytest.mark.parametrize(
    ("boost", "env", "status"),
    [
        ("0.0", (), Status.DORMANT),
        ("0.75", (), Status.FLAGGED),
        ("0.0", (("WORD_BOOST", "0.5"),), Status.FLAGGED),
    ],
    ids=["off by default", "on by default", "on by the command"],
)
def test_a_gated_hint_of_a_further_script_has_that_scripts_weight(
    boost: str, env: tuple[tuple[str, str], ...], status: Status
) -> None:
    """#2130: a command runs a second script; the main one does not read the weight of its hints."""
    rule = RULES["hint-gated-by-realised-token"]
    code = (
        rule.flagged[0]
        .code.replace("evaluate", "judge")
        .replace('"WORD_BOOST", "0.75"', f'"WORD_BOOST", "{boost}"')
    )
    command = RunCommand(env, ("train_full.py",), "train_full.py", "README.md", 3)
    files = {"README.md": readme(), "submission.json": claims(), "train_full.py": code}
    submission = make_submission({**files, "train_gpt.py": script(EVALUATE)}, run_commands=(command,))
    assert run_rule(rule, extract(submission, CHALLENGE)).status is status
