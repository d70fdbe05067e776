"""Selecting in the Library and being offered things in the Studio, in a real browser by keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.calling import call
from tests.browser.conftest import Watched
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_cards_are_selected_dealt_with_and_taken_back(watched: Watched, stack: Instance) -> None:
    assert stack.admin_password is not None
    page = watched.page
    watched.sign_in(stack.admin_password)
    for seed in range(4):
        call(watched, "/api/v1/generations", model="vae-digits", prompt="a seven", seed=seed)
    watched.open("/library?model=vae-digits")
    cards, count = page.locator(".pick .accession"), page.locator("[data-bulk-count]")
    expect(page.locator("#bulk")).to_be_hidden()
    cards.nth(0).focus()
    page.keyboard.press("x")
    cards.nth(2).focus()
    page.keyboard.press("Shift+X")
    expect(count).to_have_text("3 selected")
    page.keyboard.press("Control+a")
    expect(count).to_have_text(re.compile(r"^([4-9]|\d\d) selected"))
    page.keyboard.press("Escape")
    expect(page.locator("#bulk")).to_be_hidden()
    boxes = page.locator("[data-pick]")
    boxes.nth(1).check()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(count).to_have_text("3 selected")
    page.get_by_role("button", name="Trash", exact=True).click()
    told = page.locator(".bulk-done")
    expect(told).to_contain_text("3 generations are put in the trash.")
    page.keyboard.press("u")
    expect(told).to_contain_text("Taken back on 3 generations.")
    boxes.nth(0).check()
    with page.expect_download() as download:
        page.locator(".bulk-menu summary", has_text="Export").click()
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".zip")
    assert watched.complaints == []


def test_kept_prompts_and_models_are_offered(watched: Watched, stack: Instance) -> None:
    assert stack.admin_password is not None
    page = watched.page
    watched.sign_in(stack.admin_password)
    call(watched, "/api/v1/prompts", name="Boot", text="A {{kind_of}} boot")
    watched.open("/")
    field, offers = page.locator("#prompt"), page.locator("#offered [role=option]")
    field.fill("")
    field.focus()
    page.keyboard.type("See /boo")
    expect(offers).to_have_count(1)
    expect(field).to_have_attribute("aria-activedescendant", "offered-0")
    page.keyboard.press("Enter")
    page.get_by_label("kind of").fill("velvet")
    page.get_by_role("button", name="Put in").click()
    expect(field).to_have_value("See A velvet boot")
    expect(page.locator("input[name=prompt_version]")).to_have_count(1)
    page.keyboard.type(" @vae-dig")
    expect(offers).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator("[data-picker-face]")).to_contain_text("VAE, MNIST")
    page.keyboard.type("and/or")
    expect(page.locator("#offered")).to_be_hidden()
    expect(field).to_have_value("See A velvet boot and/or")
    page.reload()
    expect(field).to_have_value("See A velvet boot and/or")
    assert watched.complaints == []


def test_knowledge_is_offered_and_asked(watched: Watched, stack: Instance) -> None:
    assert stack.admin_password is not None
    page = watched.page
    watched.sign_in(stack.admin_password)
    call(watched, "/api/v1/collections", name="Ledger of wonders")
    watched.open("/")
    field, offers = page.locator("#prompt"), page.locator("#offered [role=option]")
    field.fill("")
    field.focus()
    page.keyboard.type("Who keeps it? #ledger")
    expect(offers).to_have_count(1)
    page.keyboard.press("Enter")
    expect(field).to_have_value("Who keeps it? ")
    expect(page.get_by_role("button", name="Generate", exact=True)).to_be_hidden()
    page.get_by_label("Only in “Ledger of wonders”").uncheck()
    expect(page.get_by_role("button", name="Generate")).to_be_visible()
    field.focus()
    page.keyboard.type("#ledger")
    expect(offers).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Control+Enter")
    expect(
        page.get_by_role("heading", name="Nothing in your sources answers this")
    ).to_be_visible()
    watched.open("/ask")
    question = page.get_by_label("Question", exact=True)
    question.fill("")
    question.focus()
    page.keyboard.type("Who? #ledger")
    expect(offers).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("[data-kept-to] input:checked")).to_have_count(1)
    expect(question).to_have_value("Who? ")
    assert watched.complaints == []
