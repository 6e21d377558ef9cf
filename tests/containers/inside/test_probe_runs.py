"""The probe's runs of scripts of ours: what each is given, what its trace holds, what the runs differ in."""

from __future__ import annotations

import base64

import pytest

pytest.importorskip("torch", reason="needs the cpu extra")
np = pytest.importorskip("numpy", reason="needs the cpu extra")
pytestmark = pytest.mark.torch

from containers.inside.probe.trace import Event, Kind, Trace, decode  # noqa: E402
from tests.containers.inside import probe_scripts as scripts  # noqa: E402

PROBE = """
import base64, json, os, sys
from referee_inside.shim import install
install.install()
from referee_inside.channel import CHANNEL
from referee_inside.job import read_job
from referee_inside.probe import order, trace

kept = []
job = read_job(os.environ["REFEREE_JOB"])
probe = order.Probe(job, CHANNEL, lambda runs: (), lambda runs: kept.append(runs) or ())
order.ORDER = tuple(os.environ["RUNS"].split(","))
probe.run()
print(json.dumps({
    "skipped": dict(kept[0].skipped),
    "runs": {
        name: {
            "trace": base64.b64encode(trace.encode(run.trace)).decode(), "stream": run.stream.tolist(),
            "start": run.start, "stop": run.stop, "ok": run.ok, "error": run.error,
            "artifacts": dict(run.artifacts),
        }
        for name, run in kept[0].by_name.items()
    },
}))
"""


@pytest.fixture
def probed(inside, vocabulary):
    """Run some of the probe's runs on a script and return them by name."""

    def probe(text: str, runs: str = "A,B1") -> dict:
        where = inside.lay_out(text, kind="probe")
        made = inside.code(PROBE, REFEREE_DATA=str(vocabulary), RUNS=runs, **where)
        for name, run in made["runs"].items():
            assert run["ok"], (name, run["error"])
            run["trace"] = decode(base64.b64decode(run["trace"]))
            run["stream"] = np.array(run["stream"])
        return made

    return probe


def losses(trace: Trace, kind: Kind = Kind.LOSS) -> list[Event]:
    found = [event for event in trace.events if event.kind is kind and event.phase >= 0]
    return [event for event in found if not event.grad] or found


def entries(events: list[Event], name: str = "values"):
    return np.concatenate([getattr(event, name) for event in events])


def reported(trace: Trace) -> float:
    return [event.number for event in trace.events if event.kind is Kind.PRINT and event.text == "val_loss"][
        -1
    ]


def same(one: Trace, other: Trace) -> bool:
    return len(one.events) == len(other.events) and all(
        (a.kind, a.site, a.number, a.state) == (b.kind, b.site, b.number, b.state)
        and (a.values is None or np.array_equal(a.values, b.values))
        for a, b in zip(one.events, other.events, strict=True)
    )


def test_two_runs_of_one_stream_are_the_same_to_the_bit(probed):
    runs = probed(scripts.script(scripts.SCORE_FIRST), "A,A2")["runs"]
    assert same(runs["A"]["trace"], runs["A2"]["trace"])
    assert runs["A"]["artifacts"] == runs["A2"]["artifacts"]
    assert runs["A"]["artifacts"]


@pytest.mark.parametrize(
    "evaluation", [scripts.PLAIN, scripts.SLIDING, scripts.MIXER, scripts.SCORE_FIRST, scripts.LORA]
)
def test_an_honest_script_scores_the_tokens_before_the_change_alike(probed, evaluation):
    runs = probed(scripts.script(evaluation))["runs"]
    before, after = (entries(losses(runs[name]["trace"])) for name in ("A", "B1"))
    targets = [entries(losses(runs[name]["trace"]), "targets") for name in ("A", "B1")]
    kept = targets[0] == targets[1]
    if evaluation is not scripts.LORA:  # in the order of the stream
        assert kept[: runs["B1"]["start"] - 1].all()
        assert np.array_equal(before[: runs["B1"]["start"] - 1], after[: runs["B1"]["start"] - 1])
    assert (before[~kept] != after[~kept]).mean() > 0.9


@pytest.mark.parametrize(
    ("evaluation", "before"),
    [(scripts.SLOT, ""), (scripts.PLAIN, scripts.PREQUANT)],
    ids=["slot", "pre-quant"],
)
def test_a_leak_changes_scores_of_tokens_before_the_change(probed, evaluation, before):
    runs = probed(scripts.script(evaluation, before))["runs"]
    one, other = (entries(losses(runs[name]["trace"])) for name in ("A", "B1"))
    first = runs["B1"]["start"] - 1
    assert (one[:first] != other[:first]).any()


def test_validation_data_in_training_change_the_artifact(probed):
    runs = probed(scripts.script(scripts.PLAIN, scripts.PREQUANT))["runs"]
    assert runs["A"]["artifacts"].keys() == runs["B1"]["artifacts"].keys()
    assert runs["A"]["artifacts"] != runs["B1"]["artifacts"]


@pytest.mark.parametrize("evaluation", [scripts.PLAIN, scripts.SLIDING, scripts.SCORE_FIRST, scripts.SLOT])
def test_what_torch_computed_adds_up_to_the_number_reported(probed, evaluation):
    trace = probed(scripts.script(evaluation), "A")["runs"]["A"]["trace"]
    added = [e.number for e in trace.events if e.kind is Kind.ADD and e.text == "loss_sum" and e.phase >= 0]
    count = sum(event.values.size for event in losses(trace)) if evaluation is not scripts.SLIDING else None
    if count:
        assert sum(added) / count == pytest.approx(reported(trace), rel=1e-6)
    sums = [e for e in losses(trace, Kind.SUM) if not np.array_equal(e.values, np.round(e.values))]
    if evaluation is not scripts.PLAIN:
        assert np.concatenate([e.values for e in sums]).mean() == pytest.approx(reported(trace), rel=1e-6)


