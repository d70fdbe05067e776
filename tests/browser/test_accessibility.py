"""Every page under axe, in both themes: no breach of WCAG 2.2 AA that a machine can find."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watched
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

AXE = Path(settings.BASE_DIR) / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
ADDRESSES = (
    "/",
    "/?model=gpt-shakespeare",
    "/library",
    "/library?q=how+are+jobs+kept+safe",
    "/library?kind=image&from=2001-01-01&to=2001-01-02",
    "/library?trash=1",
    "/library/saved",
    "/documents",
    "/knowledge/graph",
    "/knowledge/graph?q=nobody+at+all",
    "/studio/references?model=flow-fashion&prompt=a+boot",
    "/documents/test?q=how+are+jobs+kept+safe",
    "/ask",
    "/chats",
    "/chats?q=nothing+like+that",
    "/prompts",
    "/prompts?trash=1",
    "/models",
    "/models/gpt-shakespeare",
    "/compare/families",
    "/connectors",
    "/workers",
    "/spaces",
    "/batches",
    "/uploads",
    "/collections",
    "/account",
    "/account/webhooks",
    "/offline",
    "/nowhere",
)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing(browser: Browser, stack: Instance, scheme: str, width: int) -> None:
    assert stack.admin_password is not None
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    watched = Watched(context.new_page(), stack.base_url)
    watched.open("/sign-in")
    found = breaches(watched, "/sign-in")
    watched.sign_in(stack.admin_password)
    for address in ADDRESSES:
        watched.open(address)
        found += breaches(watched, address)
    open_entity(watched)
    found += breaches(watched, "an entity")
    make_endpoint(watched)
    found += breaches(watched, "an endpoint")
    make_grid(watched)
    found += breaches(watched, "a grid")
    make_chat(watched)
    found += breaches(watched, "a chat")
    context.close()
    assert found == []


def open_entity(watched: Watched) -> None:
    """Go to a name of the example documents, once they are read."""
    entity = watched.page.locator("a.entity-item").first
    for _ in range(60):
        watched.open("/knowledge/graph")
        if entity.count():
            break
        watched.page.wait_for_timeout(1000)
    entity.click()
    expect(watched.page.get_by_role("heading", name="Where it is named")).to_be_visible()


def make_endpoint(watched: Watched) -> None:
    """Add a webhook; its address is public, and nothing is sent there before something ends."""
    watched.open("/account/webhooks")
    watched.page.get_by_label("Address").fill("https://192.0.2.1/hook")
    watched.page.get_by_role("button", name="Add endpoint").click()
    expect(watched.page.get_by_role("alert")).to_contain_text("private network")
    watched.page.get_by_label("Address").fill("https://8.8.8.8/hook")
    for event in ("succeeded", "failed", "canceled"):
        watched.page.get_by_label(event).uncheck()
    watched.page.get_by_role("button", name="Add endpoint").click()
    expect(watched.page.locator("#new-secret")).to_contain_text("whsec_")


def make_grid(watched: Watched) -> None:
    """Submit a sweep and go to its page."""
    page = watched.page
    watched.open("/?model=gpt-shakespeare")
    page.get_by_label("Prompt", exact=True).fill("KING:")
    page.get_by_label("How many").select_option("2")
    page.locator("summary", has_text="Several values").click()
    page.get_by_label("Of which parameter").select_option(index=1)
    page.get_by_label("Values, with commas between them").fill("10, 20")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/batches/"))


def make_chat(watched: Watched) -> None:
    """Begin a chat, ask something that leans on it, and edit the first question."""
    page = watched.page
    watched.open("/chats")
    page.get_by_label("First question").fill("How is a job kept safe?")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/chats/[0-9a-f-]{36}"))
    page.get_by_label("Next question").fill("And who does it?")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".turn")).to_have_count(2, timeout=30_000)
    page.locator(".turn-edit summary").last.click()


def breaches(watched: Watched, address: str) -> list[str]:
    """What axe has against the page shown now."""
    watched.page.evaluate(AXE.read_text(encoding="utf-8"))
    violations = watched.page.evaluate(
        "rules => axe.run({ runOnly: rules }).then(result => result.violations)", RULES
    )
    return [
        f"{address}: {violation['id']}: {violation['nodes'][0]['html']}"
        for violation in violations
    ]
