"""Trying out retrieval shows what is found, why, and what would be quoted, and stores nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from genmodels.embedding import install_embedder
from tests.factories import make_user
from tests.knowledge.ingesting import bring
from tests.search.factories import EMBEDDER
from webapp.accounts.models import User
from webapp.grounding.models import Answer

pytestmark = pytest.mark.django_db

PAGE = "/documents/test"


@pytest.fixture(autouse=True)
def hashing_embedder() -> Iterator[None]:
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def browser(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def test_passages_are_shown_with_their_scores_and_the_quote(owner: User, browser: Client) -> None:
    source = bring(owner, b"# House\n\nLamps burn oil. They smell.", "house.md")
    html = browser.get(PAGE, {"q": "What do lamps burn?"}).content.decode()
    assert "<mark>Lamps burn oil.</mark> They smell." in html
    assert "words (BM25)" in html
    assert "meaning (cosine)" in html
    assert "An answer would quote 1 sentence" in html
    assert f"/documents/{source.id}?passage=0#passage-0" in html
    assert not Answer.objects.exists()


def test_the_documents_and_the_way_of_searching_can_be_chosen(
    owner: User, browser: Client
) -> None:
    one = bring(owner, b"Lamps burn oil.", "one.txt")
    bring(owner, b"Lamps burn gas.", "two.txt")
    query = {"q": "lamps", "source": str(one.id), "mode": "keyword", "limit": "3"}
    html = browser.get(PAGE, query).content.decode()
    assert "burn oil" in html
    assert "burn gas" not in html
    assert '<option value="keyword" selected>' in html
    assert f'value="{one.id}" checked' in html


def test_what_is_not_understood_falls_back_to_the_usual(owner: User, browser: Client) -> None:
    bring(owner, b"Lamps burn oil.", "one.txt")
    query = {"q": "lamps \x00", "source": "x", "mode": "y", "limit": "9999"}
    answer = browser.get(PAGE, query)
    assert answer.status_code == 200
    assert "burn oil" in answer.content.decode()


def test_a_question_about_nothing_here_says_so(owner: User, browser: Client) -> None:
    html = browser.get(PAGE, {"q": "zeppelin"}).content.decode()
    assert "No passage was found" in html
    assert "would say that nothing was found" in html
    assert browser.get(PAGE).status_code == 200


def test_documents_of_others_are_neither_offered_nor_found(browser: Client) -> None:
    other = bring(make_user(), b"Lamps burn oil.", "secret.txt")
    html = browser.get(PAGE, {"q": "lamps", "source": str(other.id)}).content.decode()
    assert "burn oil" not in html
    assert "secret" not in html
