"""A real browser that reports every request to elsewhere and every breach of the site's policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request

from bench.browser import NoBrowser, running_chromium
from webapp.embedded.instance import Instance


@dataclass
class Watched:
    """A page in a browser of its own, with what went wrong in it so far."""

    page: Page
    base_url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        """Go to an address of the site."""
        self.page.goto(self.base_url + address)

    def sign_in(self, password: str) -> None:
        """Sign in as the admin through the form."""
        self.open("/sign-in")
        self.page.get_by_label("User name").fill("admin")
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(self.base_url + "/")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium of the machine, or the one that Playwright has installed; skips without either.

    It is gone before other tests: Django refuses the database to a thread with an event loop, and
    Playwright keeps one running.
    """
    with ExitStack() as stack:
        try:
            yield stack.enter_context(running_chromium())
        except NoBrowser as error:
            pytest.skip(f"{error}; .ci/run does")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without memory."""
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    yield made
    made.close()


@pytest.fixture
def watched(context: BrowserContext, stack: Instance) -> Watched:
    """A page whose complaints can be read: policy, errors of scripts, requests to elsewhere."""
    watch = Watched(context.new_page(), stack.base_url)
    home = urlsplit(stack.base_url).netloc

    def check_request(request: Request) -> None:
        target = urlsplit(request.url)
        if target.scheme in {"http", "https", "ws", "wss"} and target.netloc != home:
            watch.complaints.append(f"request to {request.url}")

    context.on("request", check_request)
    watch.page.on("pageerror", lambda error: watch.complaints.append(f"script error: {error}"))
    watch.page.on(
        "console",
        lambda message: (
            watch.complaints.append(f"console: {message.text}")
            if message.type == "error"
            else None
        ),
    )
    return watch
