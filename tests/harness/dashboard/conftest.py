"""One run, one site and one browser for all tests of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from harness.dashboard.build import build_site
from tests.harness.dashboard.sites import make_run, write_labels, write_reviews

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="session")
def site(run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site with labels."""
    directory = tmp_path_factory.mktemp("site")
    out = directory / "site"
    reviews = [write_reviews(run_dir.parent / "mirror", directory / "reviews")]
    build_site(run_dir, out, [write_labels(directory / "labels.jsonl")], reviews=reviews)
    return out


@dataclass
class Watched:
    """Pages of the site, and what they did that they must not."""

    browser: Browser
    root: str
    complaints: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def __call__(self, path: str, *, width: int = 1280, theme: str = "light") -> Page:
        """Open one page of the site."""
        page = self.browser.new_page(viewport={"width": width, "height": 800}, color_scheme=theme)
        page.on(
            "console", lambda message: self._note(f"console {message.type}: {message.text}", message.type)
        )
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", lambda request: self._only_files(request.url))
        page.goto(f"{self.root}/{path}")
        self.pages.append(page)
        return page

    def _note(self, text: str, kind: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _only_files(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.complaints.append(f"request: {url}")


@pytest.fixture
def visit(browser: Browser, site: Path) -> Iterator[Callable[..., Page]]:
    """Open pages; afterwards none of them may have complained or asked for anything but files."""
    watched = Watched(browser, site.as_uri())
    yield watched
    for page in watched.pages:
        page.close()
    assert watched.complaints == []
