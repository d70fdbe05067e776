"""Many results at once in a real browser: each comes to its place, also when they end together."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

ENDED_WITHIN_MS = 120_000


def test_a_sweep_fills_its_grid(watched: Watched, stack: Instance) -> None:
    page = watched.page
    assert stack.admin_password is not None
    watched.sign_in(stack.admin_password)
    watched.open("/?model=flow-fashion")
    page.get_by_label("Prompt", exact=True).fill("a leather handbag with a strap")
    page.get_by_label("How many").select_option("4")
    page.locator("summary", has_text="Several values").click()
    page.get_by_label("Of which parameter").select_option("Guidance")
    page.get_by_label("Values, with commas between them").fill("0, 3")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/batches/"))
    # With the same number of steps all eight end at the same moment.
    done = page.locator(".batch-grid .cell:not([data-live-id]) .card-picture img")
    expect(done).to_have_count(8, timeout=ENDED_WITHIN_MS)
    expect(page.locator("#batch-counts")).to_contain_text("8 of 8 ended")
    expect(page.locator("#batch-counts")).to_contain_text("8 succeeded")
    assert page.locator(".batch-grid tbody tr").count() == 2

    watched.open("/batches")
    expect(page.locator(".batch-item").first.locator("img")).to_have_count(4)
    assert watched.complaints == []
