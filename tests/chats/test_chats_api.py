"""REST: chats, their turns and branches, for who owns them and for strangers."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.chats.conftest import Talker
from tests.factories import make_checkpoint, make_user
from tests.grounding.chat_server import ModelServer, a_good_model
from tests.grounding.desks import work_off
from tests.search.factories import make_found_source
from webapp.accounts.models import Role, User
from webapp.chats import operations
from webapp.chats.models import Chat, Turn
from webapp.generations.models import Generation, Response
from webapp.grounding.models import Answer
from webapp.jobs.models import Job
from webapp.knowledge.models import Source

pytestmark = pytest.mark.django_db

TALL = "How high is the tower of the lighthouse at Skerry?"


def test_a_follow_up_is_answered_as_it_was_meant(talker: Talker, lighthouse: Source) -> None:
    chat = talker.start(title="Lights")
    first = talker.ask(chat, TALL)
    assert first.status_code == 201
    assert "48 metres" in first.json()["text"].replace("\n", " ")
    second = talker.ask(chat, "And who built it?")
    body = second.json()
    assert body["answer"]["searched_for"] == "And who built lighthouse Skerry?"
    assert "Alan Stevenson" in body["text"]
    assert body["parent"] == first.json()["id"]
    thread = talker.get(f"chats/{chat}").json()["thread"]
    assert [turn["id"] for turn in thread] == [first.json()["id"], body["id"]]
    assert talker.get(second["Location"].removeprefix("/api/v1/")).json() == body


def test_a_question_may_be_put_otherwise_without_losing_the_first(
    talker: Talker, lighthouse: Source
) -> None:
    chat = talker.start()
    first = talker.ask(chat, TALL).json()
    after = talker.ask(chat, "Who built it?").json()
    other = talker.ask(chat, "What did the lamp at Skerry burn?", parent=None).json()
    assert other["branch"] == {"place": 2, "total": 2}
    again = talker.client.post(f"/api/v1/chats/{chat}/turns/{other['id']}/again").json()
    assert (again["question"], again["branch"]) == (other["question"], {"place": 3, "total": 3})
    by_first = talker.get(f"chats/{chat}?turn={first['id']}").json()["thread"]
    assert [turn["id"] for turn in by_first] == [first["id"], after["id"]]
    newest = talker.get(f"chats/{chat}").json()["thread"]
    assert [turn["id"] for turn in newest] == [again["id"]]


def test_only_the_chosen_documents_are_asked(
    talker: Talker, owner: User, lighthouse: Source
) -> None:
    tea = make_found_source(owner=owner, texts=["Green tea is steamed."], title="Tea")
    chat = talker.start(source_ids=[str(tea.id)])
    assert talker.ask(chat, TALL).json()["text"] is None
    changed = talker.client.patch(
        f"/api/v1/chats/{chat}", {"source_ids": [str(lighthouse.id)]}, format="json"
    )
    assert changed.json()["source_ids"] == [str(lighthouse.id)]
    assert "48 metres" in talker.ask(chat, TALL).json()["text"].replace("\n", " ")


def test_the_language_model_writes_and_the_turn_waits_for_it(
    talker: Talker, lighthouse: Source, model: ModelServer
) -> None:
    model.play = a_good_model
    model.rewrite = lambda _: "Who built the lighthouse at Skerry?"
    chat = talker.start(answerer="connector")
    first = talker.ask(chat, TALL)
    assert (first.status_code, first.json()["terminal"]) == (202, False)
    too_soon = talker.ask(chat, "And who built it?")
    assert (too_soon.status_code, too_soon.json()["code"]) == (409, "conflict")
    work_off()
    second = talker.ask(chat, "And who built it?").json()
    work_off()
    done = talker.get(f"chats/{chat}/turns/{second['id']}").json()
    assert done["answer"]["searched_for"] == "Who built the lighthouse at Skerry?"
    assert "Alan Stevenson" in done["text"]
    assert done["answer"]["citations"][0]["origin"]["id"] == str(lighthouse.id)
    assert talker.get("answers").json()["data"] == []


def test_a_free_chat_is_told_what_was_said(talker: Talker, model: ModelServer) -> None:
    model.play = lambda asked: f"reply to {asked.user}"
    chat = talker.start(grounded=False, answerer="connector")
    talker.ask(chat, "Hello")
    work_off()
    talker.ask(chat, "And now?")
    work_off()
    thread = talker.get(f"chats/{chat}").json()["thread"]
    assert [turn["text"] for turn in thread] == ["reply to Hello", "reply to And now?"]
    assert [message["content"] for message in model.asked[1].body["messages"][1:]] == [
        "Hello",
        "reply to Hello",
        "And now?",
    ]


def test_a_checkpoint_goes_on_with_the_conversation(talker: Talker) -> None:
    make_checkpoint()
    chat = talker.start(grounded=False, model="toy-text")
    first = talker.ask(chat, "Once upon a time")
    assert (first.status_code, first.json()["status"]) == (202, "queued")
    generation = Generation.objects.get(id=first.json()["generation"]["id"])
    assert generation.prompt == "Once upon a time"
    Job.objects.filter(id=generation.job_id).update(
        state="canceled", finished_at=timezone.now(), cancel_requested_at=timezone.now()
    )
    Response.objects.create(generation=generation, fence=1, text=" there was a lamp.")
    second = talker.ask(chat, "Then").json()
    prompt = Generation.objects.get(id=second["generation"]["id"]).prompt
    assert prompt == "Once upon a time there was a lamp.\n\nThen"
    assert talker.get(f"chats/{chat}").json()["thread"][0]["text"] == " there was a lamp."


def test_a_reply_is_stopped(talker: Talker, lighthouse: Source, model: ModelServer) -> None:
    chat = talker.start(answerer="connector")
    turn = talker.ask(chat, TALL).json()
    path = f"/api/v1/chats/{chat}/turns/{turn['id']}/cancel"
    assert talker.client.post(path).json()["status"] == "canceled"
    assert talker.client.post(path).status_code == 200
    work_off()
    assert model.asked == []


def test_the_same_key_asks_once(talker: Talker, lighthouse: Source) -> None:
    chat, headers = talker.start(), {"Idempotency-Key": "k1"}
    first, second = (talker.ask(chat, TALL, parent=None, headers=headers) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    other = talker.ask(chat, "Else?", parent=None, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Turn.objects.count() == Answer.objects.count() == 1


@pytest.mark.parametrize(
    "wish",
    [
        {"answerer": "nobody"},
        {"answerer": "connector"},
        {"grounded": False},
        {"grounded": False, "model": "nowhere"},
        {"model": "toy-text"},
        {"source_ids": [str(uuid.uuid4())]},
        {"source_ids": ["x"]},
        {"title": "x" * 201},
        {"tools": []},
    ],
)
def test_a_chat_that_does_not_go_together_is_refused(talker: Talker, wish: dict[str, Any]) -> None:
    make_checkpoint()
    response = talker.client.post("/api/v1/chats", wish, format="json")
    assert response.status_code == 422
    assert response.json()["errors"]
    assert not Chat.objects.exists()


def test_bad_questions_are_refused_and_leave_nothing(
    talker: Talker, lighthouse: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat, other = talker.start(), talker.start()
    foreign = talker.ask(other, TALL).json()["id"]
    for question, parent in (("", None), (" ", None), ("x" * 2001, None), ("Why?", foreign)):
        assert talker.ask(chat, question, parent=parent).status_code == 422
    monkeypatch.setattr(operations, "MAX_TURNS", 0)
    full = talker.ask(chat, TALL)
    assert (full.status_code, full.json()["code"]) == (409, "conflict")
    assert "Begin a new one" in full.json()["detail"]
    assert Turn.objects.count() == Answer.objects.count() == 1


def test_a_stranger_s_documents_cannot_be_chosen(lighthouse: Source) -> None:
    stranger = Talker(make_user())
    wish = {"source_ids": [str(lighthouse.id)]}
    assert stranger.client.post("/api/v1/chats", wish, format="json").status_code == 422


def test_strangers_find_nothing_and_reviewers_only_read(
    talker: Talker, lighthouse: Source
) -> None:
    chat = talker.start(title="Mine alone")
    turn = talker.ask(chat, TALL).json()["id"]
    reviewer = Talker(make_user(Role.REVIEWER))
    assert reviewer.get(f"chats/{chat}").status_code == 200
    assert reviewer.ask(chat, "Why?").status_code == 403
    stranger = Talker(make_user())
    assert stranger.get("chats").json()["data"] == []
    assert stranger.get("chats?q=mine").json()["data"] == []
    for path in ("", "/export", f"/turns/{turn}"):
        assert stranger.get(f"chats/{chat}{path}").status_code == 404
    for path in ("/restore", f"/turns/{turn}/again", f"/turns/{turn}/cancel"):
        assert stranger.client.post(f"/api/v1/chats/{chat}{path}").status_code == 404
    assert stranger.ask(chat, "Why?").status_code == 404
    assert stranger.client.delete(f"/api/v1/chats/{chat}").status_code == 404
    own = stranger.start()
    assert stranger.get(f"chats/{own}/turns/{turn}").status_code == 404


def test_a_chat_goes_to_the_trash_and_comes_back(
    talker: Talker, lighthouse: Source, model: ModelServer
) -> None:
    chat = talker.start(title="Lights", answerer="connector")
    turn = talker.ask(chat, TALL).json()
    path = f"/api/v1/chats/{chat}"
    for _ in range(2):
        assert talker.client.delete(path).status_code == 204
    assert talker.get("chats").json()["data"] == []
    assert [row["id"] for row in talker.get("chats?trashed=true").json()["data"]] == [chat]
    assert talker.get(f"chats/{chat}/turns/{turn['id']}").json()["status"] == "canceled"
    assert talker.ask(chat, "Why?").status_code == 409
    for _ in range(2):
        assert talker.client.post(f"{path}/restore").json()["trashed_at"] is None
    assert talker.get("chats").json()["data"][0]["title"] == "Lights"
    renamed = talker.client.patch(path, {"title": "  Sea  lights "}, format="json")
    assert renamed.json()["title"] == "Sea lights"
    assert talker.client.patch(path, {"title": " "}, format="json").status_code == 422


def test_reading_a_long_chat_takes_as_many_queries_as_a_short_one(
    talker: Talker, owner: User, lighthouse: Source, django_assert_max_num_queries: Any
) -> None:
    chat = talker.start()
    for _ in range(4):
        talker.ask(chat, TALL)
    with django_assert_max_num_queries(7):
        assert len(talker.get(f"chats/{chat}").json()["thread"]) == 4


def test_a_chat_is_begun_once_for_a_key(talker: Talker) -> None:
    headers = {"Idempotency-Key": "k1"}
    first, second = (
        talker.client.post("/api/v1/chats", {"title": "A"}, format="json", headers=headers)
        for _ in range(2)
    )
    assert first.json()["id"] == second.json()["id"]
    other = talker.client.post("/api/v1/chats", {"title": "B"}, format="json", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_full_queue_refuses_before_anything_is_stored(
    talker: Talker, lighthouse: Source, model: ModelServer, settings: Settings
) -> None:
    chat = talker.start(answerer="connector")
    talker.ask(chat, TALL, parent=None)
    settings.JOBS_MAX_QUEUED_PER_OWNER = 1
    refused = talker.ask(chat, TALL, parent=None, headers={"Idempotency-Key": "k1"})
    assert (refused.status_code, refused.json()["code"]) == (429, "queue_full")
    assert refused["Retry-After"]
    assert Turn.objects.count() == Answer.objects.count() == 1


def test_a_crash_between_a_reply_and_its_turn_leaves_neither(
    talker: Talker, lighthouse: Source, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = talker.start(answerer="connector")
    save = Turn.save

    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("the process died here")

    monkeypatch.setattr(Turn, "save", crash)
    headers = {"Idempotency-Key": "k1"}
    with pytest.raises(RuntimeError):
        talker.ask(chat, TALL, parent=None, headers=headers)
    assert not Answer.objects.exists()
    assert not Job.objects.filter(kind="answer").exists()
    monkeypatch.setattr(Turn, "save", save)
    assert talker.ask(chat, TALL, parent=None, headers=headers).status_code == 202
