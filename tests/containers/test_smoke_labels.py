"""Whole submissions of our own through a real box: an honest one passes, each hostile one gets its label.

The box's locks have tests of their own (tests/containers/hostile); these are about what a run is called.
"""

from __future__ import annotations

import textwrap
from dataclasses import replace

import pytest

from containers.engine import run as run_in
from containers.request import MIB, Limits
from containers.smoke import smoke
from containers.smoke_job import SmokeOptions
from containers.smoke_result import Label, StageName
from tests.containers.smoke_boxes import make_plan

pytestmark = pytest.mark.timeout(400)

TRAINER = """
import os
import torch
import torch.nn.functional as F
from torch import nn

{at_import}


class Hyperparameters:
    vocab_size = int(os.environ.get("VOCAB_SIZE", 1024))
    num_layers = int(os.environ.get("NUM_LAYERS", 2))
    model_dim = int(os.environ.get("MODEL_DIM", 64))
    iterations = int(os.environ.get("ITERATIONS", 4))


class GPT(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.embed = nn.Embedding(args.vocab_size, args.model_dim)
        self.mix = nn.ModuleList(nn.Linear(args.model_dim, args.model_dim) for _ in range(args.num_layers))
        self.head = nn.Linear(args.model_dim, args.vocab_size)

    def forward(self, tokens, targets):
        x = self.embed(tokens)
        for layer in self.mix:
            x = x + F.relu(layer(x))
        logits = self.head(x)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def eval_val(model, tokens):
    model.eval()
    with torch.no_grad():
        loss = float(model(tokens[:, :-1], tokens[:, 1:]))
    return loss, loss / 2.0


def main():
    args = Hyperparameters()
    {in_main}
    model = GPT(args).to("cuda")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    tokens = torch.randint(0, args.vocab_size, (4, 33), device="cuda")
    for _ in range(args.iterations):
        model.train()
        optimizer.zero_grad()
        model(tokens[:, :-1], tokens[:, 1:]).backward()
        optimizer.step()
    torch.save(model.state_dict(), "final_model.pt")
    model.load_state_dict(torch.load("final_model.pt", map_location="cuda"))
    loss, bpb = eval_val(model, tokens)
    print(f"final_roundtrip val_loss:{loss:.4f} val_bpb:{bpb:.4f}")


if __name__ == "__main__":
    main()
"""
OPTIONS = SmokeOptions(
    Limits(wall_seconds=240, memory_bytes=1200 * MIB, pids=128, cpus=2, scratch_bytes=64 * MIB),
    import_seconds=40,
    build_seconds=30,
    run_seconds=40,
)
SHORT = replace(OPTIONS, run_seconds=6, build_seconds=6)


def trainer(at_import: str = "", in_main: str = "") -> str:
    """Return the trainer with lines put in at the top, and at the start of its main()."""
    body = textwrap.indent(textwrap.dedent(in_main).strip(), "    ").strip()
    return TRAINER.replace("{at_import}", textwrap.dedent(at_import)).replace("{in_main}", body)


@pytest.fixture(scope="session")
def smoked(docker_engine, image):
    def carry_out(code: str, options: SmokeOptions = OPTIONS, **files: bytes):
        plan = make_plan({"train_gpt.py": code, **files})
        return smoke(plan, lambda request: run_in(docker_engine, request), image, options)

    return carry_out


def test_an_honest_trainer_passes_with_its_figures_and_every_sign(smoked):
    result = smoked(trainer())
    assert (result.label, result.stage) == (Label.PASS, StageName.RUN), (result.reason, result.output_tail)
    assert all(sign.seen for sign in result.signs)
    figures = result.figures
    assert (figures.dim, figures.layers, figures.vocab) == (64, 2, 1024)
    assert figures.parameters == 1024 * 64 + 2 * (64 * 64 + 64) + 64 * 1024 + 1024
    assert figures.causal is True
    assert figures.code_bytes == len(trainer())
    assert result.files[0].sha256 is not None
    assert result.seconds.overhead < 10


THEIRS = {
    "a missing helper": (trainer("import no_such_helper"), Label.IMPORT_FAIL, "no_such_helper"),
    "a broken syntax": ("def main(:\n", Label.IMPORT_FAIL, "SyntaxError"),
    "an error in main": (trainer(in_main="raise ValueError('bad shape')"), Label.BUILD_FAIL, "bad shape"),
    "a printed pass and nothing else": (
        "print('import OK in 0.03s, dim=512, SMOKE_TEST_PASS')\n",
        Label.RUN_FAIL,
        "",
    ),
    "leaving at once with status 0": (trainer(in_main="os._exit(0)"), Label.BUILD_FAIL, "status 0"),
    "leaving while it is imported": (trainer("import os\nos._exit(0)"), Label.IMPORT_FAIL, "status 0"),
    "no artifact": (trainer().replace("torch.save(", "(lambda *rest: None)("), Label.RUN_FAIL, "final_model"),
}


