"""Going on from an answer: it becomes the first of a chat, which looks where the answer did."""

from __future__ import annotations

from django.test import Client

from tests.factories import make_user
from tests.pages.conftest import browser_of
from tests.pages.html import Page
from tests.pages.test_asking import QUESTION, bring
from webapp.accounts.models import Role, User
from webapp.chats.models import Chat, Turn
from webapp.grounding.models import Answer
from webapp.knowledge.operations import trash_source


def asked(page: Client, **fields: object) -> Answer:
    page.post("/ask/question", {"question": QUESTION, **fields})
    return Answer.objects.latest("created_at")


def test_a_question_that_leans_on_the_answer_finds_its_subject(page: Client, author: User) -> None:
    tea, wonders = bring(author, "Green tea is steamed.", "Tea"), bring(author)
    answer = asked(page, source=[wonders.id])
    assert "Ask next" in page.get(f"/ask/{answer.id}").content.decode()
    led = page.post(f"/chats/from/{answer.id}", {"question": "What was its fire fed with?"})
    chat = Chat.objects.get(owner=author)
    first, second = Turn.objects.filter(chat=chat).order_by("id")
    assert led["Location"].startswith(f"/chats/{chat.id}?turn={second.id}")
    assert (first.answer_id, second.parent_id) == (answer.id, first.id)
    assert second.answer is not None
    assert "Alexandria" in second.answer.searched_for
    assert second.answer.found
    assert [source.id for source in chat.sources.all()] == [wonders.id]
    assert tea.id not in {source.id for source in chat.sources.all()}
    # It is part of the chat now, and a second way on from it is a branch there.
    assert f"/ask/{answer.id}" not in page.get("/ask").content.decode()
    page.post(f"/chats/from/{answer.id}", {"question": "Who saw it?"})
    assert Chat.objects.count() == 1
    assert Turn.objects.filter(parent=first).count() == 2


def test_a_suggestion_is_one_press_in_an_answer_and_in_a_chat(page: Client, author: User) -> None:
    source = bring(author)
    source.passages.update(heading="Pharos")
    extra = bring(author, "Ships saw the light of Alexandria at night.", "Ships")
    extra.passages.update(heading="Navigation")
    answer = asked(page)
    fields = Page(page.get(f"/ask/{answer.id}").content.decode()).all("input", name="question")
    suggested = [field.attributes["value"] for field in fields]
    Answer.objects.filter(id=answer.id).update(found=True)
    for question in suggested:
        led = page.post(f"/chats/from/{answer.id}", {"question": question}, follow=True)
        assert question.replace("”", "”") in led.content.decode()


def test_what_cannot_be_gone_on_from_says_why(page: Client, author: User) -> None:
    source = bring(author)
    answer = asked(page, source=[source.id])
    refused = page.post(f"/chats/from/{answer.id}", {"question": " "}, follow=True)
    assert "The question is empty." in refused.content.decode()
    assert not Chat.objects.exists()
    assert not Answer.objects.get(id=answer.id).in_conversation
    trash_source(source=source)
    page.post(f"/chats/from/{answer.id}", {"question": "Why?"})
    # A chat that looked through everything instead would answer from what was not chosen.
    assert [row.id for row in Chat.objects.get().sources.all()] == [source.id]
    reviewer = browser_of(make_user(Role.REVIEWER))
    assert "Ask next" not in reviewer.get(f"/ask/{answer.id}").content.decode()
    assert reviewer.post(f"/chats/from/{answer.id}", {"question": "Why?"}).status_code == 403
    stranger = browser_of(make_user())
    assert stranger.post(f"/chats/from/{answer.id}", {"question": "Why?"}).status_code == 404
