"""The files of a site, read without a browser: whole, closed in itself, and safe."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from audits.errors import UserError
from harness.dashboard.build import build_site
from harness.dashboard.field import load_field, tallies
from harness.dashboard.payload import safe_json
from harness.sweep.reader import Reader
from tests.harness.dashboard.sites import (
    CLEAN_PR,
    CRASHED_PR,
    HOSTILE_PR,
    NGRAM_PR,
    NOTHING_PR,
    TOTAL_PULLS,
    TOTAL_ROWS,
    TWIN_PR,
)

if TYPE_CHECKING:
    from pathlib import Path

# One worker, so that the site is made once.
pytestmark = pytest.mark.xdist_group("dashboard")


class Links(HTMLParser):
    """Collects what a page links to, what it loads, and the places that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        elif found.get("href") or found.get("src"):
            self.loads.append(str(found.get("href") or found.get("src")))


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Links]:
    return {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def page(site: Path, path: str) -> str:
    return (site / path).read_text(encoding="utf-8")


def rows_of(site: Path) -> dict[str, object]:
    text = page(site, "assets/entries.js")
    found: dict[str, object] = json.loads(text.removeprefix("window.REFEREE_ENTRIES=").rstrip(";\n"))
    return found


def test_every_pull_request_has_a_page_and_a_row(site: Path) -> None:
    rows = rows_of(site)["rows"]
    assert isinstance(rows, list)
    assert len(rows) == TOTAL_ROWS
    assert len({row[0] for row in rows}) == TOTAL_PULLS
    assert len(list((site / "pr").glob("*.html"))) == TOTAL_PULLS


def test_totals_add_up_under_every_policy(run_dir: Path) -> None:
    field = load_field(Reader.open(run_dir))
    for tally in tallies(field):
        assert sum(tally.pulls.values()) == TOTAL_PULLS
        assert sum(tally.folders.values()) == TOTAL_ROWS
        judged = sum(1 for row in field.rows if row.judged)
        assert {sum(calls.values()) for calls in tally.axes.values()} == {judged}
    assert tallies(field)[0].pulls["CRASHED"] == 1
    assert tallies(field)[0].pulls["NOTHING"] == 1


def test_the_front_page_names_what_crashed_and_why(site: Path) -> None:
    text = page(site, "index.html")
    assert "ran out of memory" in text
    assert f'href="pr/{CRASHED_PR}.html"' in text
    assert f"<strong>{TOTAL_PULLS}</strong> pull requests were asked for" in text


def test_every_link_inside_the_site_leads_somewhere(pages: dict[Path, Links], site: Path) -> None:
    dead = []
    for path, found in pages.items():
        for link in found.links + found.loads:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                dead.append(f"{path.relative_to(site)}: {link}")
            elif parts.fragment and target.name != "prs.html" and parts.fragment not in pages[target].ids:
                dead.append(f"{path.relative_to(site)}: {link} has no such place")
    assert dead == []


def test_nothing_is_loaded_from_a_network_and_links_outside_lead_to_github_only(
    pages: dict[Path, Links],
) -> None:
    assert {urlsplit(load).scheme for found in pages.values() for load in found.loads} == {""}
    outside = {
        urlsplit(link).netloc for found in pages.values() for link in found.links if urlsplit(link).scheme
    }
    assert outside == {"github.com"}


def test_stylesheet_and_script_of_ours_name_no_address(site: Path) -> None:
    allowed = "http://www.w3.org/2000/svg"
    for name in ("site.css", "site.js"):
        assert set(re.findall(r"https?:[^'\")\s]+", page(site, f"assets/{name}"))) <= {allowed}
    assert not re.search(r"\b(fetch|XMLHttpRequest|import|eval)\s*\(", page(site, "assets/site.js"))


def test_every_page_forbids_what_it_does_not_need(site: Path, pages: dict[Path, Links]) -> None:
    for path, found in pages.items():
        text = path.read_text(encoding="utf-8")
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
        assert policy is not None
        assert "default-src 'none'" in policy[1]
        assert "unsafe" not in policy[1]
        assert " style=" not in text
        assert "main" in found.tags
        assert found.tags.count("h1") == 1
        assert len(found.ids) == len(set(found.ids)), path.relative_to(site)


def test_hostile_text_is_no_markup_anywhere(site: Path) -> None:
    for path in [*site.rglob("*.html"), site / "assets" / "entries.js"]:
        text = path.read_text(encoding="utf-8")
        assert "<script>window.pwned" not in text
        assert "<img" not in text
        assert "\u202e" not in text
        assert "49" not in re.findall(r"\{\{ 7\*7 \}\}|(?<=x onerror=window.pwned=3&gt; )\d+", text)
    shown = page(site, f"pr/{HOSTILE_PR}.html")
    assert "&lt;/script&gt;&lt;script&gt;window.pwned=1" in shown
    assert "\\u202eevil" in shown
    assert "2026-04-01_&lt;b&gt;hostile" in shown


def test_json_in_a_script_cannot_end_it() -> None:
    dangerous = "</script><!--\u2028\u2029&"
    text = safe_json({"name": dangerous})
    assert json.loads(text) == {"name": dangerous}
    assert not set(text) & {"<", ">", "&", "\u2028", "\u2029"}


def test_findings_link_to_the_lines_at_the_head_that_was_swept(site: Path, run_dir: Path) -> None:
    pull = next(pull for pull in Reader.open(run_dir).pulls() if pull.pr == NGRAM_PR)
    links = Links(page(site, f"pr/{NGRAM_PR}.html")).links
    path = "records/track_cpu_tiny/2026-11-23_NgramCache/train_gpt.py"
    start = f"https://github.com/openai/parameter-golf/blob/{pull.head_sha}/{path}#L"
    assert any(link.startswith(start) for link in links)


def test_a_page_shows_every_policy_and_the_others_of_its_cluster(site: Path) -> None:
    text = page(site, f"pr/{TWIN_PR}.html")
    assert re.findall(r'<th scope="row">(Practice|Readme|Strict)', text) == ["Practice", "Readme", "Strict"]
    assert "Near-identical scripts" in text
    assert '<a href="1.html">#1</a>' in text


def test_what_holds_no_folder_still_says_so(site: Path) -> None:
    assert "holds no record folder" in page(site, f"pr/{NOTHING_PR}.html").lower()


def test_a_rule_shows_precision_recall_and_both_kinds_of_alarm(site: Path) -> None:
    text = page(site, "rule/trained-on-validation.html")
    assert "1/1 (100.0%" in text
    assert "1/2 (50.0%" in text
    assert "Missed alarms: in the label, not seen here (1)" in text
    assert "False alarms: seen here, not by the label (1)" in page(site, "rule/count-keyed-by-target.html")


def test_without_labels_a_rule_says_so_and_keeps_its_cases(run_dir: Path, tmp_path: Path) -> None:
    build_site(run_dir, tmp_path / "site")
    text = page(tmp_path / "site", "rule/trained-on-validation.html")
    assert "No labels were given" in text
    assert "Precision" not in text
    assert re.search(r"Cases \([1-9]\d* flagged\)", text)
    assert "No labels were given" in page(tmp_path / "site", "rules.html")


def test_an_older_site_is_replaced_and_anything_else_is_left_alone(run_dir: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "mine"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("keep me")
    with pytest.raises(UserError, match="no dashboard"):
        build_site(run_dir, foreign)
    assert (foreign / "thesis.txt").read_text() == "keep me"
    older = tmp_path / "site"
    (older / "assets").mkdir(parents=True)
    (older / "assets" / "site.js").write_text("")
    (older / "pr").mkdir()
    (older / "pr" / "77777.html").write_text("stale")
    build_site(run_dir, older, jobs=2)
    assert not (older / "pr" / "77777.html").exists()
    assert (older / ".nojekyll").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_smoke_run_is_shown_on_the_page_of_its_pull_request_with_the_communitys_line(site: Path) -> None:
    shown = page(site, f"pr/{CLEAN_PR}.html")
    assert "SMOKE_TEST_PASS" in shown
    assert "ran in a locked box" in shown
    untried = page(site, f"pr/{NGRAM_PR}.html")
    assert "Smoke run" not in untried
    assert "Nothing of a submission was executed" in untried


def test_the_front_page_counts_smoke_runs_and_the_table_can_be_filtered_by_them(site: Path) -> None:
    assert "prs.html#smoke=PASS" in page(site, "index.html")
    rows = rows_of(site)
    columns, found = rows["columns"], rows["rows"]
    assert isinstance(columns, list)
    assert isinstance(found, list)
    labels = {row[0]: row[columns.index("smoke")] for row in found}
    assert (labels[CLEAN_PR], labels[HOSTILE_PR], labels[NGRAM_PR]) == ("PASS", "SHIM_GAP", "")


def test_words_of_a_failed_run_are_text(site: Path) -> None:
    shown = page(site, f"pr/{HOSTILE_PR}.html")
    assert "window.pwned=1" in shown
    assert "<script>window" not in shown


def test_reviews_stand_beside_the_sweep(site: Path) -> None:
    front = page(site, "index.html")
    assert front.count('.html#reviews">#') == 3
    assert "Nothing to review" in page(site, f"pr/{NOTHING_PR}.html")
    clean = page(site, f"pr/{CLEAN_PR}.html")
    assert '<h2 id="reviews">Reviews</h2>' in clean
    assert "skipped: not asked for" in clean
    assert '<h2 id="reviews">' not in page(site, f"pr/{NGRAM_PR}.html")
    assert "<img" not in page(site, f"pr/{HOSTILE_PR}.html").split('<h2 id="reviews">', 1)[1]


def test_a_folder_without_reviews_is_a_mistake(run_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no review"):
        build_site(run_dir, tmp_path / "site", reviews=[tmp_path])
