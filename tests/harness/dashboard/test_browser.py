"""The site in headless Chromium, opened from disk: filters, search, permalinks, keyboard, themes, charts."""

from __future__ import annotations

import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests.harness.dashboard.sites import (
    CRASHED_PR,
    HOSTILE_NAME,
    HOSTILE_PR,
    TOTAL_PULLS,
    TOTAL_ROWS,
    TWIN_PR,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    Visit = Callable[..., Page]

# One worker, so that the site is made once.
pytestmark = pytest.mark.xdist_group("dashboard")

KINDS = (
    "index.html",
    "leaderboard.html",
    "prs.html",
    f"pr/{HOSTILE_PR}.html",
    "rules.html",
    "rule/trained-on-validation.html",
    "clusters.html",
)
SETTLED = "() => new Promise(done => setTimeout(() => setTimeout(done)))"
"""Fulfilled when what a click has put off, as a form's reset does, is done."""
COUNT = re.compile(r"([\d,]+) of ([\d,]+) rows, ([\d,]+) pull requests")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and keeps no log."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def counted(page: Page) -> tuple[int, int, int]:
    """Return what the table says: rows that fit, rows in all, pull requests that fit."""
    page.evaluate(SETTLED)
    match = COUNT.fullmatch(page.locator("#count").inner_text())
    assert match is not None
    fit, rows, pulls = (int(part.replace(",", "")) for part in match.groups())
    return fit, rows, pulls


def first_rows(page: Page, count: int = 3) -> list[str]:
    return page.locator("#table tbody th").all_inner_texts()[:count]


def calls(page: Page) -> set[str]:
    return set(page.locator("#table tbody td > .call").all_inner_texts())


def test_the_table_begins_with_everything_and_draws_it_bit_by_bit(visit: Visit) -> None:
    page = visit("prs.html")
    assert counted(page) == (TOTAL_ROWS, TOTAL_ROWS, TOTAL_PULLS)
    assert page.locator("#table tbody tr").count() < TOTAL_ROWS
    for _ in range(20):
        page.keyboard.press("End")
        page.wait_for_timeout(100)
    assert page.locator("#table tbody tr").count() == TOTAL_ROWS
    assert page.locator("#more").is_hidden()


def test_filters_narrow_the_table_and_combine(visit: Visit) -> None:
    page = visit("prs.html")
    page.get_by_label("Illegal", exact=True).check()
    illegal = counted(page)[0]
    assert 0 < illegal < TOTAL_ROWS
    assert calls(page) == {"Illegal"}
    page.get_by_label("Pattern", exact=True).select_option("prequant-ttt")
    both = counted(page)[0]
    assert 0 < both < illegal
    assert all("prequant-ttt" in text for text in page.locator("#table .pats").all_inner_texts())
    page.get_by_label("Clean", exact=True).check()
    assert counted(page)[0] == both
    page.get_by_role("button", name="Clear all").click()
    assert counted(page)[0] == TOTAL_ROWS


def test_axis_rule_track_and_cluster_filters(visit: Visit) -> None:
    page = visit("prs.html")
    page.get_by_text("More filters").click()
    page.get_by_label("Axis", exact=True).select_option("legality")
    page.get_by_label("Call on it").select_option("ILLEGAL")
    assert 0 < counted(page)[0] < TOTAL_ROWS
    by_axis = counted(page)[0]
    page.get_by_label("Rule", exact=True).select_option("count-keyed-by-target")
    assert 0 < counted(page)[0] < by_axis
    page.get_by_label("Ended").select_option("clean")
    assert 0 < counted(page)[0] < by_axis
    page.goto(page.url.split("#", 1)[0] + "#cluster=1/0")
    page.wait_for_function("() => document.querySelectorAll('#table tbody tr').length < 10")
    assert {"#1", f"#{TWIN_PR}"} <= set(first_rows(page, 10))
    assert f"#{HOSTILE_PR}" not in first_rows(page, 10)
    assert page.locator("#f-more").get_attribute("open") is not None


def test_search_finds_numbers_names_and_causes(visit: Visit) -> None:
    page = visit("prs.html")
    search = page.get_by_label("Search")
    search.fill(f"#{CRASHED_PR}")
    assert first_rows(page) == [f"#{CRASHED_PR}"]
    search.fill("OUT OF memory")
    assert first_rows(page) == [f"#{CRASHED_PR}"]
    search.fill("copy number 17")
    assert counted(page)[0] > 0
    rows = page.locator("#table tbody tr").all_inner_texts()
    assert all("17" in text or "2017" in text for text in rows)
    search.fill("no such thing")
    assert page.locator("#count").inner_text() == "No row fits. Clear a filter to see more."


def test_a_view_is_a_permalink_that_survives_a_reload(visit: Visit) -> None:
    page = visit("prs.html")
    page.get_by_label("Search").fill("copy")
    page.get_by_label("Illegal", exact=True).check()
    page.get_by_label("Track", exact=True).select_option("track_cpu_tiny")
    page.get_by_role("button", name="Claimed").click()
    before, rows, address = counted(page), first_rows(page), page.url
    page.reload()
    assert (counted(page), first_rows(page), page.url) == (before, rows, address)
    assert page.get_by_label("Search").input_value() == "copy"
    assert page.locator("[data-sort=claimed]").get_attribute("aria-sort") == "ascending"
    other = visit("prs.html#" + address.split("#")[1])
    assert (counted(other), first_rows(other)) == (before, rows)


def test_nonsense_in_the_address_changes_nothing(visit: Visit) -> None:
    page = visit("prs.html#sort=__proto__&policy=nobody&rule=none&track=<b>&axis=x&verdict=")
    assert counted(page)[0] == TOTAL_ROWS


def test_headings_sort_both_ways_and_put_what_is_not_stated_last(visit: Visit) -> None:
    page = visit("prs.html")
    assert page.locator("[data-sort=pr]").get_attribute("aria-sort") == "descending"
    head = page.locator("[data-sort=claimed]")
    for direction in ("ascending", "descending"):
        page.get_by_role("button", name="Claimed").click()
        assert head.get_attribute("aria-sort") == direction
        texts = page.locator("#table tbody td:nth-child(5)").all_inner_texts()
        values = [float(text) for text in texts if text != "–"]
        assert values == sorted(values, reverse=direction == "descending")
        assert texts[0] != "–"
    assert page.locator("#table [aria-sort]").count() == 1


def test_another_reading_of_the_rules_changes_the_verdicts(visit: Visit) -> None:
    page = visit("prs.html#verdict=CLEAN")
    practice = counted(page)[0]
    strict = visit("prs.html#verdict=CLEAN&policy=strict")
    assert COUNT.fullmatch(strict.locator("#count").inner_text()) is None or counted(strict)[0] <= practice
    assert strict.get_by_label("Reading").input_value() == "strict"


def test_the_table_can_be_used_by_keyboard_alone(visit: Visit) -> None:
    page = visit("prs.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "f-q"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.type(f"#{HOSTILE_PR}")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('href') || ''").startswith("pr/"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/pr/{HOSTILE_PR}.html")
    assert page.locator("h1").inner_text() == f"Pull request #{HOSTILE_PR}"


def test_coming_back_finds_the_place_again(visit: Visit) -> None:
    page = visit("prs.html")
    for _ in range(4):
        page.keyboard.press("End")
        page.wait_for_timeout(100)
    page.locator("#table tbody tr").nth(180).scroll_into_view_if_needed()
    page.locator("#table tbody tr").nth(180).locator("a").click()
    page.wait_for_url("**/pr/*.html")
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('#table tbody tr').length > 180")


def test_the_theme_follows_the_system_and_a_choice_is_remembered(visit: Visit) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    page = visit("index.html", theme="dark")
    dark = page.evaluate(ground)
    button = page.get_by_role("button", name="Dark theme")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    light = page.evaluate(ground)
    assert light != dark
    page.goto(page.url.replace("index.html", "rules.html"))
    assert page.evaluate(ground) == light
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(ground) == dark


def test_every_chart_is_drawn_and_told_in_words(visit: Visit) -> None:
    page = visit("index.html")
    places = page.locator("[data-chart]")
    assert places.count() == 6
    for index in range(6):
        place = places.nth(index)
        place.scroll_into_view_if_needed()
        page.wait_for_function("place => place.dataset.drawn", arg=place.element_handle())
        box = place.locator("canvas").bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert len(place.get_attribute("aria-label") or "") > 40
    assert page.locator("figcaption a").count() == 6
    before = page.locator("[data-chart=scores] canvas").screenshot()
    page.get_by_role("button", name="Dark theme").click()
    page.wait_for_timeout(500)
    assert page.locator("[data-chart=scores] canvas").screenshot() != before


def test_the_board_shows_what_is_open_only_when_asked(visit: Visit) -> None:
    page = visit("leaderboard.html")
    waiting = page.locator("table.after .is-open")
    assert waiting.count() > 0
    assert not waiting.first.is_visible()
    page.get_by_label("Show what is open").first.check()
    assert waiting.first.is_visible()


def test_hostile_text_stays_text(visit: Visit) -> None:
    for path in (f"pr/{HOSTILE_PR}.html", f"prs.html#q=%23{HOSTILE_PR}", "leaderboard.html", "index.html"):
        page = visit(path)
        page.wait_for_timeout(200)
        assert page.evaluate("window.pwned") is None
        assert page.locator("main img, main b b, main script").count() == 0
    shown = visit(f"prs.html#q=%23{HOSTILE_PR}")
    assert shown.locator("#table .title").inner_text() == HOSTILE_NAME


def test_counts_on_the_front_page_open_the_rows_they_count(visit: Visit) -> None:
    page = visit("index.html")
    cell = page.locator(".matrix").first.locator("tbody tr").first.locator("a").first
    expected = int(cell.inner_text().replace(",", ""))
    cell.click()
    page.wait_for_url("**/prs.html*")
    assert counted(page)[0] == expected


def test_the_site_works_when_served_below_a_path_too(browser: Browser, site: Path) -> None:
    handler = partial(Quiet, directory=str(site.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_port}/site/"
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on(
            "requestfinished",
            lambda request: complaints.append(request.url) if root not in request.url else None,
        )
        page.goto(f"{root}index.html")
        page.wait_for_function("() => document.querySelector('[data-chart=scores]').dataset.drawn")
        page.get_by_role("link", name="Pull requests", exact=True).click()
        assert counted(page)[0] == TOTAL_ROWS
        page.close()
        server.shutdown()
    assert complaints == []


@pytest.mark.parametrize("path", KINDS)
def test_no_page_scrolls_sideways_on_a_telephone(visit: Visit, path: str) -> None:
    page = visit(path, width=390)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", KINDS)
def test_axe_finds_no_barrier(visit: Visit, path: str, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    page = visit(path, theme=theme)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    # The page's policy lets nobody fetch, so the checker reads styles as they apply instead of loading them.
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    told = [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"][:3]]
    assert told == []