def test_a_mixture_in_numpy_is_watched_where_it_enters_the_sum(probed):
    trace = probed(scripts.script(scripts.MIXER), "A")["runs"]["A"]["trace"]
    sums = [e for e in losses(trace, Kind.SUM) if not np.array_equal(e.values, np.round(e.values))]
    mixed = [e for e in sums if e.values.size == 128]
    assert np.concatenate([e.values for e in mixed]).mean() == pytest.approx(reported(trace), rel=1e-6)
    picked = entries(losses(trace))
    assert np.allclose(picked, np.concatenate([e.values for e in mixed]))
    assert all(e.digests is not None for e in losses(trace))


def test_look_ups_name_the_targets(probed):
    run = probed(scripts.script(scripts.SLIDING), "A")["runs"]["A"]
    read = entries(losses(run["trace"], Kind.TARGET), "targets")
    assert np.array_equal(read[:1000], run["stream"][1:1001])


def test_evaluations_updates_files_and_prints_are_told(probed):
    trace = probed(scripts.script(scripts.SCORE_FIRST), "A")["runs"]["A"]["trace"]
    kinds = [(event.kind, event.text, event.phase) for event in trace.events]
    assert (Kind.BEGIN, "eval_val", 0) in kinds
    assert (Kind.SAVE, "final_model.int8.ptz", -1) in kinds
    assert (
        Kind.LOAD,
        "final_model.int8.ptz",
        -1,
    ) in kinds
    assert sum(event.kind is Kind.UPDATE and event.phase == 0 for event in trace.events) == 20
    assert sum(event.kind is Kind.ASSIGN for event in trace.events) == 1
    end = next(event for event in trace.events if event.kind is Kind.END)
    assert end.values[0] == pytest.approx(reported(trace), abs=1e-7)
    assert trace.facts["vocab_size"] == 512
    assert trace.facts["cut"] == ""


def test_a_planted_leak_moves_scores_before_the_change(probed):
    runs = probed(scripts.script(scripts.MIXER), "A,P")["runs"]
    one, other = (entries(losses(runs[name]["trace"], Kind.SUM)) for name in ("A", "P"))
    assert one.shape == other.shape
    assert np.mean(one != other) > 0.4
    assert np.array_equal(runs["A"]["stream"], runs["P"]["stream"])
    assert runs["P"]["trace"].facts["planted"]["calls"] > 0


def test_a_spoilt_memory_changes_nothing_where_the_artifact_is_scored(probed):
    runs = probed(scripts.script(), "A,R")["runs"]
    told = runs["R"]["trace"].facts["reload"]
    assert told["poisoned"] >= 5
    assert told["shards_removed"] >= 2
    assert reported(runs["A"]["trace"]) == reported(runs["R"]["trace"])


def test_a_spoilt_memory_shows_where_something_else_is_scored(probed):
    text = scripts.script().replace("    model.load_state_dict(torch.load(io", "    (torch.load(io")
    runs = probed(text, "A,R")["runs"]
    assert reported(runs["A"]["trace"]) != reported(runs["R"]["trace"])


def test_nothing_read_back_is_said(probed):
    head, _, tail = scripts.script().partition('    with open("final_model.int8.ptz", "rb")')
    text = head + tail[tail.index("    loss, bpb = eval_val") :]
    assert "read back" in probed(text, "A,R")["skipped"]["R"]


def test_runs_that_were_left_out_keep_no_other_waiting(monkeypatch, tmp_path) -> None:
    """A plain run that fails leaves its repetition out; what waits for both must then be left out, too."""
    monkeypatch.setenv("REFEREE_SCRATCH", str(tmp_path))  # where a vocabulary is made
    from containers.inside.channel import Channel
    from containers.inside.job import Job
    from containers.inside.probe.order import ORDER, Probe
    from containers.inside.probe.runs import AGAIN, CHANGED, PLAIN, RANKED, Run
    from containers.inside.probe.trace import Trace

    made: list[str] = []

    class Failing(Probe):
        def _make(self, name: str) -> Run:
            made.append(name)
            return Run(name=name, trace=Trace(()), stream=np.zeros(4, np.int64), ok=False)

        def _report(self) -> None:
            pass

    probe = Failing(Job("train_gpt.py"), Channel(""), lambda runs: (), lambda runs: ())
    assert not probe.run()
    assert set(made) <= {PLAIN, CHANGED[0]}
    assert {*made, *probe.skipped} == {*ORDER, RANKED}
    assert AGAIN in probe.skipped


def test_numbers_are_read_off_a_record_that_an_evaluation_returns(probed):
    record = "import types\n\n" + scripts.SLIDING.replace(
        "    return loss, bpb\n",
        "    return types.SimpleNamespace(seconds=1.0, val_loss=loss, val_bpb=bpb)\n",
    )
    text = scripts.script(record).replace(
        "loss, bpb = eval_val(model, h, val, table)",
        "found = eval_val(model, h, val, table)\n    loss, bpb = found.val_loss, found.val_bpb",
    )
    trace = probed(text, "A")["runs"]["A"]["trace"]
    end = next(event for event in trace.events if event.kind is Kind.END)
    assert end.values.size == 2
    assert end.values[0] == pytest.approx(reported(trace), abs=1e-7)
