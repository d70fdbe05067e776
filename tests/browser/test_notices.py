"""Who asked for it is told on the desktop of what ended while they looked elsewhere."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

#: A browser without a screen shows no notices and never hides a page: both are played here.
_STAND_INS = """
  window.told = [];
  window.Notification = class extends EventTarget {
    static permission = "default";
    static async requestPermission() {
      Notification.permission = window.name === "refuses" ? "denied" : "granted";
      if (Notification.permission === "granted") localStorage.setItem("leave", "given");
      return Notification.permission;
    }
    constructor(title, options) { super(); window.told.push({ title, ...options }); }
    close() {}
  };
  if (localStorage.getItem("leave")) Notification.permission = "granted";
  window.looksAway = false;
  Object.defineProperty(document, "hidden", { get: () => window.looksAway });
"""


def _generate(watched: Watched, prompt: str) -> None:
    page = watched.page
    watched.open("/?model=gpt-shakespeare")
    page.evaluate("window.looksAway = true")
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#results > .card").first).to_contain_text(prompt)
    expect(page).to_have_title(re.compile(r"^\(1\)"), timeout=120_000)


def test_a_result_is_told_on_the_desktop_once_one_asked(watched: Watched, stack: Instance) -> None:
    assert stack.admin_password is not None
    page = watched.page
    page.add_init_script(_STAND_INS)
    watched.sign_in(stack.admin_password)
    _generate(watched, "ANTONIO: untold")
    assert page.evaluate("window.told") == []

    watched.open("/account")
    wish = page.get_by_label("Tell me on the desktop")
    with page.expect_response("**/api/v1/me/preferences") as kept:
        wish.check()
    assert kept.value.ok
    watched.open("/account")
    expect(wish).to_be_checked()
    _generate(watched, "ANTONIO: told")
    (notice,) = page.evaluate("window.told")
    assert notice["title"] == "Pinakes"
    assert notice["body"].endswith("is finished")

    watched.open("/account")
    with page.expect_response("**/api/v1/me/preferences"):
        wish.uncheck()
    watched.open("/account")
    expect(wish).not_to_be_checked()
    assert watched.complaints == []


def test_a_browser_that_refuses_is_said(watched: Watched, stack: Instance) -> None:
    assert stack.admin_password is not None
    page = watched.page
    page.add_init_script(_STAND_INS)
    watched.sign_in(stack.admin_password)
    watched.open("/account")
    page.evaluate("window.name = 'refuses'")
    page.get_by_label("Tell me on the desktop").click()
    expect(page.locator("[data-notices-line]")).to_contain_text("refuses notices")
    expect(page.get_by_label("Tell me on the desktop")).not_to_be_checked()
