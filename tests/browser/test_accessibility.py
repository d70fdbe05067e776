"""Every page under axe, in both themes: no breach of WCAG 2.2 AA that a machine can find."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from django.conf import settings
from playwright.sync_api import Browser, expect

from tests.browser.calling import token_of
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
    "/library?standing=undecided",
    "/library/saved",
    "/library/tags",
    "/documents",
    "/knowledge/graph",
    "/knowledge/graph?q=nobody+at+all",
    "/studio/references?model=flow-fashion&prompt=a+boot",
    "/documents/test?q=how+are+jobs+kept+safe",
    "/ask",
    "/families/gan",
    "/chats",
    "/chats?q=nothing+like+that",
    "/prompts",
    "/prompts?trash=1",
    "/chains",
    "/chains/add",
    "/models",
    "/models/gpt-shakespeare",
    "/compare?models=gpt-shakespeare&blind=on",
    "/compare?trash=1",
    "/compare/ranking",
    "/compare/families",
    "/connectors",
    "/workers",
    "/insights",
    "/insights?family=vae",
    "/spaces",
    "/batches",
    "/uploads",
    "/collections",
    "/review",
    "/review?closed",
    "/review/standing/flagged",
    "/account",
    "/account/webhooks",
    "/offline",
    "/nowhere",
)


#: How each page is looked at: at a desk by day, and on a phone by night.
LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (("dark", 390), ("light", 1440))


def test_axe_finds_nothing(browser: Browser, stack: Instance) -> None:
    assert stack.admin_password is not None
    # Without motion, as colours on their way from one scheme to the other are neither's.
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme="light", reduced_motion="reduce"
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
    make_review_queue(watched)
    found += breaches(watched, "a review queue")
    watched.page.get_by_role("button", name="Go on").click()
    watched.page.wait_for_url(re.compile("/review/items/"))
    found += breaches(watched, "a result to review")
    run_chain(watched)
    found += breaches(watched, "a run of a chain")
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
        group = watched.page.get_by_role("group", name="Told when a generation")
        group.get_by_label(event).uncheck()
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


def make_review_queue(watched: Watched) -> None:
    """Take results into a queue once there is one."""
    for _ in range(60):
        watched.open("/library?status=done")
        if watched.page.locator("article.card").count():
            break
        watched.page.wait_for_timeout(1000)
    watched.open("/review")
    watched.page.get_by_label("Name").fill("Queue")
    watched.page.get_by_label("Labels they may choose").fill("blurred")
    watched.page.get_by_role("button", name="Make queue").click()
    watched.page.wait_for_url(re.compile("/review/queues/"))


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


def run_chain(watched: Watched) -> None:
    """Make the example, and run it to its end: each step is done by a worker."""
    page = watched.page
    watched.open("/chains")
    example = page.get_by_role("button", name="Make the example")
    if not example.count():
        # Offered only to who has no chain yet; other tests may have made some.
        chains = page.request.get(f"{watched.base_url}/api/v1/chains?limit=100").json()["data"]
        headers = {"X-CSRFToken": token_of(watched), "Referer": page.url}
        for chain in chains:
            page.request.delete(f"{watched.base_url}/api/v1/chains/{chain['id']}", headers=headers)
        watched.open("/chains")
    example.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile("/chain-runs/"))
    expect(page.get_by_text("3 of 3 steps done")).to_be_visible(timeout=240_000)


def breaches(watched: Watched, address: str) -> list[str]:
    """What axe has against the page shown now, in every look."""
    page, found = watched.page, []
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for scheme, width in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        # Two frames: the second begins after the new scheme's colours have been computed.
        page.evaluate(
            "new Promise(painted => requestAnimationFrame(() => requestAnimationFrame(painted)))"
        )
        violations = page.evaluate(
            "rules => axe.run({ runOnly: rules }).then(result => result.violations)", RULES
        )
        found += [
            f"{address}, {scheme}, {width}: {violation['id']}: {violation['nodes'][0]['html']}"
            for violation in violations
        ]
    return found
