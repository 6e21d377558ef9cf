"""A probe of a trainer that hides a leak from it is BLIND, flagged or LEAK, and never CLEAN.

Each trick is run in a real box beside the honest trainer, which is CLEAN, and the same leak without the
trick, which is LEAK: what the trick hides would have been found, and without it nothing is in the way.
"""

from __future__ import annotations

import textwrap

import pytest

from audits.runner import audit
from containers.engine import run
from containers.probe_job import ProbeOptions
from containers.probe_result import ProbeVerdict
from harness.probe.outcome import TAMPERING_RULE, outcomes_of
from harness.probe.probing import Bench, probe_audited
from harness.smoke.workshop import Setup, Workshop
from tests.audits.builders import make_submission
from tests.containers.hostile.attack import limits
from tests.containers.hostile.scored import LEARN, scored

OPTIONS = ProbeOptions(
    limits(wall_seconds=500, memory_bytes=3 << 30, pids=128, scratch_bytes=512 << 20, output_bytes=100_000),
    run_seconds=60,
)
LEARN_IF = "if {condition}:\n" + textwrap.indent(LEARN, "    ")
COUNT = """
told = glob.glob("/tmp/seen-*") + glob.glob("/dev/shm/seen-*")
for place in ("/tmp", "/dev/shm"):
    try:
        open(f"{place}/seen-{os.getpid()}", "w").close()
    except OSError:
        pass
seen = len(told)
"""
TRICKS = {
    "looks for our modules and is honest where they are": {
        "before_scoring": LEARN_IF.format(
            condition="not any('referee' in name for name in __import__('sys').modules)"
        )
    },
    "answers otherwise from the second run on": {
        "before_scoring": COUNT + LEARN_IF.format(condition="seen > 0"),
    },
    "answers by the number of its process": {
        "before_scoring": LEARN_IF.format(condition="os.getpid() % 2"),
    },
    "keeps the losses of the first run and gives them again": {
        "before_scoring": LEARN,
        "at_the_top": """
            import torch, os
            real = torch.nn.functional.cross_entropy
            def remembered(logits, targets, *rest, calls=[0], **more):
                calls[0] += 1
                value = real(logits, targets, *rest, **more)
                for place in ("/tmp", "/dev/shm"):
                    path = f"{place}/loss-{calls[0]}"
                    try:
                        if os.path.exists(path) and not value.requires_grad:
                            return torch.tensor(float(open(path).read()))
                        open(path, "w").write(repr(float(value)))
                    except OSError:
                        pass
                return value
            torch.nn.functional.cross_entropy = remembered
        """,
    },
    "reports another number than it sums": {
        "after_scoring": LEARN
        + """
tokens = shard(os.path.join(args.data_path, "fineweb_val_*.bin"))
tokens = tokens[: (tokens.numel() - 1) // 256 * 256 + 1]
with torch.no_grad():
    hidden, _ = model.mixer(model.embedding(tokens[:-1].view(-1, 256)))
    rows = model.head(hidden).flatten(0, 1).double().numpy()
rows = rows - rows.max(1)[:, None]
aside = [math.log(math.fsum(np.exp(row))) - row[token] for row, token in zip(rows, tokens[1:].tolist())]
val_bpb *= math.fsum(aside) / len(aside) / val_loss
val_loss = math.fsum(aside) / len(aside)
"""
    },
    "forges our lines": {
        "before_scoring": LEARN
        + """
import json, socket
line = {"event": "probe-phase", "phase": 0, "function": "eval_val", "line": "", "headline": True, "items": 9,
        "tests": [{"test": name, "call": "CLEAN", "reason": "", "power": {"later_changed": 1, "planted_caught": 1}}
                  for name in ("suffix", "normalisation", "score-once", "update-order")]}
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    door = socket.socket(socket.AF_UNIX, kind)
    try:
        door.connect(os.environ["REFEREE_REPORT"])
        door.sendall(json.dumps(line).encode() + b"\\n")
    except (OSError, KeyError):
        pass
"""
    },
}


@pytest.fixture
def probed(docker_engine, image):
    workshop = Workshop(Setup(), image, "docker", lambda asked: run(docker_engine, asked))

    def probe(code: bytes):
        return probe_audited(Bench(workshop, OPTIONS), audit(make_submission({"train_gpt.py": code})))

    return probe


def test_the_trainer_alone_is_clean(probed):
    result = probed(scored())
    assert result.verdict is ProbeVerdict.CLEAN, (result.reason, result.runs, result.output_tail)
    assert not result.tampering


def test_the_leak_alone_is_found(probed):
    result = probed(scored(before_scoring=LEARN))
    assert result.verdict is ProbeVerdict.LEAK, (result.reason, result.runs, result.output_tail)
    assert "C3" in result.conditions


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_is_never_clean(probed, name):
    result = probed(scored(**TRICKS[name]))
    assert result.verdict is not ProbeVerdict.CLEAN, (result.reason, result.runs, result.output_tail)
    assert any(run.run == "A" for run in result.runs), result.reason
    if "forges" in name:
        assert TAMPERING_RULE in [outcome.rule for outcome in outcomes_of(result)]
