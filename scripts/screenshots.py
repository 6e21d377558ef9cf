"""Photograph a dashboard at 1280 and 390 px, for docs/dashboard.md and for looking at it.

    python scripts/screenshots.py SITE [--out docs/images] [--pr N] [--rule ID]

Needs Chromium (`apt-get install chromium`) and the dev extra. Pictures are WebP, one viewport high.
"""

from __future__ import annotations

import argparse
import base64
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = {"1280": (1280, 860), "390": (390, 844)}
CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE_ONLY = frozenset({"charts", "leaderboard"})
QUALITY = 48
SCROLLING_MS = 1000
"""Until a page has come to its anchor."""
DRAWN = """() => [...document.querySelectorAll('[data-chart]')].every(
    place => place.dataset.drawn || place.getBoundingClientRect().top > innerHeight)"""


def chromium() -> str | None:
    """Return the path of the system's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def photograph(browser: Browser, address: str, size: tuple[int, int], theme: str) -> bytes:
    """Return one page as WebP, once its charts in view are drawn."""
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    try:
        page.goto(address)
        page.wait_for_timeout(SCROLLING_MS)
        page.wait_for_function(DRAWN)
        return _webp(page)
    finally:
        page.close()


def _webp(page: Page) -> bytes:
    """Return the viewport as WebP, which Playwright itself does not write."""
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return base64.b64decode(shot["data"])


def main() -> int:
    """Photograph every kind of page."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Photograph a dashboard.")
    parser.add_argument("site", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--pr", type=int, default=1376, help="pull request to show")
    parser.add_argument("--rule", default="trained-on-validation", help="rule to show")
    given = parser.parse_args()
    executable = chromium()
    if executable is None:
        parser.error("Chromium is missing: apt-get install chromium")
    pages = {
        "field": ("index.html", "light"),
        "charts": ("index.html#charts", "dark"),
        "leaderboard": ("leaderboard.html", "light"),
        "table": ("prs.html#verdict=ILLEGAL%2CVIOLATION&track=track_10min_16mb", "light"),
        "pull-request": (f"pr/{given.pr}.html", "light"),
        "rule": (f"rule/{given.rule}.html", "light"),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    root = given.site.resolve().as_uri()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_ARGS))
        for name, (page, theme) in pages.items():
            for label, size in SIZES.items():
                if name in WIDE_ONLY and label != "1280":
                    continue
                picture = photograph(browser, f"{root}/{page}", size, theme)
                target = given.out / f"{name}-{label}.webp"
                target.write_bytes(picture)
                print(f"{target}: {len(picture):,} bytes")
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
