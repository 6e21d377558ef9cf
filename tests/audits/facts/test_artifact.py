"""The three readings of the artifact's size."""

from __future__ import annotations

import random

from audits.challenge_loader import load_challenge
from audits.facts.artifact import ArtifactFacts, PracticeBasis, measure_artifact
from audits.facts.claims import read_claims
from audits.facts.layer import Layer
from audits.facts.logs import parse_logs
from tests.audits.builders import make_submission

CHALLENGE = load_challenge("parameter_golf")
LONG = "".join(f"value_{number} = {random.Random(number).random()}\n" for number in range(2_000))


def measure(files: dict[str, str], layers: tuple[Layer, ...], log: str = "") -> ArtifactFacts:
    submission = make_submission({**files, "train_seed1.log": log} if log else files)
    logs = parse_logs(submission, CHALLENGE)
    return measure_artifact(submission, CHALLENGE, layers, logs, read_claims(submission))


def sizes(code: str, model: int) -> str:
    return f"{code}Serialized model int6+zstd: {model} bytes\nfinal val_loss:2.0 val_bpb:1.2\n"


def test_a_plain_script_counts_as_committed() -> None:
    facts = measure({"train_gpt.py": LONG}, (Layer("train_gpt.py", 0, LONG),), sizes("", 15_000_000))
    assert facts.code.basis is PracticeBasis.COMMITTED
    assert facts.code.strict == facts.code.readme == facts.code.practice == len(LONG)
    assert facts.seeds[0].practice == 15_000_000 + len(LONG)


def test_the_packed_size_a_run_states_is_taken_when_it_fits_the_script() -> None:
    stated = f"Code size (uncompressed): {len(LONG)} bytes\nCode size (compressed): 20000 bytes\n"
    layers = (Layer("train_gpt.py", 0, LONG),)
    assert measure({"train_gpt.py": LONG}, layers, sizes(stated, 1)).code.practice == 20_000
    absurd = stated.replace("20000", "20")
    assert measure({"train_gpt.py": LONG}, layers, sizes(absurd, 1)).code.practice == len(LONG)


def test_a_wrapper_counts_at_its_committed_size() -> None:
    layers = (Layer("train_gpt.py", 0, "exec(1)"), Layer("train_gpt.py", 1, LONG, ("base85", "lzma")))
    facts = measure({"train_gpt.py": "exec(1)"}, layers)
    assert (facts.code.practice, facts.code.basis) == (7, PracticeBasis.WRAPPER)


def test_a_script_that_executes_a_packed_part_counts_as_its_run_packed_it() -> None:
    """#2124: a helper is embedded packed; the run packs the whole script once more and counts that."""
    stated = f"Code size (uncompressed): {len(LONG)} bytes\nCode size (compressed): 20000 bytes\n"
    layers = (Layer("train_gpt.py", 0, LONG), Layer("train_gpt.py", 1, "x = 1\n", ("base85", "lzma")))
    facts = measure({"train_gpt.py": LONG}, layers, sizes(stated, 1))
    assert (facts.code.practice, facts.code.basis) == (20_000, PracticeBasis.STATED)


def test_helpers_count_only_under_the_strict_reading() -> None:
    layers = (
        Layer("train_gpt.py", 0, LONG),
        Layer("tilt.py", 0, "x = 1\n", module="tilt"),
        Layer("old.py", 0, "y\n"),
    )
    facts = measure({"train_gpt.py": LONG, "tilt.py": "x = 1\n", "old.py": "y\n"}, layers)
    assert facts.code.helpers == (("tilt.py", 6),)
    assert (facts.code.strict, facts.code.readme) == (len(LONG) + 6, len(LONG))


def test_a_stub_that_runs_a_sibling_counts_the_sibling_packed() -> None:
    stub = "exec(open('decode.py').read())"
    layers = (Layer("train_gpt.py", 0, stub), Layer("decode.py", 0, LONG, module="decode"))
    facts = measure({"train_gpt.py": stub, "decode.py": LONG}, layers)
    assert facts.code.basis is PracticeBasis.UPPER_BOUND
    assert facts.code.practice is not None
    assert len(stub) < facts.code.practice < len(LONG)


def test_an_empty_folder_has_no_code() -> None:
    assert measure({}, ()).code.basis is PracticeBasis.NONE
