"""What a pattern name stands for, where two names lie close together: a script for each side."""

from __future__ import annotations

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
from audits.example_folder import claims, log, nats, readme
from audits.facts.extract import extract
from audits.outcome import Status
from audits.rules import discover
from audits.rules._calibration import Source, calibrations
from audits.runner import run_rule
from tests.audits.builders import make_submission

CHALLENGE = load_challenge("parameter_golf")
RULES = discover()
EPOCHS = changed(
    ADAPT,
    ("    for start in", "    for epoch in range(args.epochs):\n     for start in"),
)
COLLECT = "hessian = collect(args, model, {tokens})"
MINIFIED = """\
class Loader:
\tdef __init__(self,args,device):self.rank=0;self.files=sorted(glob.glob(args.train_files));self.at=0
\tdef next_batch(self):return load_tokens(self.files[0])
def collect(model,loader,args):
\thessian=torch.zeros(args.dim,args.dim);handles=[]
\tdef hook(module,inputs,output):hessian.addmm_(inputs[0].T,inputs[0])
\thandles.append(model.block.register_forward_hook(hook));model.forward_hidden(loader.next_batch())
\tfor handle in handles:handle.remove()
\treturn hessian
def serialize(args,model):
	state=model.state_dict();loader=Loader(args,'cuda');hessian=collect(model,loader,args);torch.save(state,'m')
"""
GATHERED = """\
def gather(model, batches):
    seen = []
    handle = model.block.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    for batch in batches:
        model.forward_hidden(batch)
    handle.remove()
    return torch.cat(seen)


def quantise(model, batches):
    rows = gather(model, batches)
    return rows.T @ rows
"""
APPENDED = """files = sorted(glob.glob(args.train_files))[:2]
    tokens = torch.cat([load_tokens(name) for name in files])
    batches = []
    for number in range(16):
        batches.append(tokens[number * args.seq_len :][: args.seq_len].reshape(1, -1))
    quantise(model, batches)"""


def patterns(code: str, files: dict[str, str] | None = None) -> set[str]:
    """Return every pattern that the rules name on a folder with this main script."""
    given = {"README.md": readme(), "submission.json": claims(), "train_seed42.log": log(stop_ms=588_050)}
    facts = extract(make_submission({**given, "train_gpt.py": code, **(files or {})}), CHALLENGE)
    return {name for rule in RULES for name in run_rule(rule, facts).patterns}


def sources(code: str) -> set[Source]:
    """Return what the calibrations of a script read."""
    found = extract(make_submission({"train_gpt.py": code}), CHALLENGE).code
    return {item.source for item in calibrations(found)}


def test_epochs_over_validation_before_the_score_have_a_name_of_their_own() -> None:
    """#1364: six epochs on validation, then the score; one sweep is training on validation alone (#152)."""
    step = ("adapt(args, model, val_tokens)",)
    assert {"train-on-val", "multi-epoch-final-score"} <= patterns(script(EPOCHS, EVALUATE, steps=step))
    assert "multi-epoch-final-score" not in patterns(script(ADAPT, EVALUATE, steps=step))
    once = changed(script(EPOCHS, EVALUATE, steps=step), ('"TTT_EPOCHS", "3"', '"TTT_EPOCHS", "1"'))
    assert "multi-epoch-final-score" not in patterns(once)


def test_a_context_that_a_batch_shares_is_both_kinds_of_slot() -> None:
    """#1282: the loss is cut to a context by a mask, but one delta serves windows that overlap."""
    masked = changed(
        SLOT_CONTEXT,
        ("torch.zeros(x.size(0), 1, args.dim, req", "torch.zeros(1, 1, args.dim, req"),
        (
            "        for step in range(8):\n",
            "        mask = torch.zeros(x.size(0), x.size(1), dtype=torch.bool)\n"
            "        for row in range(x.size(0)):\n"
            "            mask[row, :known] = True\n"
            "        for step in range(8):\n",
        ),
        (
            "F.cross_entropy(logits[:, :known].reshape(-1, args.vocab_size), y[:, :known].reshape(-1))",
            "F.cross_entropy(logits[mask], y[mask])",
        ),
    )
    assert {"slot-scored", "slot-context-only"} <= patterns(script(masked))
    assert "slot-scored" not in patterns(script(SLOT_CONTEXT))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (script(SCORE_FIRST), "score-first-ttt"),
        (script(EVALUATE), "pure-neural"),
    ],
)
def test_the_claimed_score_alone_decides_what_is_pure(code: str, name: str) -> None:
    assert name in patterns(code)


