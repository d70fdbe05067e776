"""Chats in the browser: without scripts first, and what scripts ask for."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from genmodels.embedding import load_embedder
from tests.factories import make_user
from tests.pages.conftest import browser_of
from tests.pages.test_asking import LIGHTHOUSE, QUESTION, bring
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.chats.models import Chat, Turn
from webapp.generations.models import Generation

FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def real_embedder() -> None:
    """Questions are compared by meaning here, as on a real site."""
    load_embedder()


def start(page: Client, question: str = QUESTION, **fields: str) -> Chat:
    response = page.post("/chats/start", {"question": question, "answered_by": "quotes", **fields})
    assert response.status_code == 302
    return Chat.objects.latest("created_at")


def test_a_chat_begins_with_a_question_and_shows_its_answer(page: Client, author: User) -> None:
    source = bring(author)
    chat = start(page)
    html = page.get(f"/chats/{chat.id}").content.decode()
    assert "built on the island of Pharos" in html
    assert f'href="/documents/{source.id}?passage=0&amp;start=0&amp;end=' in html
    assert chat.title == QUESTION
    assert QUESTION in page.get("/chats").content.decode()


def test_a_follow_up_says_what_was_searched_for(page: Client, author: User) -> None:
    bring(author)
    chat = start(page)
    first = Turn.objects.get()
    response = page.post(
        f"/chats/{chat.id}/ask", {"question": "What was it fed with?", "parent": str(first.id)}
    )
    second = Turn.objects.get(parent=first)
    assert response["Location"] == f"/chats/{chat.id}?turn={second.id}#turn-{second.id}"
    html = page.get(response["Location"]).content.decode()
    assert re.search("Searched for: What was .*Alexandria.* fed with", html)


def test_an_edited_question_is_a_branch_beside_the_first(page: Client, author: User) -> None:
    bring(author)
    chat = start(page)
    first = Turn.objects.get()
    page.post(f"/chats/{chat.id}/ask", {"question": "What fed its fire?", "parent": ""})
    second = Turn.objects.exclude(id=first.id).get()
    html = page.get(f"/chats/{chat.id}").content.decode()
    assert "2 of 2" in html
    assert f'href="/chats/{chat.id}?turn={first.id}#turn-{first.id}"' in html
    html = page.get(f"/chats/{chat.id}", {"turn": str(first.id)}).content.decode()
    assert "1 of 2" in html
    assert f"turn={second.id}#" in html
    page.post(f"/chats/{chat.id}/turns/{second.id}/again")
    assert "3 of 3" in page.get(f"/chats/{chat.id}").content.decode()


def test_a_double_click_asks_once(page: Client, author: User) -> None:
    bring(author)
    body = {"question": QUESTION, "answered_by": "quotes", "key": "n1"}
    first, second = (page.post("/chats/start", body) for _ in range(2))
    assert first["Location"] == second["Location"]
    chat = Chat.objects.get()
    ask = {"question": "Why?", "parent": str(Turn.objects.get().id), "key": "n2"}
    for _ in range(2):
        page.post(f"/chats/{chat.id}/ask", ask)
    assert Turn.objects.count() == 2
    page.post(f"/chats/{chat.id}/ask", {**ask, "question": "Why not?"})
    assert Turn.objects.count() == 3
    assert 'name="key"' in page.get(f"/chats/{chat.id}").content.decode()


def test_a_script_gets_the_chat_and_its_new_address(page: Client, author: User) -> None:
    bring(author)
    chat = start(page)
    first = Turn.objects.get()
    body = {"question": "And its fire?", "parent": str(first.id)}
    response = page.post(f"/chats/{chat.id}/ask", body, headers=FRAGMENT)
    second = Turn.objects.get(parent=first)
    assert response.status_code == 200
    assert response["HX-Push-Url"] == f"/chats/{chat.id}?turn={second.id}"
    assert f'id="turn-{second.id}"' in response.content.decode()


def test_a_reply_that_is_written_is_asked_for_until_it_is_there(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    chat = start(page, "Once upon a time", answered_by=f"checkpoint:{checkpoint.slug}")
    turn = Turn.objects.get()
    html = page.get(f"/chats/{chat.id}").content.decode()
    assert f'data-live-id="{turn.generation_id}"' in html
    assert 'http-equiv="refresh"' in html
    reply = f"/chats/{chat.id}/turns/{turn.id}/reply"
    assert page.get(reply).status_code == 204
    assert page.post(f"/chats/{chat.id}/turns/{turn.id}/stop").status_code == 302
    html = page.get(reply).content.decode()
    assert "It was stopped" in html
    assert Generation.objects.get().job.state == "canceled"


@pytest.mark.parametrize(
    ("question", "fault"), [(" ", "The question is empty."), ("x" * 2001, "at most 2000")]
)
def test_what_is_refused_stays_in_the_form(
    page: Client, author: User, question: str, fault: str
) -> None:
    response = page.post("/chats/start", {"question": question, "answered_by": "quotes"})
    assert response.status_code == 422
    assert fault in response.content.decode()
    chat = start(page)
    response = page.post(f"/chats/{chat.id}/ask", {"question": question, "parent": ""})
    assert response.status_code == 422
    assert fault in response.content.decode()
    assert Turn.objects.count() == 1


def test_an_answerer_that_is_not_there_is_refused(page: Client) -> None:
    for who in ("connector", "free", "checkpoint:nowhere", "nobody"):
        response = page.post("/chats/start", {"question": "Hello", "answered_by": who})
        assert response.status_code == 422, who
        assert "Hello" in response.content.decode()
    assert not Chat.objects.exists()


def test_chats_are_found_renamed_deleted_and_brought_back(page: Client, author: User) -> None:
    bring(author)
    chat = start(page)
    page.post(f"/chats/{chat.id}/rename", {"title": "Wonders <b>seven</b>"})
    html = page.get("/chats", {"q": "wonders pharos"}).content.decode()
    assert "Wonders &lt;b&gt;seven&lt;/b&gt;" in html
    assert "No chat holds all" in page.get("/chats", {"q": "wonders mars"}).content.decode()
    assert page.post(f"/chats/{chat.id}/rename", {"title": " "}).status_code == 422
    page.post(f"/chats/{chat.id}/trash", follow=True)
    assert "Wonders &lt;" not in page.get("/chats?q=pharos").content.decode()
    assert "Restored, it goes on" in page.get(f"/chats/{chat.id}").content.decode()
    assert "Wonders" in page.get("/chats?trash=1").content.decode()
    page.post(f"/chats/{chat.id}/restore")
    assert "Wonders" in page.get("/chats").content.decode()


def test_strangers_find_nothing_and_reviewers_only_read(
    page: Client, author: User, stranger: Client, reviewer: Client
) -> None:
    bring(author)
    chat = start(page)
    turn = Turn.objects.get()
    assert reviewer.get(f"/chats/{chat.id}").status_code == 200
    body = {"question": "Why?", "parent": ""}
    assert reviewer.post(f"/chats/{chat.id}/ask", body).status_code == 403
    assert stranger.get(f"/chats/{chat.id}").status_code == 404
    assert stranger.get(f"/chats/{chat.id}/turns/{turn.id}/reply").status_code == 404
    assert stranger.post(f"/chats/{chat.id}/ask", body).status_code == 404
    for action in ("trash", "restore", "rename"):
        assert stranger.post(f"/chats/{chat.id}/{action}").status_code == 404
    other = browser_of(make_user())
    assert QUESTION not in other.get("/chats").content.decode()
    assert page.get(f"/chats/{chat.id}?turn=x").status_code == 404
    assert Turn.objects.count() == 1


def test_hostile_words_are_text(page: Client, author: User) -> None:
    bring(author, "<script>alert(1)</script> " + LIGHTHOUSE, "<i>Wonders</i>")
    chat = start(page, QUESTION + " <script>alert(2)</script>")
    html = page.get(f"/chats/{chat.id}").content.decode()
    assert "<script>alert" not in html
    assert "<i>Wonders" not in html
