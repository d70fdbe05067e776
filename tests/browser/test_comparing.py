"""A blind comparison in a real browser: it fills itself in, is voted on by key, and is told."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

ENDED_WITHIN_MS = 180_000


def test_two_models_draw_blindly_and_a_key_decides(watched: Watched, stack: Instance) -> None:
    page = watched.page
    assert stack.admin_password is not None
    watched.sign_in(stack.admin_password)
    watched.open("/")
    page.get_by_label("Prompt", exact=True).fill("a leather handbag with a strap")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_url(re.compile("/compare\\?"))
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a leather handbag with a strap")
    for slug in ("flow-fashion", "r3gan-fashion"):
        page.locator(f"input[name=models][value={slug}]").check()
    page.get_by_label("Blind").check()
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Compare", exact=False).last.click()
    page.wait_for_url(re.compile("/compare/[0-9a-f-]{36}"))
    pictures = page.locator("#voting .contender img")
    expect(pictures).to_have_count(2, timeout=ENDED_WITHIN_MS)
    assert page.locator(".family-mark:not(.rail *)").count() == 0

    page.get_by_label("Lay one over the other").check()
    slider = page.get_by_label("How much of A is shown")
    slider.focus()
    page.keyboard.press("Home")
    cut = "element => getComputedStyle(element).clipPath"
    right = page.locator(".contender:last-child .contender-result")
    assert right.evaluate(cut) == "inset(0px 0px 0px 0%)"
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="B is better")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator("#voting .family-mark")).to_have_count(2)
    watched.open("/compare/ranking")
    expect(page.locator(".ranking-table tbody tr")).to_have_count(2)
    assert watched.complaints == []
