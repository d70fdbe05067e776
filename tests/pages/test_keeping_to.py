"""Questions that keep to what was chosen, from Ask, from a new chat, and from the Studio."""

from __future__ import annotations

from django.test import Client

from tests.factories import make_user
from tests.pages.html import Page
from tests.pages.test_asking import QUESTION, bring
from webapp.accounts.models import User
from webapp.collections.models import Collection
from webapp.collections.operations import CollectionWish, add_items, create_collection
from webapp.collections.queries import ItemReference
from webapp.grounding.models import Answer
from webapp.knowledge.models import Source

FRAGMENT = {"HX-Request": "true"}


def collect(owner: User, *sources: Source, name: str = "Towers") -> Collection:
    made = create_collection(owner=owner, wish=CollectionWish(name))
    add_items(collection=made, items=[ItemReference(source_id=source.id) for source in sources])
    return made


def test_several_documents_or_collections_are_kept_to(page: Client, author: User) -> None:
    tea = bring(author, "Green tea is steamed soon after picking.", "Tea")
    wonders = bring(author)
    empty, towers = collect(author, tea, name="Leaves"), collect(author, wonders)
    page.post("/ask/question", {"question": QUESTION, "source": [tea.id]})
    assert not Answer.objects.latest("id").found
    page.post("/ask/question", {"question": QUESTION, "source": [tea.id, wonders.id]})
    assert Answer.objects.latest("id").found
    page.post("/ask/question", {"question": QUESTION, "collection": [empty.id]})
    assert not Answer.objects.latest("id").found
    page.post("/ask/question", {"question": QUESTION, "collection": [empty.id, towers.id]})
    assert Answer.objects.latest("id").found
    both = {"question": QUESTION, "collection": [towers.id], "source": [tea.id]}
    refused = page.post("/ask/question", both)
    assert refused.status_code == 422
    html = refused.content.decode()
    assert "not both" in html
    assert html.count(" checked>") == 2  # what was chosen stays chosen


def test_what_an_address_names_is_chosen_and_offered_once(page: Client, author: User) -> None:
    source, towers = bring(author), collect(author)
    for address in (f"/ask?source={source.id}&collection={towers.id}", "/ask", "/chats"):
        fields = Page(page.get(address).content.decode()).all("input", type="checkbox")
        values = [each.attributes["value"] for each in fields if "value" in each.attributes]
        assert sorted(values) == sorted([str(source.id), str(towers.id)]), address
    strange = bring(make_user(), title="Not yours")
    assert page.get(f"/ask?source={strange.id}").status_code == 404
    assert b"Not yours" not in page.get("/ask").content


def test_the_studio_asks_what_it_was_told_to_keep_to(page: Client, author: User) -> None:
    wonders, tea = bring(author), bring(author, "Green tea is steamed.", "Tea")
    fields = {"prompt": QUESTION, "model": "auto", "source": [wonders.id]}
    made = page.post("/ask/prompt", fields, headers=FRAGMENT)
    answer = Answer.objects.latest("id")
    assert made["HX-Redirect"] == f"/ask/{answer.id}"
    assert (answer.question, answer.found) == (QUESTION, True)
    plain = page.post("/ask/prompt", {**fields, "source": [tea.id]})
    assert plain["Location"] == f"/ask/{Answer.objects.latest('id').id}"
    assert not Answer.objects.latest("id").found
    refused = page.post("/ask/prompt", {**fields, "prompt": " "}, headers=FRAGMENT)
    assert refused.status_code == 422
    assert refused["HX-Retarget"] == "#composer-faults"
    assert b"The question is empty." in refused.content
    stranger = make_user()
    strange = bring(stranger)
    assert page.post("/ask/prompt", {**fields, "source": [strange.id]}).status_code == 404
    assert not Answer.objects.filter(owner=stranger).exists()
