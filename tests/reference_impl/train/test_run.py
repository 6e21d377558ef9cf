"""Whole runs on a few steps: clock, warm-up, averages, calibration, caps, logs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from reference_impl.artifact.container import ArtifactError, load_artifact  # noqa: E402
from reference_impl.config import Config  # noqa: E402
from reference_impl.data.dataset import Dataset  # noqa: E402
from reference_impl.train import clock as clocks  # noqa: E402
from reference_impl.train.distributed import Peers  # noqa: E402
from reference_impl.train.logbook import Logbook  # noqa: E402
from reference_impl.train.loop import run_loop, take_step  # noqa: E402
from reference_impl.train.run import RunResult, run_training  # noqa: E402
from reference_impl.train.session import Session, open_session  # noqa: E402
from reference_impl.train.supervision import Curriculum  # noqa: E402
from reference_impl.train.validate import validate  # noqa: E402
from reference_impl.train.warmup import warm_up, warmup_plans  # noqa: E402
from tests.reference_impl.small import make_config, make_dataset  # noqa: E402

pytestmark = pytest.mark.torch

PEERS = Peers(0, 1, torch.device("cpu"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("data"))


def session_of(dataset: Dataset, config: Config) -> Session:
    return open_session(config, dataset, PEERS, Logbook(None))


def facts(out: Path, kind: str) -> list[dict[str, Any]]:
    lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [fact for fact in map(json.loads, lines) if fact["kind"] == kind]


def run_small(dataset: Dataset, out: Path, **sections: dict[str, Any]) -> RunResult:
    return run_training(make_config(**sections), dataset, out, 1000)


def test_a_run_learns_and_leaves_a_scored_artifact(dataset: Dataset, tmp_path: Path) -> None:
    result = run_small(dataset, tmp_path, train={"iterations": 25, "val_every": 25})
    steps = facts(tmp_path, "train")
    assert steps[0]["train_loss"] > 5.5
    first, last = facts(tmp_path, "validation")
    assert last["val_loss"] < first["val_loss"] - 0.5
    loaded = load_artifact(result.artifact_path)
    score = validate(loaded.model, loaded.config, dataset)
    assert result.score is not None
    assert score.val_bpb == result.score.val_bpb == facts(tmp_path, "final")[0]["val_bpb"]
    assert loaded.tokenizer == dataset.tokenizer_sha256
    assert (tmp_path / "tokenizer.model").read_bytes() == dataset.tokenizer_path.read_bytes()


def test_two_runs_are_equal_and_another_seed_is_not(dataset: Dataset, tmp_path: Path) -> None:
    results = [run_small(dataset, tmp_path / str(n), train={"seed": s}) for n, s in enumerate((1, 1, 2))]
    blobs = [result.artifact_path.read_bytes() for result in results]
    assert blobs[0] == blobs[1] != blobs[2]


def test_the_log_speaks_the_challenges_language(dataset: Dataset, tmp_path: Path) -> None:
    quant = {"attn_bits": 6, "mlp_bits": 6}
    run_small(dataset, tmp_path, train={"val_every": 2, "log_every": 1, "warmup_steps": 1}, quant=quant)
    log = (tmp_path / "train.log").read_text(encoding="utf-8")
    for pattern in (
        r"^step:0/4 val_loss:\d\.\d{4} val_bpb:\d\.\d{4} train_time:\d+ms step_avg:\d+\.\d{2}ms$",
        r"^step:4/4 train_loss:\d\.\d{4} train_time:\d+ms step_avg:\d+\.\d{2}ms$",
        r"^warmup_step:1/1$",
        r"^seed:1337$",
        r"^world_size:1 grad_accum_steps:2$",
        r"^Serialized model int6\+zstd: \d+ bytes$",
        r"^Code size: 1000 bytes$",
        r"^Total submission size int6\+zstd: \d+ bytes$",
        r"^final_int6_zstd_roundtrip_exact val_loss:\d\.\d{8} val_bpb:\d\.\d{8}$",
    ):
        assert re.search(pattern, log, re.MULTILINE), pattern


def test_over_the_cap_is_an_error_before_anything_is_scored(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ArtifactError, match="the cap is 2000"):
        run_small(dataset, tmp_path, quant={"cap_bytes": 2000})
    assert facts(tmp_path, "size")[0]["cap_bytes"] == 2000
    assert facts(tmp_path, "final") == []


class FakeTime:
    """A clock that moves when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(clocks.time, "perf_counter", lambda: self.now)


