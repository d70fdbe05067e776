"""What somebody finds who has just come: families explained, prompts to try, something to ask."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.test import Client

from genmodels.contract import FAMILIES
from tests.factories import make_card, make_checkpoint
from tests.pages.conftest import browser_of
from tests.pages.html import Page
from webapp.accounts.models import User
from webapp.collections.models import Collection, CollectionItem
from webapp.knowledge.models import Source

IDEAS = Path(settings.BASE_DIR) / "templates" / "catalog" / "families"
EXPLAINED = [family for family in FAMILIES if family != "connected"]


@pytest.mark.parametrize("family", EXPLAINED)
def test_each_family_has_a_picture_a_few_sentences_and_an_equation(family: str) -> None:
    source = (IDEAS / f"{family}.html").read_text(encoding="utf-8")
    bare = re.sub(r"{#.*?#}", "", source)
    idea = ElementTree.fromstring(f"<idea>{bare}</idea>")  # noqa: S314 -- a file of ours
    picture = idea.find("figure/svg")
    assert picture is not None
    assert picture.get("aria-label")
    words = idea.findtext("p") or ""
    assert 3 <= len(re.findall(r"[.!?](?:\s|$)", words)) <= 4
    assert idea.find("figure/math") is not None
    assert idea.findtext("figure/figcaption")


def test_the_page_of_a_family_leads_to_its_models(page: Client) -> None:
    mine = make_checkpoint(make_card(slug="toy-gan", family="gan", example_prompts=("a <boot>",)))
    make_checkpoint(make_card(slug="toy-flow", family="flow"))
    html = page.get("/families/gan").content.decode()
    assert f"/models/{mine.slug}" in html
    assert "/models/toy-flow" not in html
    assert "/?model=toy-gan&amp;prompt=a%20%3Cboot%3E" in html
    assert Page(html).all("a", href="/families/gan", aria_current="page")
    assert page.get("/families").status_code == 200
    assert page.get("/families/connected").status_code == 404


def test_the_studio_begins_with_one_prompt_for_each_family(page: Client) -> None:
    for family in ("gan", "flow"):
        card = make_card(slug=f"toy-{family}", family=family, example_prompts=("same", family))
        make_checkpoint(card)
    shown = Page(page.get("/").content.decode()).all("a")
    examples = [each for each in shown if "data-example" in each.attributes]
    offered = {each.attributes["data-model"]: each.text for each in examples}
    assert offered == {"toy-gan": "same", "toy-flow": "flow"}
    assert [each for each in shown if each.attributes.get("href") == "/families/flow"]
    chosen = Page(page.get("/?model=toy-flow").content.decode())
    assert [each.text for each in chosen.all("a", data_model="toy-flow")] == ["same", "flow"]


def test_the_sample_collection_comes_with_one_press(page: Client, author: User) -> None:
    for address in ("/ask", "/documents", "/collections", "/library"):
        assert "Add the sample collection" in page.get(address).content.decode(), address
    led = page.post("/documents/samples")
    collection = Collection.objects.get(owner=author)
    assert led["Location"].startswith(f"/ask?collection={collection.id}&question=")
    assert "its worker dies?</textarea>" in page.get(led["Location"]).content.decode()
    held = CollectionItem.objects.filter(collection=collection).count()
    assert held == Source.objects.filter(owner=author).count() >= 10
    titles = set(Source.objects.filter(owner=author).values_list("title", flat=True))
    assert {"Answers", "Chats"} <= titles
    page.post("/documents/samples")
    assert Collection.objects.filter(owner=author).count() == 1
    assert Source.objects.filter(owner=author).count() == held
    assert "Add the sample collection" not in page.get("/ask").content.decode()


def test_the_sample_collection_is_for_those_who_may_bring_documents(author: User) -> None:
    author.groups.clear()
    reader = browser_of(author)
    assert reader.post("/documents/samples").status_code == 403
    assert "Add the sample collection" not in reader.get("/ask").content.decode()
    assert not Source.objects.exists()