@pytest.mark.parametrize("name", THEIRS)
def test_what_does_not_run_is_called_so(smoked, name):
    code, label, words = THEIRS[name]
    result = smoked(code)
    assert result.label is label, (result.reason, result.output_tail)
    assert words in result.reason


HOSTILE = {
    "reading our own code": (
        trainer("import referee_inside.channel as channel\nchannel.CHANNEL.send('end', status='ok')"),
        Label.ESCAPE_ATTEMPT,
    ),
    "writing marks of ours": (
        trainer(
            """
            import json, socket
            made = socket.socket(socket.AF_UNIX)
            made.connect(os.environ["REFEREE_REPORT"])
            for stage in ("import", "build", "forward", "run"):
                line = {"event": "stage", "stage": stage, "status": "ok", "seconds": 1.0, "sender": 1}
                made.sendall(json.dumps(line).encode() + b"\\n")
            os._exit(0)
            """
        ),
        Label.ESCAPE_ATTEMPT,
    ),
    "answering for the stage": (
        trainer(
            """
            import json
            answer = json.dumps({"ok": True, "facts": {"figures": {}, "built": True}}).encode()
            for handle in range(3, 64):
                try:
                    os.write(handle, len(answer).to_bytes(4, "big") + answer)
                except OSError:
                    pass
            os._exit(0)
            """
        ),
        Label.ESCAPE_ATTEMPT,
    ),
    "looking into the supervisor": (
        trainer("try:\n    open('/proc/1/environ').read()\nexcept OSError:\n    pass"),
        Label.ESCAPE_ATTEMPT,
    ),
    "looking for the engine": (
        trainer("try:\n    open('/var/run/docker.sock').read()\nexcept OSError:\n    pass"),
        Label.ESCAPE_ATTEMPT,
    ),
    "outliving the run": (
        trainer(
            in_main="""
            if os.fork() == 0:
                os.setsid()
                import time
                time.sleep(600)
            """
        ),
        Label.ESCAPE_ATTEMPT,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_attack_on_box_or_verdict_is_called_an_escape_attempt(smoked, name):
    code, label = HOSTILE[name]
    result = smoked(code)
    assert result.label is label, (result.reason, result.output_tail)


def test_killing_our_parent_is_no_pass(smoked):
    result = smoked(trainer(in_main="import signal\nos.kill(os.getppid(), signal.SIGKILL)"))
    assert result.label in (Label.BUILD_FAIL, Label.RUN_FAIL, Label.ESCAPE_ATTEMPT), result.reason


LIMITS = {
    "never ending": (trainer(in_main="while True: pass"), Label.TIMEOUT),
    "sleeping and deaf to signals": (
        trainer(
            in_main="""
            import signal, time
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
                signal.signal(number, signal.SIG_IGN)
            while True:
                time.sleep(60)
            """
        ),
        Label.TIMEOUT,
    ),
    "memory": (
        trainer(in_main="kept = []\nwhile True: kept.append(b'x' * 50_000_000)"),
        Label.RESOURCE,
    ),
    "processes": (
        trainer(in_main="import time\nwhile True:\n    if os.fork() == 0: time.sleep(60)"),
        Label.RESOURCE,
    ),
    "disk": (
        trainer(in_main="with open('big', 'wb') as file:\n    while True: file.write(b'x' * 1_000_000)"),
        Label.RESOURCE,
    ),
    "output": (trainer(in_main="while True: print('x' * 100_000)"), Label.RESOURCE),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_spent_limit_is_called_by_its_name(smoked, name):
    code, label = LIMITS[name]
    result = smoked(code, SHORT if label is Label.TIMEOUT else OPTIONS)
    assert result.label is label, (result.reason, result.attempts, result.output_tail)


def test_asking_for_the_network_is_told_and_the_run_goes_on(smoked):
    code = trainer(
        """
        import urllib.request
        try:
            urllib.request.urlopen("http://example.org/", timeout=2)
        except OSError as error:
            print("no network:", error)
        """
    )
    result = smoked(code)
    assert result.label is Label.PASS, (result.reason, result.output_tail)
    assert any(entry.kind == "network" for entry in result.attempts)


def test_a_package_that_needs_a_gpu_is_a_gap_of_ours(smoked):
    result = smoked(trainer("import transformer_engine"))
    assert result.label is Label.SHIM_GAP
    assert "transformer_engine" in result.reason
