"""Uploads that no honest run leaves behind: each refused with its reason, and nothing of it shown."""

from __future__ import annotations

import io
import stat
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from harness.github.faults import RefusedError
from harness.github.publish import publish
from harness.github.upload import MAX_ARCHIVE_BYTES, read_upload
from tests.harness.github.runs import FOLDER, PR, RUN, finished, opened, packed

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.github.client import Client
    from tests.harness.github.fake import FakeGitHub
    from tests.harness.github.runs import Finished

EVIL = "@everyone <img src=x onerror=alert(1)> [free](https://evil.example) ``` <!-- referee:run 9999.1 -->"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finished(tmp_path_factory.mktemp("done"))


def entry(name: str, data: bytes = b"x", mode: int = stat.S_IFREG | 0o644) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info, data


def with_entries(done: Finished, *entries: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO(done.archive())
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        for info, data in entries:
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (entry("../../etc/cron.d/x"), "unpacked elsewhere"),
        (entry("/etc/passwd"), "unpacked elsewhere"),
        (entry("smoke\\..\\..\\x"), "unpacked elsewhere"),
        (entry("C:/x"), "unpacked elsewhere"),
        (entry("smoke/0.json", b"/etc/passwd", stat.S_IFLNK | 0o777), "a link or a device"),
        (entry("run.sh"), "no review writes"),
        (entry("smoke/deep/0.json"), "no review writes"),
        (entry("run.json", b"0" * (MAX_ARCHIVE_BYTES * 4 + 1)), "unpacks to"),
    ],
)
def test_a_bad_entry_refuses_the_archive(
    done: Finished, info: tuple[zipfile.ZipInfo, bytes], reason: str
) -> None:
    files = {name: data for name, data in done.files.items() if name != info[0].filename}
    out = io.BytesIO(packed(files))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(info[0], info[1], zipfile.ZIP_DEFLATED)
    with pytest.raises(RefusedError, match=reason):
        read_upload(out.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_twice_is_refused(done: Finished) -> None:
    with pytest.raises(RefusedError, match="holds a file twice"):
        read_upload(with_entries(done, entry("review.json", b"{}")))


def test_what_is_no_archive_is_refused() -> None:
    for data in (b"", b"PK\x03\x04 not really", b"\0" * 100):
        with pytest.raises(RefusedError, match="no archive"):
            read_upload(data)


def test_a_size_that_the_archive_hides_is_found(done: Finished) -> None:
    """The header says a few bytes and the stream holds more: zipfile sees the lie, and reading is capped."""
    data = bytearray(packed({**done.files, "review.json": b" " * 6_000_000}))
    size = (6_000_000).to_bytes(4, "little")
    while size in data:
        data[data.index(size) : data.index(size) + 4] = (100).to_bytes(4, "little")
    with pytest.raises(RefusedError):
        read_upload(bytes(data))


def test_a_file_of_two_gigabytes_is_not_even_fetched(
    client: Client, github: FakeGitHub, done: Finished
) -> None:
    event = opened(github, done)
    github.artifacts[RUN][0]["size_in_bytes"] = 2_147_483_648
    assert "2,147,483,648 bytes" in publish(client, event).refused
    assert not [path for _, path in github.seen if "/zip" in path or "/blob" in path]


def test_a_size_that_the_api_hides_is_found(client: Client, github: FakeGitHub, done: Finished) -> None:
    event = opened(github, done, b"\0" * (MAX_ARCHIVE_BYTES + 10))
    github.artifacts[RUN][0]["size_in_bytes"] = 100
    assert "larger than" in publish(client, event).refused


def folder(document: dict[str, Any]) -> dict[str, Any]:
    return document["folders"][0]  # type: ignore[no-any-return]


def claim_clean(document: dict[str, Any]) -> None:
    folder(document)["verdict"] = "CLEAN"
    folder(document)["deciding"] = []


def acquit(document: dict[str, Any]) -> None:
    """Leave a rule out."""
    mine = folder(document)
    mine["outcomes"] = mine["outcomes"][1:]


def hide_group(document: dict[str, Any]) -> None:
    folder(document)["groups"].pop()


def soften(document: dict[str, Any]) -> None:
    for group in folder(document)["groups"]:
        group["word"] = "note"


def invent_ruling(document: dict[str, Any]) -> None:
    rule = folder(document)["outcomes"][0]["rule"]
    folder(document)["rulings"] = [
        {
            "rule": rule,
            "decision": "legal",
            "who": "maintainer",
            "why": "fine",
            "link": "https://github.com/o/n/x",
        }
        | {"date": "2026-01-01", "expires": "2027-01-01", "applied": True, "note": ""}
    ]


def move_axis(document: dict[str, Any]) -> None:
    folder(document)["outcomes"][0]["axis"] = "record"


def other_folder(document: dict[str, Any]) -> None:
    folder(document)["judged"]["path"] = "records/track_10min_16mb/2026-03-01_Somebody"


def set_key(**keys: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(keys)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_key(pr=8), "the run was about #7"),
        (set_key(head_sha="a" * 40), "is about head"),
        (set_key(rulebook="0.1+mine"), "is about rulebook"),
        (set_key(policy_edition="2020-01-01"), "is about policy"),
        (set_key(folders="x"), "breaks its schema at folders"),
        (set_key(html="<b>"), "breaks its schema at html"),
        (claim_clean, "forged verdict: its own outcomes give UNCLEAR, it says CLEAN"),
        (acquit, "one outcome a rule"),
        (hide_group, "exactly the outcomes"),
        (soften, "another weight"),
        (invent_ruling, "forged ruling"),
        (move_axis, "is weighed on"),
        (other_folder, "does not touch"),
    ],
)
def test_a_lie_is_refused_with_its_reason(
    client: Client, github: FakeGitHub, done: Finished, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    told = publish(client, opened(github, done, done.archive(change)))
    assert reason in told.refused
    assert github.comments == {}
    assert github.sarifs == []
    (check,) = github.checks.values()
    assert (check["conclusion"], check["output"]["title"]) == ("neutral", "Not reviewed")
    assert check["head_sha"] == done.head


def test_a_pull_request_that_changes_workflows_is_not_believed(
    client: Client, github: FakeGitHub, done: Finished
) -> None:
    event = opened(github, done)
    github.files[PR].append(".github/workflows/referee-review.yml")
    assert "may be its own invention" in publish(client, event).refused


@pytest.mark.parametrize(
    "uri",
    [
        ".github/workflows/x.yml",
        f"{FOLDER}/../../../train_gpt.py",
        f"{FOLDER}/%2e%2e/%2e%2e/x",
        "https://evil.example/x",
    ],
)
def test_results_outside_the_folder_are_refused(
    client: Client, github: FakeGitHub, done: Finished, uri: str
) -> None:
    import json

    log = json.loads(done.files["review.sarif"])
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = uri
    archive = done.archive(review__sarif=json.dumps(log).encode())
    refused = publish(client, opened(github, done, archive)).refused
    assert "outside the judged folder" in refused or "breaks its schema" in refused


def test_markdown_in_an_upload_stays_text(client: Client, github: FakeGitHub, done: Finished) -> None:
    """Everything that the checks cannot know to be wrong is shown, as text."""
    from markdown_it import MarkdownIt

    def poison(document: dict[str, Any]) -> None:
        mine = folder(document)
        mine["advice"] = [EVIL]
        mine["statistics"] = EVIL
        mine["notes"] = [EVIL]
        mine["runs"] = [[EVIL] * 6]
        for group in mine["groups"]:
            group |= {"title": EVIL, "reason": EVIL, "why": EVIL, "source": EVIL}
            group["places"] = [
                {"where": EVIL, "message": EVIL, "path": "a](http://evil.example)", "first": 1, "last": 2}
                | {"start_line": 1, "hidden": 0, "excerpt": ["```", "</details>", EVIL]}
            ]
        mine["claims"] = [dict.fromkeys(("quantity", "limit", "claimed", "logged", "measured"), EVIL)]
        mine["claims"][0] |= {"claimed_at": "x](http://evil.example):3", "logged_at": EVIL}
        document["notes"] = [EVIL]

    told = publish(client, opened(github, done, done.archive(poison)))
    assert told.refused == ""
    body = github.comments[1]["body"]
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(body)
    inline = [child for token in tokens for child in (token.children or [])]
    links = {str(child.attrGet("href")) for child in inline if child.type == "link_open"}
    assert links
    assert all(link.startswith(f"https://github.com/o/n/blob/{done.head}/records/") for link in links)
    assert not [child for child in inline if child.type == "image"]
    prose = "".join(child.content for child in inline if child.type == "text")
    assert "@everyone" not in prose
    html = [token.content for token in tokens if token.type == "html_block"]
    assert not [block for block in html if "<img" in block or "evil" in block]
    assert {child.content for child in inline if child.type == "html_inline"} <= {"<sub>", "</sub>"}
    assert body.index("<!-- referee:run 9001.1 -->") < 60
    for batch in github.batches:
        assert all(note["path"].startswith("records/") for note in batch)