def test_the_first_step_at_the_cap_is_the_last(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    time = FakeTime(monkeypatch)
    session = session_of(dataset, make_config(train={"iterations": 99, "max_wallclock_seconds": 10.0}))
    forward = session.network
    session.network = lambda *args: (setattr(time, "now", time.now + 2.0), forward(*args))[1]
    end = run_loop(session)
    # Two micro-batches a step: 4 s each; 4 and 8 are below the cap, 12 is the first at or past it.
    assert end.steps == 3
    assert end.train_ms == 12000.0


def test_validation_and_warm_up_do_not_count(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    time = FakeTime(monkeypatch)
    train = {"iterations": 4, "max_wallclock_seconds": 100.0, "val_every": 1, "warmup_steps": 3}
    session = session_of(dataset, make_config(train=train))
    forward = session.network
    session.network = lambda *args: (setattr(time, "now", time.now + 1.0), forward(*args))[1]

    def slow_validation(*args: Any) -> Any:
        time.now += 1000.0
        return validate(*args)

    monkeypatch.setattr("reference_impl.train.loop.validate", slow_validation)
    warm_up(session)
    assert time.now == 6.0
    assert run_loop(session).train_ms == 8000.0


def test_calibration_on_training_text_counts_and_stays_inside(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = FakeTime(monkeypatch)
    quant = {"gptq": True, "gptq_sequences": 30, "gptq_reserve_seconds": 4.0}
    config = make_config(train={"iterations": 99, "max_wallclock_seconds": 10.0}, quant=quant)
    session = session_of(dataset, config)
    session.log = Logbook(tmp_path)
    forward, hidden = session.network, session.model.hidden
    session.network = lambda *args: (setattr(time, "now", time.now + 1.0), forward(*args))[1]
    end = run_loop(session)
    assert end.train_ms == 6000.0
    monkeypatch.setattr(
        session.model, "hidden", lambda *args: (setattr(time, "now", time.now + 0.5), hidden(*args))[1]
    )
    from reference_impl.train.export import calibrate

    assert len(calibrate(session)) == 17
    assert session.clock.elapsed_ms() == 10000.0
    log = (tmp_path / "train.log").read_text(encoding="utf-8")
    assert "gptq:reserving 4.0s, effective=6000ms" in log


def test_self_written_calibration_reads_no_training_text(dataset: Dataset, tmp_path: Path) -> None:
    session = session_of(dataset, make_config(quant={"gptq": True, "gptq_source": "generated"}))
    session.log = Logbook(tmp_path)
    from reference_impl.train.export import calibrate

    session.loader.next_batch = None  # type: ignore[assignment, method-assign]
    assert len(calibrate(session)) == 17
    assert session.clock.elapsed_ms() == 0.0


def test_calibrated_runs_store_other_integers(dataset: Dataset, tmp_path: Path) -> None:
    blobs = [
        run_small(dataset, tmp_path / str(n), quant=quant).artifact_path.read_bytes()
        for n, quant in enumerate(({"mlp_bits": 5}, {"mlp_bits": 5, "gptq": True}))
    ]
    assert blobs[0] != blobs[1]


def test_warm_up_puts_everything_back(dataset: Dataset) -> None:
    train = {"warmup_steps": 3}
    warmed, cold = (session_of(dataset, make_config(train=train)) for _ in range(2))
    warm_up(warmed)
    for session in (warmed, cold):
        for step in range(3):
            take_step(session, budget_of(session), step)
    for name, tensor in cold.model.state_dict().items():
        assert torch.equal(tensor, warmed.model.state_dict()[name]), name


def budget_of(session: Session) -> Any:
    from reference_impl.train.loop import loop_budget

    return loop_budget(session)


def test_warm_up_meets_every_graph_when_compiling(dataset: Dataset) -> None:
    config = make_config(
        {"core_start": 1, "core_end": 3, "passes": 3},
        train={"pass_schedule": "0.5:1,0.8:2,1.0:3", "supervised_layers": [1, 2], "warmup_steps": 2},
        quant={"qat_below": 0.2},
    )
    session = session_of(dataset, config)
    assert len(warmup_plans(session)) == 2
    session.compiled = True
    met = {(plan.passes, plan.supervised, rounding) for plan, rounding in warmup_plans(session)}
    layers = ((), (1,), (2,))
    assert met == {(p, s, q) for p in (1, 2, 3) for s in layers for q in (False, True)}


def test_the_plan_of_a_step_is_drawn_alike_everywhere() -> None:
    config = make_config(train={"supervised_layers": [0, 1, 2], "supervision_warmup_steps": 0})
    plans = [[Curriculum(config).plan(step, 0.1) for step in range(40)] for _ in range(2)]
    assert plans[0] == plans[1]
    assert {plan.supervised for plan in plans[0]} == {(0,), (1,), (2,)}
    assert all(plan.weights == (0.01, 0.0) for plan in plans[0])
    assert Curriculum(config).plan(5, 0.9).supervised == ()


def test_unswitched_supervision_shares_the_weight() -> None:
    train = {"supervised_layers": [1, 2], "supervision_switched": False, "supervision_warmup_steps": 0}
    plan = Curriculum(make_config(train=train)).plan(0, 0.0)
    assert plan.supervised == (1, 2)
    assert plan.weights == (0.005, 0.005, 0.0)


def test_the_boundary_loss_is_at_the_turn() -> None:
    config = make_config({"encoder_layers": 3}, train={"boundary_weight": 0.03})
    assert Curriculum(config).plan(9, 0.9) == (1, (2,), (0.03, 0.0))


@pytest.mark.parametrize(
    ("model", "train", "names"),
    [
        ({}, {"supervised_layers": [0], "supervision_warmup_steps": 0, "supervision_alpha": 0.5}, "blocks.0"),
        ({}, {"boundary_weight": 0.5}, "blocks.1"),
        ({"core_end": 4, "passes": 3}, {"jacobian_weight": 50.0}, "blocks.2"),
    ],
)
def test_training_only_losses_change_the_gradient(
    dataset: Dataset, model: dict[str, Any], train: dict[str, Any], names: str
) -> None:
    gradients = []
    for extra in ({}, train):
        session = session_of(dataset, make_config(model, train=extra))
        with torch.no_grad():
            torch.manual_seed(0)
            for parameter in session.model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.2)
        session.forward_backward(session.curriculum.plan(0, 0.0))
        block = session.model.get_submodule(names)
        gradients.append(torch.cat([p.grad.flatten() for p in block.parameters()]))
    assert not torch.allclose(gradients[0], gradients[1], rtol=1e-3)


def test_depth_grows_during_the_run(dataset: Dataset) -> None:
    config = make_config({"core_end": 4, "passes": 3}, train={"pass_schedule": "0.5:1,1.0:3"})
    session = session_of(dataset, config)
    seen = []
    forward = session.network
    session.network = lambda *args: (seen.append(args[2]), forward(*args))[1]
    run_loop(session)
    assert seen == [1, 1, 1, 1, 3, 3, 3, 3]


def test_rounding_starts_late(dataset: Dataset) -> None:
    config = make_config(optim={"warmdown_fraction": 1.0}, quant={"qat_below": 0.5, "mlp_bits": 5})
    session = session_of(dataset, config)
    bits = []
    forward = session.network
    fc = session.model.blocks[0].mlp.fc
    session.network = lambda *args: (bits.append(fc.qat_bits), forward(*args))[1]
    run_loop(session)
    assert bits == [0, 0, 0, 0, 5, 5, 5, 5]


@pytest.mark.parametrize("optim", [{"ema_decay": 0.9}, {"swa_every": 1, "swa_below": 1.0}])
def test_averages_are_what_is_stored(dataset: Dataset, tmp_path: Path, optim: dict[str, Any]) -> None:
    run_small(dataset, tmp_path, optim=optim)
    (average,) = facts(tmp_path, "average")
    (final,) = facts(tmp_path, "final")
    assert average["average"] == ("ema" if "ema_decay" in optim else "swa")
    assert final["val_loss"] == pytest.approx(average["val_loss"], abs=0.01)
    assert facts(tmp_path, "validation")[-1]["val_loss"] != pytest.approx(average["val_loss"], abs=1e-4)


def test_accumulating_gradients_changes_nothing(dataset: Dataset) -> None:
    """One batch in one piece or in four: the mean gradient is the same, for the same tokens."""
    x, y = session_of(dataset, make_config()).loader.next_batch(128, 16)
    whole, parts = (session_of(dataset, make_config(train={"micro_batches": n})) for n in (1, 4))
    whole.loader.next_batch = lambda *_: (x, y)  # type: ignore[method-assign]
    pieces = iter(zip(x.split(2), y.split(2), strict=True))
    parts.loader.next_batch = lambda *_: next(pieces)  # type: ignore[method-assign]
    losses = [s.forward_backward(s.curriculum.plan(0, 0.0)) for s in (whole, parts)]
    assert torch.allclose(*losses, atol=1e-6)
    for one, four in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.allclose(one.grad, four.grad, atol=1e-6)


def test_a_mistake_takes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from reference_impl.__main__ import run

    assert run(["train", "--preset", "huge"]) == 2
    assert run([]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "no preset 'huge'" in lines[0]
