"""The pages of the knowledge graph."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.knowledge.graphs import entity, make_graph
from tests.search.factories import make_found_source
from webapp.accounts.models import User
from webapp.knowledge.operations import trash_source

pytestmark = pytest.mark.django_db


def text_of(page: Client, address: str) -> str:
    answer = page.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def address(name: str) -> str:
    return f"/knowledge/graph/{entity(name).id}"


def test_without_anything_the_page_says_what_to_do(page: Client, author: User) -> None:
    assert "Nothing is named yet" in text_of(page, "/knowledge/graph")
    make_found_source(owner=author, texts=["Unread."])
    assert "1 passage still to be read" in text_of(page, "/knowledge/graph")


def test_names_are_listed_searched_and_narrowed(page: Client, author: User) -> None:
    make_graph(author)
    assert "Charles Babbage" in text_of(page, "/knowledge/graph")
    found = text_of(page, "/knowledge/graph?q=lovelace&kind=person")
    assert "Ada Lovelace" in found
    assert "Charles Babbage" not in found
    assert "No such name" in text_of(page, "/knowledge/graph?q=nobody")
    assert page.get("/knowledge/graph?cursor=nonsense").status_code == 404


def test_long_lists_have_pages(
    page: Client, author: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.knowledge.graph_pages.PAGE_SIZE", 2)
    make_graph(author)
    first = text_of(page, "/knowledge/graph?q=")
    assert "cursor=2" in first
    assert "Charles Babbage" in first
    assert "Charles Babbage" not in text_of(page, "/knowledge/graph?cursor=2")


def test_an_entity_shows_sentences_that_lead_to_their_place(page: Client, author: User) -> None:
    source = make_graph(author)
    shown = text_of(page, address("Ada Lovelace"))
    assert "Ada Lovelace was born in London in 1815." in shown
    place = f"/documents/{source.id}?passage=0&amp;start=0&amp;end=40#passage-0"
    assert place in shown
    document = text_of(page, place.replace("&amp;", "&"))
    assert "<mark>Ada Lovelace was born in London in 1815.</mark>" in document
    assert "<svg" in shown
    assert "style=" not in shown


def test_joining_and_taking_apart(page: Client, author: User) -> None:
    make_graph(author)
    babbage, lovelace = entity("Charles Babbage"), entity("Ada Lovelace")
    joined = page.post(f"{address('Charles Babbage')}/join", {"name": "ada lovelace"})
    assert joined.status_code == 302
    assert "Take apart" in text_of(page, f"/knowledge/graph/{babbage.id}")
    # The address of what was joined leads to what it is shown as.
    assert page.get(f"/knowledge/graph/{lovelace.id}")["Location"].endswith(str(babbage.id))
    page.post(f"/knowledge/graph/{lovelace.id}/part")
    assert "Take apart" not in text_of(page, f"/knowledge/graph/{babbage.id}")
    again = page.post(f"/knowledge/graph/{lovelace.id}/part")
    assert again.status_code == 422
    assert b"It is not joined to anything." in again.content


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "Nobody Known"}, "Nothing here is called"),
        ({"name": ""}, "Say the name"),
        ({"name": "charles babbage"}, "another entity than this one"),
    ],
)
def test_a_join_that_makes_no_sense_is_explained(
    page: Client, author: User, form: dict[str, str], said: str
) -> None:
    make_graph(author)
    answer = page.post(f"{address('Charles Babbage')}/join", form)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_a_proposed_double_is_joined_by_one_press(page: Client, author: User) -> None:
    make_graph(author)
    make_graph(author, ["In Paris, Babbage was unknown."])
    assert "Perhaps" in text_of(page, address("Charles Babbage"))
    other = {"other": str(entity("Babbage").id)}
    assert page.post(f"{address('Charles Babbage')}/join", other).status_code == 302
    assert entity("Babbage").name == "Charles Babbage"
    assert page.post(f"{address('London')}/join", {"other": "x"}).status_code == 404


def test_a_spelling_is_taken_out_and_put_back(page: Client, author: User) -> None:
    make_graph(author)
    babbage = entity("Charles Babbage")
    alias = babbage.shown_aliases.get(text="Babbage")
    base = f"/knowledge/graph/{babbage.id}"
    assert page.post(f"{base}/aliases/{alias.id}/split").status_code == 302
    assert "taken out" in text_of(page, base)
    assert page.post(f"{base}/aliases/{alias.id}/split").status_code == 422
    assert page.post(f"{base}/aliases/{alias.id}/return").status_code == 302
    assert "taken out" not in text_of(page, base)
    assert page.post(f"{base}/aliases/0/split").status_code == 404


def test_only_its_owner_changes_a_graph(
    page: Client, author: User, stranger: Client, reviewer: Client
) -> None:
    make_graph(author)
    join = f"{address('Ada Lovelace')}/join"
    assert "Ada Lovelace" in text_of(reviewer, address("Ada Lovelace"))
    assert "Join them" not in text_of(reviewer, address("Ada Lovelace"))
    assert reviewer.post(join, {"name": "London"}).status_code == 403
    assert stranger.get(address("Ada Lovelace")).status_code == 404
    assert stranger.post(join, {"name": "London"}).status_code == 404


def test_the_trash_hides_an_entity(page: Client, author: User) -> None:
    source = make_graph(author)
    trash_source(source=source)
    assert page.get(address("Ada Lovelace")).status_code == 404
    assert "Nothing is named yet" in text_of(page, "/knowledge/graph")
