"""Labels: what each way to end is called, and that no report alone makes a pass."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from audits.facts.layer import Layer
from audits.launch import LeftOut
from containers.failure import FailureKind, failed
from containers.result import Ending, SandboxResult, ScratchFile
from containers.smoke_result import Label, StageName
from containers.smoke_signs import RUN_FOLDER
from tests.containers.smoke_boxes import (
    CHILD,
    PARENT,
    SCRIPT,
    error,
    honest,
    honest_lines,
    judged,
    make_plan,
    mark,
    observed,
    stopped_at,
)


def test_an_honest_run_to_the_end_passes() -> None:
    found = judged(honest())
    assert (found.label, found.stage, found.error) == (Label.PASS, StageName.RUN, None)


@pytest.mark.parametrize(
    ("stage", "label"),
    [
        ("import", Label.IMPORT_FAIL),
        ("build", Label.BUILD_FAIL),
        ("forward", Label.FORWARD_FAIL),
        ("run", Label.RUN_FAIL),
    ],
)
def test_the_first_failed_stage_gives_its_label_with_the_submissions_line(stage: str, label: Label) -> None:
    found = judged(stopped_at(stage, error("ValueError", "shapes do not fit", text="y = w @ x")))
    assert (found.label, found.stage) == (label, StageName(stage))
    assert found.error is not None
    assert (found.error.path, found.error.line, found.error.text) == ("train_gpt.py", 3, "y = w @ x")
    assert found.reason == "ValueError: shapes do not fit"


def _environment() -> list[tuple[SandboxResult, Label]]:
    return [
        (replace(honest(), ending=Ending.NEVER_RAN, failure=failed(kind, "said the engine")), label)
        for kind, label in (
            (FailureKind.NO_ENGINE, Label.NOT_RUN),
            (FailureKind.NO_IMAGE, Label.NOT_RUN),
            (FailureKind.NO_SPACE, Label.INFRA_FAULT),
            (FailureKind.SUPERVISOR_LOST, Label.INFRA_FAULT),
            (FailureKind.UNKNOWN, Label.INFRA_FAULT),
        )
    ]


@pytest.mark.parametrize(("box", "label"), _environment())
def test_a_fault_of_the_environment_never_blames_the_author_and_says_what_to_do(
    box: SandboxResult, label: Label
) -> None:
    found = judged(box)
    assert (found.label, found.reason) == (label, "said the engine")
    assert found.error is None


def test_a_box_in_which_our_own_program_never_spoke_blames_nobody() -> None:
    box = replace(honest(), report=(), exit_code=1, output=b"No module named referee_inside.smoke\n")
    found = judged(box)
    assert found.label is Label.INFRA_FAULT
    assert "No module named referee_inside" in found.reason


LIMITS: list[tuple[str, SandboxResult, Label]] = [
    ("never ends", honest(ending=Ending.TIMED_OUT, exit_code=None), Label.TIMEOUT),
    ("memory", honest(ending=Ending.OUT_OF_MEMORY, exit_code=None), Label.RESOURCE),
    ("output", honest(ending=Ending.FLOODED, exit_code=None, output_bytes=10**9), Label.RESOURCE),
    ("forks", honest(exit_code=1, observed=observed(forks_refused=40)), Label.RESOURCE),
    ("memory of a child", honest(exit_code=1, observed=observed(oom_kills=1)), Label.RESOURCE),
    ("disk", honest(exit_code=1, observed=observed(scratch_full=True)), Label.RESOURCE),
    (
        "a stage that overstays",
        stopped_at("run", error("StageTimeoutError", "run: more than 150 s")),
        Label.TIMEOUT,
    ),
    ("numpy's own word", stopped_at("build", error("MemoryError", "cannot allocate")), Label.RESOURCE),
]


@pytest.mark.parametrize(("box", "label"), [case[1:] for case in LIMITS], ids=[case[0] for case in LIMITS])
def test_a_spent_limit_is_called_by_its_name(box: SandboxResult, label: Label) -> None:
    assert judged(box).label is label


def test_a_limit_that_was_touched_on_the_way_to_the_end_takes_no_pass_away() -> None:
    assert judged(honest(observed=observed(oom_kills=1, forks_refused=1))).label is Label.PASS


def test_leaving_with_status_0_before_main_returned_is_no_pass() -> None:
    found = judged(honest(*honest_lines()[:4]))
    assert found.label is Label.RUN_FAIL
    assert found.error is not None
    assert found.error.kind == "NeverReturned"


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({"observed": observed(files=())}, "artifact in scratch"),
        (
            {"observed": observed(files=(ScratchFile(RUN_FOLDER + "log.txt", 9000, None),))},
            "artifact in scratch",
        ),
        (
            {"observed": observed(files=(ScratchFile(RUN_FOLDER + "data/fineweb_val_0.bin", 9000, None),))},
            "artifact in scratch",
        ),
        (
            {"observed": observed(files=(ScratchFile("/scratch/build/m.ptz", 9000, None),))},
            "artifact in scratch",
        ),
        ({"observed": observed(files=(ScratchFile(RUN_FOLDER + "m.ptz", 3, None),))}, "artifact in scratch"),
    ],
)
def test_everything_reported_and_one_observation_missing_is_no_pass(
    change: dict[str, Any], sign: str
) -> None:
    found = judged(honest(**change))
    assert found.label is Label.RUN_FAIL
    assert sign in found.reason


def test_without_a_last_look_of_the_supervisor_the_environment_is_at_fault() -> None:
    assert judged(honest(observed=observed(complete=False))).label is Label.INFRA_FAULT


def test_a_printed_pass_is_nothing() -> None:
    box = honest(*honest_lines()[:2], output=b"import OK in 0.03s, SMOKE_TEST_PASS\n", exit_code=1)
    assert judged(box).label is Label.BUILD_FAIL


FORGERIES: list[tuple[str, list[dict[str, Any]]]] = [
    ("a child says that the run ended", [*honest_lines()[:4], mark("run", sender=CHILD)]),
    ("a mark twice", [*honest_lines(), mark("run")]),
    ("out of order", [mark("import"), mark("run"), mark("build"), mark("forward")]),
    ("more time than passed", [mark("import"), mark("build"), mark("forward"), mark("run", seconds=900.0)]),
    ("less than no time", [mark("import"), mark("build"), mark("forward"), mark("run", seconds=-900.0)]),
    ("a child that speaks first", [mark("import", sender=CHILD), mark("build"), mark("forward")]),
]


@pytest.mark.parametrize("lines", [case[1] for case in FORGERIES], ids=[case[0] for case in FORGERIES])
def test_a_forged_verdict_is_an_attempt_to_escape(lines: list[dict[str, Any]]) -> None:
    found = judged(honest(*lines))
    assert found.label is Label.ESCAPE_ATTEMPT
    assert found.reason.startswith("a forged verdict")


def test_a_forged_failure_does_not_hide_behind_a_gap() -> None:
    gap = mark("run", "failed", sender=CHILD, error=error("ShimGapError", "no such kernel"))
    assert judged(honest(*honest_lines()[:4], gap, exit_code=1)).label is Label.ESCAPE_ATTEMPT


def test_an_artifact_that_is_only_said_to_be_there_is_forged() -> None:
    told = {"event": "file", "path": "/scratch/final_model.ptz", "bytes": 48_000, "sender": CHILD}
    found = judged(honest(*honest_lines(), told, observed=observed(files=())))
    assert found.label is Label.ESCAPE_ATTEMPT


HOSTILE = [
    ("ptrace", "ptrace"),
    ("privilege", "setuid"),
    ("reads-referee", "import referee_inside"),
    ("reads-referee", "/job/job.json"),
    ("procfs", "/proc/1/environ"),
    ("host-path", "/var/run/docker.sock"),
    ("host-path", "/root/.ssh/id_rsa"),
    ("a kind of tomorrow", ""),
]
HONEST = [
    ("network", "socket.getaddrinfo ('example.org', 443)"),
    ("procfs", "/proc/self/fd/3"),
    ("procfs", "/proc/meminfo"),
    ("reads-referee", "/opt/inside/referee_inside/zygote.py"),
    ("host-path", "/root/parameter-golf/data"),
    ("kill", "os.kill (99, 15)"),
]


@pytest.mark.parametrize(("kind", "detail"), HOSTILE)
def test_an_attempt_on_the_box_outweighs_everything_else(kind: str, detail: str) -> None:
    tried = {"event": "attempt", "kind": kind, "detail": detail, "line": "train_gpt.py:9", "sender": CHILD}
    found = judged(honest(*honest_lines(), tried))
    assert found.label is Label.ESCAPE_ATTEMPT
    assert kind in found.reason
    assert found.error is not None
    assert (found.error.path, found.error.line) == ("train_gpt.py", 9)


@pytest.mark.parametrize(("kind", "detail"), HONEST)
def test_what_honest_scripts_do_is_told_and_is_no_escape(kind: str, detail: str) -> None:
    tried = {"event": "attempt", "kind": kind, "detail": detail, "sender": CHILD}
    assert judged(honest(*honest_lines(), tried)).label is Label.PASS


def test_a_process_that_outlives_the_run_is_an_escape() -> None:
    found = judged(honest(observed=observed(left_behind=("miner",))))
    assert found.label is Label.ESCAPE_ATTEMPT
    assert "miner" in found.reason


@pytest.mark.parametrize("ending", [Ending.TIMED_OUT, Ending.FLOODED])
def test_what_a_limit_cut_short_has_outlived_nothing(ending: Ending) -> None:
    found = judged(honest(ending=ending, exit_code=None, observed=observed(left_behind=("python",))))
    assert found.label in (Label.TIMEOUT, Label.RESOURCE)


def _killed_by_the_filter() -> list[SandboxResult]:
    stage = stopped_at("import", {"class": "Killed", "message": "ended by SIGSYS"})
    alone = honest(ending=Ending.SIGNALLED, exit_code=None, signal=31)
    return [stage, alone, honest(observed=observed(forbidden_calls=1))]


@pytest.mark.parametrize("box", _killed_by_the_filter(), ids=["parent", "engine", "supervisor"])
def test_a_call_that_the_kernel_punishes_is_an_escape(box: SandboxResult) -> None:
    found = judged(box)
    assert found.label is Label.ESCAPE_ATTEMPT
    assert "forbidden system call" in found.reason


OURS = [
    ("ModuleNotFoundError", "No module named 'mamba_ssm'"),
    ("ModuleNotFoundError", "No module named 'tkinter'"),
    ("ImportError", "cannot import name 'flash_attn_varlen_func' from 'flash_attn_interface' (/x/y.py)"),
    ("ShimGapError", "triton kernel fused_mlp"),
    ("RuntimeError", "No CUDA GPUs are available"),
    ("RuntimeError", "\"addmm_impl_cpu_\" not implemented for 'Half'"),
    ("AttributeError", "module 'torch.cuda' has no attribute 'memory_snapshot_of_tomorrow'"),
    ("FileNotFoundError", "[Errno 2] No such file or directory: './data/fineweb_train_000000.bin'"),
]
THEIRS = [
    ("ModuleNotFoundError", "No module named 'muon_t3'"),
    ("ImportError", "cannot import name 'helper' from 'train_gpt' (/submission/train_gpt.py)"),
    ("FileNotFoundError", "[Errno 2] No such file or directory: 'gate.json'"),
    ("NameError", "name '_COMPRESSOR' is not defined"),
    ("SyntaxError", "invalid character '—' (U+2014)"),
]


@pytest.mark.parametrize(("kind", "message"), OURS)
def test_what_the_shim_or_the_image_lacks_is_ours(kind: str, message: str) -> None:
    found = judged(stopped_at("import", error(kind, message)))
    assert found.label is Label.SHIM_GAP


@pytest.mark.parametrize(("kind", "message"), THEIRS)
def test_what_the_folder_lacks_or_gets_wrong_is_theirs(kind: str, message: str) -> None:
    found = judged(stopped_at("import", error(kind, message)))
    assert found.label is Label.IMPORT_FAIL


def test_a_missing_module_is_named() -> None:
    found = judged(stopped_at("import", error("ModuleNotFoundError", "No module named 'muon_t3.core'")))
    assert found.error is not None
    assert found.error.missing_module == "muon_t3"


def test_a_package_that_the_folder_declares_is_not_a_missing_helper() -> None:
    plan = replace(make_plan(), declared=frozenset({"rare_optimizer"}))
    box = stopped_at("import", error("ModuleNotFoundError", "No module named 'rare_optimizer'"))
    assert judged(box, plan).label is Label.SHIM_GAP
    assert judged(box).label is Label.IMPORT_FAIL


def test_an_error_raised_inside_our_own_stand_in_is_ours() -> None:
    tail = [
        'File "/submission/train_gpt.py", line 3, in main',
        'File "/opt/inside/referee_inside/shim/attention.py", line 8, in flash',
    ]
    found = judged(stopped_at("run", error("TypeError", "unexpected keyword", traceback_tail=tail)))
    assert found.label is Label.SHIM_GAP


def test_the_parent_is_whoever_spoke_first_and_nobody_else() -> None:
    lines = [{**line, "sender": PARENT} for line in honest_lines()]
    assert judged(honest(*lines)).label is Label.PASS


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"event": None},
        {"event": "stage", "stage": ["run"], "status": {}},
        {"event": "stage", "stage": "build", "status": "ok", "seconds": "nan", "figures": [1], "error": 3},
        {"event": "figure", "name": 3, "value": {"a": 1}},
        {"event": "evaluation", "val_loss": float("nan"), "val_bpb": True},
        {"event": "file", "path": 3, "bytes": -(10**400)},
        {"event": "attempt"},
    ],
)
def test_a_malformed_line_raises_nothing(line: dict[str, Any]) -> None:
    judged(honest(mark("import"), {"sender": PARENT, **line}))


def test_a_gap_that_was_survived_does_not_excuse_another_error() -> None:
    found = judged(stopped_at("run", error("KeyError", "'lm_head'", gaps=["module"])))
    assert found.label is Label.RUN_FAIL


def test_a_gap_that_the_error_itself_shows_is_ours() -> None:
    found = judged(stopped_at("run", error("OSError", "libcuda.so.1: cannot open", gaps=["cuda"])))
    assert found.label is Label.SHIM_GAP


def test_a_model_that_was_not_seen_needs_no_forward_pass() -> None:
    lines = [line for line in honest_lines() if line.get("stage") not in ("build", "forward")]
    lines.insert(2, mark("build", "skipped", detail="the script ended without training a torch module"))
    assert judged(honest(*lines)).label is Label.PASS


def test_a_file_is_named_as_the_folder_has_it_and_an_unpacked_line_finds_its_layer() -> None:
    plan = make_plan({"train_gpt.py": "x = 1\n", "src/model.py": "def f():\n    return y\n"})
    found = judged(stopped_at("run", error("NameError", "y", file="model.py", line=2)), plan)
    assert found.error is not None
    assert found.error.path == "src/model.py"
    layer = Layer("train_gpt.py", 1, "a = 1\nb = nowhere\n", ("lzma",))
    packed = replace(plan, layers=(layer,))
    box = stopped_at("run", error("NameError", "nowhere", file="<unpacked 1>", line=2, text="b = nowhere"))
    found = judged(box, packed)
    assert found.error is not None
    assert (found.error.path, found.error.layer, found.error.line) == ("train_gpt.py", 1, 2)


@pytest.mark.parametrize("kind", ["StageTimeoutError", "MemoryError", "Killed"])
def test_a_model_too_large_for_the_box_is_no_fault_where_the_tiny_run_came_to_its_end(kind: str) -> None:
    lines = [line for line in honest_lines() if line.get("stage") not in ("build", "forward")]
    lines.insert(2, mark("build", "failed", error=error(kind, "not done after 45 s")))
    found = judged(honest(*lines, exit_code=1))
    assert found.label is Label.PASS
    assert "too much for this box" in found.reason


def test_a_model_that_cannot_be_built_is_a_fault_although_the_tiny_run_came_to_its_end() -> None:
    lines = [line for line in honest_lines() if line.get("stage") not in ("build", "forward")]
    lines.insert(2, mark("build", "failed", error=error("ValueError", "heads do not divide the width")))
    assert judged(honest(*lines, exit_code=1)).label is Label.BUILD_FAIL


def test_who_is_at_work_when_we_end_the_box_does_not_outlive_the_run() -> None:
    box = honest(
        *honest_lines()[:2],
        ending=Ending.TIMED_OUT,
        exit_code=None,
        observed=observed(left_behind=("python",)),
    )
    assert judged(box).label is Label.TIMEOUT


def test_an_answer_that_our_parent_did_not_give_the_word_for_is_forged() -> None:
    found = judged(stopped_at("run", error("ForgedAnswer", "an answer that is not our program's")))
    assert found.label is Label.ESCAPE_ATTEMPT


def test_a_file_that_the_repository_does_not_hold_is_no_fault_of_the_run() -> None:
    absent = LeftOut("prefix.xz", -1, "a" * 40, "the repository does not hold it", readable=False)
    plan = replace(make_plan(), left_out=(absent,))
    box = stopped_at("run", error("FileNotFoundError", "[Errno 2] No such file or directory: 'prefix.xz'"))
    assert judged(box, plan).label is Label.INFRA_FAULT
    assert judged(box).label is Label.RUN_FAIL


def test_an_engine_that_cannot_tell_senders_apart_gives_no_pass() -> None:
    lines = [{**line, "sender": None} for line in honest_lines()]
    found = judged(honest(*lines))
    assert found.label is Label.INFRA_FAULT
    assert "who sent a line" in found.reason


def test_a_box_that_was_full_until_its_time_was_up_ran_out_of_room_not_of_time() -> None:
    over = {"ending": Ending.TIMED_OUT, "exit_code": None}
    assert (
        judged(honest(*honest_lines()[:2], **over, observed=observed(forks_refused=9))).label
        is Label.RESOURCE
    )
    lines = [*honest_lines()[:2], mark("build", "failed", error=error("Killed", "ended by SIGKILL"))]
    assert judged(honest(*lines, **over, observed=observed(oom_kills=2))).label is Label.RESOURCE
    assert judged(honest(*lines, **over)).label is Label.TIMEOUT


@pytest.mark.parametrize("folder", ["/scratch/run/", "/scratch/run/records/track_10min_16mb/submission/"])
def test_an_artifact_may_lie_in_the_record_folder_or_at_the_root_of_the_repository(folder: str) -> None:
    file = ScratchFile(folder + "final_model.ptz", 9000, None)
    assert judged(honest(observed=observed(files=(file,)))).label is Label.PASS
    data = ScratchFile(folder + "data/tokens.bin", 9000, None)
    assert judged(honest(observed=observed(files=(data,)))).label is Label.RUN_FAIL


def test_a_committed_artifact_counts_only_when_the_run_wrote_it_anew() -> None:
    committed = b"weights" * 1000
    brought = make_plan({"train_gpt.py": SCRIPT, "final_model.ptz": committed})
    same = ScratchFile(RUN_FOLDER + "final_model.ptz", len(committed), hashlib.sha256(committed).hexdigest())
    assert judged(honest(observed=observed(files=(same,))), brought).label is Label.RUN_FAIL
    above = make_plan({"train_gpt.py": SCRIPT, ".repository/model.ptz": committed})
    root = replace(same, path="/scratch/run/model.ptz")
    assert judged(honest(observed=observed(files=(root,))), above).label is Label.RUN_FAIL
    anew = ScratchFile(RUN_FOLDER + "final_model.ptz", len(committed), hashlib.sha256(b"other").hexdigest())
    assert judged(honest(observed=observed(files=(anew,))), brought).label is Label.PASS


def test_a_committed_artifact_that_the_mirror_lacks_was_not_laid_out() -> None:
    absent = LeftOut("final_model.ptz", -1, "0" * 40, "the repository does not hold it", readable=False)
    written = ScratchFile(RUN_FOLDER + "final_model.ptz", 9000, None)
    plan = replace(make_plan(), left_out=(absent,))
    assert judged(honest(observed=observed(files=(written,))), plan).label is Label.PASS
    there = replace(plan, left_out=(replace(absent, size=9000, readable=True),))
    assert judged(honest(observed=observed(files=(written,))), there).label is Label.RUN_FAIL