def test_a_frozen_claim_stays_pure_beside_a_second_adapting_evaluation() -> None:
    """#266: the headline is the round trip; the adapters that run afterwards are named as well."""
    adapting = changed(SCORE_FIRST, ("def evaluate(", "def evaluate_adapting("))
    step = "print(f'adapted val_bpb:{evaluate_adapting(args, model, val_tokens, base_bytes):.6f}')"
    code = changed(
        script(adapting, EVALUATE),
        ('print(f"final val_bpb', 'print(f"final_int8_zlib_roundtrip_exact val_bpb'),
        ("\n\nif __name__", f"\n    {step}\n\n\nif __name__"),
    )
    files = {"submission.json": claims(1.2345), "train_seed42.log": log(val_bpb=1.2345)}
    assert {"pure-neural", "score-first-ttt"} <= patterns(code, files)


@pytest.mark.parametrize(
    ("code", "source"),
    [
        (script(MINIFIED, EVALUATE, steps=("serialize(args, model)",)), Source.TRAINING),
        (script(GATHERED, EVALUATE, steps=(APPENDED,)), Source.TRAINING),
        (script(HOOKED, EVALUATE, steps=(COLLECT.format(tokens="generate(args, model)"),)), Source.GENERATED),
        (
            script(HOOKED, EVALUATE, steps=(COLLECT.format(tokens="load_tokens(args.val_files)"),)),
            Source.VALIDATION,
        ),
    ],
    ids=[
        "many statements on a line (#1492)",
        "products taken by the caller (#1422)",
        "generated",
        "validation",
    ],
)
def test_the_source_of_a_calibration_is_found(code: str, source: Source) -> None:
    assert sources(code) == {source}


def test_a_calibration_written_out_in_a_long_main_is_found() -> None:
    """#1366."""
    rows = "\n".join(f"    spare_{number} = {number}" for number in range(200))
    steps = (
        rows.strip(),
        "hessian = torch.zeros(args.dim, args.dim)",
        "def hook(module, inputs, output):\n        hessian.add_(inputs[0].T @ inputs[0])",
        "handle = model.block.register_forward_hook(hook)",
        "calibration = load_tokens(args.train_files)",
        "model.forward_hidden(calibration)",
        "handle.remove()",
    )
    assert sources(script(EVALUATE, steps=steps)) == {Source.TRAINING}


EMBEDDED = "ngram-embedding-only"


def test_an_embedding_that_is_switched_off_or_never_called_is_no_part_of_the_model() -> None:
    """#1056: no buckets, no embedding. #632: built, and left out of the forward pass."""
    assert EMBEDDED in patterns(script(HASHED_EMBEDDING))
    off = changed(
        script(HASHED_EMBEDDING),
        ("self.pairs = BigramHash(args)", "self.pairs = BigramHash(args) if args.buckets > 0 else None"),
        ("    vocab_size = 1024", '    buckets = int(os.environ.get("BUCKETS", "0"))\n    vocab_size = 1024'),
    )
    assert EMBEDDED not in patterns(off)
    assert EMBEDDED in patterns(changed(off, ('"BUCKETS", "0"', '"BUCKETS", "4096"')))
    idle = changed(script(HASHED_EMBEDDING), (" + self.pairs(x))", ")"))
    assert EMBEDDED not in patterns(idle)


def test_a_hash_that_spans_lines_is_one() -> None:
    """#1640."""
    spread = changed(
        script(HASHED_EMBEDDING),
        (
            "self.embed(torch.bitwise_xor(36313 * x, 27191 * previous) % self.buckets)",
            "self.embed((\n            x * 27191 + previous * 36313\n        ) % self.buckets)",
        ),
    )
    assert EMBEDDED in patterns(spread)


@pytest.mark.parametrize(
    ("factor", "named"), [(1.21, True), (0.98, False)], ids=["too many (#1184)", "too few (#126)"]
)
def test_only_too_many_bytes_are_a_matter_of_the_table(factor: float, named: bool) -> None:
    found = patterns(script(EVALUATE), {"train_seed42.log": log(loss=nats(1.2) * factor)})
    assert ("tokenizer-bytes" in found) is named
    assert "partial-validation" not in found


def test_a_log_line_that_is_there_twice_is_one_calibration() -> None:
    """#1776: the console and the file are one text, and 12.8 s in a reserve of 12 s are in time."""
    collected = "GPTQ:collected 67 Hessians in 12.8s\nGPTQ:collected 67 Hessians in 12.8s"
    text = log(stop_ms=588_050, extra_header="gptq:reserving 12s, effective=588000ms", before_final=collected)
    code = script(HOOKED, EVALUATE, steps=(COLLECT.format(tokens="load_tokens(args.train_files)"),))
    found = patterns(code, {"train_seed42.log": text})
    assert "gptq-calib-on-train" in found
    assert "calib-on-train-at-eval" not in found


def test_status_of_a_named_pattern_is_not_an_offence() -> None:
    facts = extract(make_submission({"train_gpt.py": script(SCORE_FIRST)}), CHALLENGE)
    rule = next(rule for rule in RULES if rule.id == "adaptation-order-unproven")
    assert run_rule(rule, facts).status is Status.CLEAN
