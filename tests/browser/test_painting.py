"""Painting a mask over a result in the Studio, by pointer and by keys, until it is filled."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.calling import call
from tests.browser.conftest import Watched
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def given_mask(watched: Watched, field: Locator) -> Image.Image:
    """The picture that stands in the field, as the server keeps it."""
    address = field.locator(".given-file img").get_attribute("src")
    answer = watched.page.request.get(f"{watched.base_url}{address}")
    return Image.open(io.BytesIO(answer.body())).convert("L")


def test_a_mask_is_painted_and_what_it_covers_is_made_anew(
    watched: Watched, stack: Instance
) -> None:
    assert stack.admin_password is not None
    page = watched.page
    watched.sign_in(stack.admin_password)
    made = call(
        watched,
        "/api/v1/generations",
        model="flow-fashion",
        prompt="a boot",
        seed=1,
        params={"steps": 2},
    )
    [artifact] = made["artifacts"]
    watched.open(f"/?model=flow-fashion&prompt=a+boot&i_image=artifact:{artifact['id']}")
    page.get_by_role("button", name="Paint it").click()
    canvas = page.locator("#mask-painter canvas")
    expect(canvas).to_be_focused()
    box = canvas.bounding_box()
    assert box is not None
    # A stroke over the upper half, from the left to the right.
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] / 4, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Use this mask").click()
    field = page.locator("#inputs .field").nth(1)
    mask = given_mask(watched, field)
    middle = mask.width // 2
    assert mask.getpixel((middle, mask.height // 4)) == 255
    assert mask.getpixel((middle, 3 * mask.height // 4)) == 0
    expect(page.locator("#p_task")).to_have_value("inpaint")

    # On with the same mask, by keys alone: all but the stroke, and a dab in the middle is erased.
    before = str(field.locator(".given-file img").get_attribute("src"))
    page.get_by_role("button", name="Paint on").press("Enter")
    page.get_by_role("button", name="Invert").press("Enter")
    page.get_by_label("Erase").press("Space")
    canvas.focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Use this mask").press("Enter")
    expect(field.locator(".given-file img")).not_to_have_attribute("src", before)
    mask = given_mask(watched, field)
    assert mask.getpixel((middle, mask.height // 4)) == 0
    assert mask.getpixel((middle, mask.height // 2)) == 0
    assert mask.getpixel((middle, 7 * mask.height // 8)) == 255

    page.get_by_label("Prompt", exact=True).press("Control+Enter")
    card = page.locator("#results > .card").first
    expect(card).to_contain_text("done", timeout=120_000)
    assert watched.complaints == []
