"""Signed replays: what holds, and what stops holding after one byte."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from audits.errors import UserError
from harness.attest import attest, verify
from harness.attest.envelope import make_key, pre_authentication, public_pem, read_key
from harness.attest.statement import canonical
from harness.replay.compare import compare
from harness.replay.keep import write_record
from harness.replay.measurement import Measurement
from harness.replay.report import write_reports
from harness.rundir import ReplayDir
from tests.harness.replay.test_compare import PLAN, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def directory(tmp_path: Path) -> ReplayDir:
    made = ReplayDir(tmp_path / "run")
    made.root.mkdir()
    write_record(made.plan, PLAN)
    for seed in PLAN.seeds:
        made.seed(seed).mkdir(parents=True)
        write_record(made.seed_measurement(seed), run(seed))
        (made.seed(seed) / "events.jsonl").write_text("")
    runs = tuple(run(seed) for seed in PLAN.seeds)
    write_record(made.comparison, compare(Measurement(runs), PLAN))
    write_reports(made)
    return made


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    make_key(path)
    return path


def check(bundle: Path, **options: object) -> tuple[str, ...]:
    given = {"directory": None, "public_key": None, "identity": None, "issuer": None, **options}
    return verify(bundle, **given).problems  # type: ignore[arg-type]


def test_an_untouched_run_holds(directory: ReplayDir, key: Path) -> None:
    bundle = attest(directory, key)
    checked = verify(bundle, None, None, None, None)
    assert checked.problems == ()
    assert checked.verdict == "REPRODUCED"
    assert checked.signer.startswith("key ")


def test_one_changed_byte_is_named(directory: ReplayDir, key: Path) -> None:
    bundle = attest(directory, key)
    path = directory.report("md")
    data = bytearray(path.read_bytes())
    data[10] ^= 1
    path.write_bytes(data)
    assert check(bundle) == ("report.md was changed",)


def test_added_and_missing_files_are_named(directory: ReplayDir, key: Path) -> None:
    bundle = attest(directory, key)
    (directory.root / "new.txt").write_text("x")
    directory.report("json").unlink()
    assert set(check(bundle)) == {"report.json is missing", "new.txt was not there when it was signed"}


def test_a_changed_statement_does_not_hold(directory: ReplayDir, key: Path) -> None:
    bundle = attest(directory, key)
    document = json.loads(bundle.read_text())
    said = json.loads(base64.b64decode(document["envelope"]["payload"]))
    said["predicate"]["verdict"] = "INVALID"
    document["envelope"]["payload"] = base64.b64encode(canonical(said)).decode()
    bundle.write_text(json.dumps(document))
    assert check(bundle) == ("the signature does not hold",)


def test_another_key_does_not_hold(directory: ReplayDir, key: Path, tmp_path: Path) -> None:
    bundle = attest(directory, key)
    other = tmp_path / "other.pem"
    make_key(other)
    public = tmp_path / "public.pem"
    public.write_text(public_pem(read_key(other).public_key()))
    assert check(bundle, public_key=public) == ("the signature does not hold",)


def test_a_link_in_the_directory_is_refused(directory: ReplayDir, key: Path) -> None:
    (directory.root / "link").symlink_to("/etc/passwd")
    with pytest.raises(UserError, match="no regular file"):
        attest(directory, key)


def test_keyless_signing_outside_a_job_says_what_to_do(directory: ReplayDir) -> None:
    pytest.importorskip("sigstore", reason="needs the attest extra")
    with pytest.raises(UserError, match="no CI job"):
        attest(directory, None)


def test_a_sigstore_bundle_asks_for_the_identity(tmp_path: Path) -> None:
    bundle = tmp_path / "b.json"
    bundle.write_text('{"kind": "sigstore", "bundle": {}}')
    with pytest.raises(UserError, match="identity"):
        check(bundle)


def test_a_key_is_never_overwritten_and_is_private(key: Path) -> None:
    assert key.stat().st_mode & 0o077 == 0
    with pytest.raises(UserError, match="cannot write"):
        make_key(key)


def test_what_is_signed_is_dsse() -> None:
    assert pre_authentication(b"{}") == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"kind": "local-key"}', '{"kind": "else"}'])
def test_what_is_no_bundle_is_refused(tmp_path: Path, text: str) -> None:
    bundle = tmp_path / "b.json"
    bundle.write_text(text)
    try:
        problems = check(bundle)
    except UserError:
        return
    assert problems
