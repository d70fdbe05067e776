"""Words from the right to the left, and without an end: no page is wider than its window."""

from __future__ import annotations

import pytest

from tests.browser.calling import call
from tests.browser.conftest import Watched
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

ARABIC = "حذاء قديم من الجلد لبحّار عاد إلى الميناء"
HEBREW = "מעיל ארוך לחורף"
#: As long as the models here take; the composer and kept prompts hold more.
ENDLESS = "W" * 4000
MORE_ENDLESS = "W" * 10_000
TAG = "x" * 64
NAME = "M" * 100
MODEL = "lstm-shakespeare"
WIDTHS = (1440, 390)

#: What sticks out of the window, by its tag and class; nothing where the page is no wider.
_TOO_WIDE = """() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const named = ({ tagName, className }) => `${tagName}.${className?.baseVal ?? className}`;
  return [...document.querySelectorAll("main *")]
    .filter((each) => each.getBoundingClientRect().right > page.clientWidth + 1)
    .map(named)
    .slice(0, 8)
    .concat(`${page.scrollWidth} > ${page.clientWidth}`);
}"""

#: Where words that people wrote stand without being told to find their own direction.
_NO_DIRECTION = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = new Set();
  while (texts.nextNode()) {
    const { parentElement: inside, textContent } = texts.currentNode;
    if (!/[\\u0590-\\u06ff]{3}/.test(textContent)) continue;
    const place = inside.closest("[dir], bdi, script, option, textarea");
    if (!place) found.add(`${inside.tagName}.${inside.className}`);
  }
  return [...found];
}"""


def write_everywhere(watched: Watched) -> list[str]:
    """Store such words wherever people write, and return the addresses that show them."""
    made = [
        call(watched, "/api/v1/generations", model=model, prompt=prompt, tags=[TAG, "وسم"])
        for model, prompt in (
            # Letters that it has not learned: the page of a failure shows a long one, too.
            (MODEL, ARABIC),
            (MODEL, ENDLESS),
            ("vae-digits", HEBREW),
            ("vae-digits", f"{ARABIC} {ENDLESS[:300]}"),
        )
    ]
    prompts = [
        call(watched, "/api/v1/prompts", name=name, text=text)
        for name, text in ((HEBREW, ARABIC), (NAME, MORE_ENDLESS))
    ]
    chain = call(
        watched,
        "/api/v1/chains",
        name=f"{HEBREW} {NAME[:60]}",
        inputs=[{"name": "topic", "default": HEBREW}],
        steps=[
            {
                "name": "a",
                "model": MODEL,
                "text": f"{ARABIC} {{{{topic}}}}",
                "variables": {"topic": {"input": "topic"}},
            },
            {
                "name": NAME[:40],
                "model": MODEL,
                "text": f"{ENDLESS[:3900]} {{{{verse}}}}",
                "variables": {"verse": {"step": "a", "output": "text"}},
            },
        ],
    )
    chat = call(watched, "/api/v1/chats", title=f"{ARABIC} {NAME}")
    for question in (ARABIC, ENDLESS[:2000]):
        call(watched, f"/api/v1/chats/{chat['id']}/turns", question=question)
    collection = call(watched, "/api/v1/collections", name=NAME[:80])
    queue = call(
        watched,
        "/api/v1/review-queues",
        name=f"{HEBREW} {NAME[:60]}",
        labels=[TAG[:40]],
    )
    return [
        "/library",
        f"/library?tag={TAG}",
        f"/library?q={HEBREW}",
        f"/library?q={MORE_ENDLESS[:3000]}",
        "/library/tags",
        *(f"/generations/{each['id']}" for each in made),
        "/",
        f"/?prompt={ARABIC}",
        f"/?prompt={MORE_ENDLESS}",
        "/ask",
        f"/ask?q={ARABIC}",
        "/chats",
        f"/chats/{chat['id']}",
        "/prompts",
        *(f"/prompts/{each['id']}" for each in prompts),
        "/chains",
        f"/chains/{chain['id']}",
        "/collections",
        f"/collections/{collection['id']}",
        "/models",
        "/review",
        f"/review/queues/{queue['id']}",
        "/insights",
    ]


def find_faults(watched: Watched, addresses: list[str]) -> list[str]:
    """What is wrong with these pages, by address and width."""
    page, faults = watched.page, []
    for address in addresses:
        watched.open(address)
        where = address[:70]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            faults += [f"{where} at {width}: {each}" for each in page.evaluate(_TOO_WIDE)]
        faults += [f"{where}: {each} has no dir" for each in page.evaluate(_NO_DIRECTION)]
    return faults


#: Names a model anew, as a connected one may be named, and prints what it was called.
_RENAME = """
from webapp.catalog.models import Checkpoint
row = Checkpoint.objects.get(slug={slug!r})
print(row.name)
row.name = row.card_data["name"] = {name!r}
row.save(update_fields=["name", "card_data"])
"""


def test_no_page_is_wider_than_its_window(watched: Watched, stack: Instance) -> None:
    assert stack.admin_password is not None
    rename = _RENAME.format(slug=MODEL, name=NAME)
    before = stack.manage("shell", "--no-imports", "-c", rename).strip()
    try:
        watched.sign_in(stack.admin_password)
        addresses = write_everywhere(watched)
        assert find_faults(watched, addresses) == []
        assert watched.complaints == []
    finally:
        stack.manage("shell", "--no-imports", "-c", _RENAME.format(slug=MODEL, name=before))
