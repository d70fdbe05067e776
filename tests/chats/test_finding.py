"""A chat is found by its words, and by none that its reader may not see."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.chats.conftest import Talker
from tests.factories import make_checkpoint, make_user
from tests.grounding.chat_server import ModelServer
from tests.grounding.desks import work_off
from tests.search.factories import EMBEDDER
from webapp.accounts.models import Role
from webapp.chats.models import Turn
from webapp.generations.models import Generation, Response
from webapp.knowledge.models import Source
from webapp.search.operations import index_generation

pytestmark = pytest.mark.django_db


def found(talker: Talker, words: str) -> list[str]:
    return [row["id"] for row in talker.get(f"chats?q={words}").json()["data"]]


def test_title_question_and_quotes_are_looked_through(talker: Talker, lighthouse: Source) -> None:
    chat = talker.start(title="Notes on Brücken")
    other = talker.start(title="Something else")
    talker.ask(chat, "Who built the lighthouse at Skerry?")
    for words in ("brucken", "lighthouses", "Stevenson", "Stevenson Brücken lighthouses"):
        assert found(talker, words) == [chat]
    assert found(talker, "Stevenson else") == []
    assert found(talker, "the of") == []
    assert found(talker, "") == [other, chat]


def test_what_a_model_wrote_is_looked_through(
    talker: Talker, lighthouse: Source, model: ModelServer
) -> None:
    model.play = lambda _: "A wombat. **Quokka**."
    free = talker.start(grounded=False, answerer="connector")
    talker.ask(free, "Name two")
    work_off()
    assert found(talker, "wombat quokka") == [free]


def test_what_a_checkpoint_wrote_is_looked_through(talker: Talker) -> None:
    make_checkpoint()
    chat = talker.start(grounded=False, model="toy-text")
    talker.ask(chat, "Once")
    generation = Generation.objects.get()
    Response.objects.create(generation=generation, fence=1, text="The wombat slept.")
    index_generation(generation_id=generation.id, embedder=EMBEDDER)
    assert found(talker, "wombat") == [chat]


def test_words_of_a_trashed_document_find_nothing(
    talker: Talker, lighthouse: Source, model: ModelServer
) -> None:
    model.play = lambda _: 'The engineer was Alan Stevenson [1: "engineer Alan Stevenson"].'
    quoted, written = talker.start(), talker.start(answerer="connector")
    for chat in (quoted, written):
        talker.ask(chat, "Who built the lighthouse at Skerry?")
    work_off()
    assert found(talker, "Stevenson") == [written, quoted]
    Source.objects.filter(id=lighthouse.id).update(trashed_at=timezone.now())
    assert found(talker, "Stevenson") == []
    assert found(talker, "Skerry") == [written, quoted]


def test_others_chats_are_found_by_reviewers_only(talker: Talker, lighthouse: Source) -> None:
    chat = talker.start()
    talker.ask(chat, "Who built the lighthouse at Skerry?")
    assert Turn.objects.count() == 1
    assert found(Talker(make_user(Role.REVIEWER)), "Stevenson") == [chat]
    assert found(Talker(make_user()), "Stevenson") == []
