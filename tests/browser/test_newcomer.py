"""The newcomer's whole path through a complete running Pinakes, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Watched
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

#: A generation may wait for a worker that loads its network on a busy machine.
GENERATED_WITHIN_MS = 120_000
INDEXED_WITHIN_MS = 60_000

DOCUMENT = """# Lighthouses

The Pharos of Alexandria was finished under Ptolemy the Second. It stood on an island before the
harbour, and its fire was fed with resinous wood.

# Harbours

The eastern harbour was kept for the royal ships.
"""
QUESTION = "On what was the fire of the Pharos of Alexandria fed?"


def generate(page: Page, *, model: str, prompt: str) -> Locator:
    """Choose a model, type a prompt, press the keys, and return the new card."""
    page.locator(".picker > summary").click()
    page.locator(".picker-item", has_text=model).click()
    expect(page.locator("#knobs")).to_contain_text(model)
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.keyboard.press("Control+Enter")
    card = page.locator("#results > .card").first
    expect(card).to_contain_text(prompt)
    return card


def test_from_sign_in_to_a_cited_answer(watched: Watched, stack: Instance) -> None:
    page = watched.page
    assert stack.admin_password is not None
    watched.sign_in(stack.admin_password)

    # A prompt becomes a card at once, shows how far it is, and ends as a picture in its place.
    card = generate(page, model="Flow, Fashion-MNIST", prompt="a warm winter boot")
    watch = page.evaluate_handle(
        """() => {
            const seen = new Set();
            const look = () => {
              const line = document.querySelector("#results > .card [data-live-line]");
              if (line?.textContent) seen.add(line.textContent);
            };
            new MutationObserver(look).observe(document.querySelector("#results"),
              { subtree: true, childList: true, characterData: true });
            return seen;
        }"""
    )
    identity = card.get_attribute("id")
    assert identity is not None
    card = page.locator(f"#{identity}")
    expect(card.locator("[data-live-status]")).to_have_text("done", timeout=GENERATED_WITHIN_MS)
    picture = card.locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    shown: list[str] = watch.evaluate("seen => [...seen]")
    assert any(re.match(r"\d+ of \d+ \w+", line) for line in shown), shown

    # Its page holds the recipe, and the recipe leads back to the same form.
    card.get_by_role("link", name=re.compile("^P-")).click()
    expect(page.locator("h1")).to_have_text("a warm winter boot")
    seed = page.locator("dt", has_text="Seed").locator("xpath=following-sibling::dd[1]")
    drawn = seed.text_content()
    page.get_by_role("link", name="Use all").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a warm winter boot")
    expect(page.get_by_label("Seed", exact=True)).to_have_value(drawn or "")

    # It is found again by what it means, with none of its words.
    watched.open("/library")
    deadline = page.locator("#found .card", has_text="a warm winter boot")
    found_by_meaning(page, "footwear for cold weather", deadline)
    assert "q=footwear" in page.url

    # A document is brought, read, and cited.
    watched.open("/documents")
    page.locator("#document-files").set_input_files(
        {"name": "lighthouses.md", "mimeType": "text/markdown", "buffer": DOCUMENT.encode()}
    )
    page.get_by_role("button", name="Upload").click()
    row = page.locator(".source-row", has_text="lighthouses")
    expect(row).to_contain_text("indexed", timeout=INDEXED_WITHIN_MS)

    watched.open("/ask")
    page.get_by_label("Question").fill(QUESTION)
    page.keyboard.press("Control+Enter")
    answer = page.locator(".answer-text")
    expect(answer).to_contain_text("fed with resinous wood")
    sentence = answer.locator("span", has_text="resinous wood")
    sentence.locator("xpath=following-sibling::a[1]").click()
    expect(page.locator("#beside mark")).to_contain_text("resinous wood")

    assert watched.complaints == []


def found_by_meaning(page: Page, question: str, wanted: Locator) -> None:
    """Search as one types; what was just made may need some seconds to be in the index."""
    box = page.get_by_label("Search by word or meaning")
    for _ in range(20):
        box.fill("")
        with page.expect_response(
            lambda response: "/library" in response.url and "q=" in response.url
        ):
            box.fill(question)
        page.wait_for_timeout(500)
        if wanted.count():
            break
        page.wait_for_timeout(1500)
    expect(wanted.first).to_be_visible()


def test_a_text_is_written_before_ones_eyes_and_can_be_stopped(
    watched: Watched, stack: Instance
) -> None:
    page = watched.page
    assert stack.admin_password is not None
    watched.sign_in(stack.admin_password)
    page.locator(".picker > summary").click()
    page.locator(".picker-item", has_text="GPT").click()
    expect(page.get_by_label("Length", exact=True).last).to_be_visible()
    page.locator("#p_max_new_tokens").fill("2000")
    page.get_by_label("Prompt", exact=True).fill("ROMEO: What news from Padua")
    page.keyboard.press("Control+Enter")
    card = page.locator("#results > .card", has_text="What news from Padua").first
    identity = card.get_attribute("id")
    card = page.locator(f"#{identity}")
    preview = card.locator(".card-text")
    expect(preview).to_be_visible(timeout=GENERATED_WITHIN_MS)
    page.wait_for_function(
        "selector => document.querySelector(selector)?.textContent.length > 20",
        arg=f"#{identity} .card-text",
    )
    card.get_by_role("button", name="Cancel").click()
    expect(card.locator("[data-live-status]")).to_have_text(re.compile("canceled|stopping"))
    expect(card).to_contain_text("Canceled before it was finished", timeout=30_000)
    assert watched.complaints == []


def test_the_core_works_without_scripts(browser: Browser, stack: Instance) -> None:
    assert stack.admin_password is not None
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    watched = Watched(page, stack.base_url)
    watched.sign_in(stack.admin_password)
    page.get_by_label("Prompt", exact=True).fill("a pair of sandals")
    page.get_by_role("button", name="Generate").click()
    card = page.locator(".card", has_text="a pair of sandals").first
    expect(card).to_be_visible()
    card.get_by_role("link", name=re.compile("^P-")).click()
    # The page reloads itself until there is a result.
    expect(page.locator(".status").first).to_contain_text("done", timeout=GENERATED_WITHIN_MS)
    page.goto(stack.base_url + "/library?q=sandals")
    expect(page.locator("#found .card").first).to_be_visible()
    plain.close()


@pytest.mark.parametrize("width", [390, 820, 1440, 2560])
def test_no_page_is_wider_than_the_screen(browser: Browser, stack: Instance, width: int) -> None:
    assert stack.admin_password is not None
    context = browser.new_context(viewport={"width": width, "height": 900})
    watched = Watched(context.new_page(), stack.base_url)
    watched.sign_in(stack.admin_password)
    addresses = ("/", "/library", "/library?q=shoes", "/documents", "/ask", "/models", "/account")
    for address in addresses:
        watched.open(address)
        wide = watched.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, address
    context.close()


def test_an_ended_session_leads_to_the_sign_in(watched: Watched, stack: Instance) -> None:
    page = watched.page
    assert stack.admin_password is not None
    watched.sign_in(stack.admin_password)
    page.get_by_label("Prompt", exact=True).fill("a draft worth keeping")
    page.context.clear_cookies(name="sessionid")
    page.locator(".picker > summary").click()
    page.locator(".picker-item", has_text="GPT").click()
    page.wait_for_url("**/sign-in?next=*")
    watched.sign_in(stack.admin_password)
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a draft worth keeping")


def test_a_server_that_is_away_is_said_and_the_draft_stays(
    watched: Watched, stack: Instance
) -> None:
    page = watched.page
    assert stack.admin_password is not None
    watched.sign_in(stack.admin_password)
    page.get_by_label("Prompt", exact=True).fill("a coat")
    page.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#trouble")).to_contain_text("The server cannot be reached")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a coat")
    page.reload()
    expect(page.locator("h1")).to_have_text("The server cannot be reached")
    page.context.set_offline(False)
