"""The worker's side of the index: one message without content fills whatever is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from django.db import OperationalError
from numpy.typing import NDArray

from genmodels.embedding import HashingEmbedder, UnableToEmbed, install_embedder
from tasks import indexing
from tests.factories import make_user
from tests.search.factories import EMBEDDER, make_answered_generation
from webapp.search.models import Passage
from webapp.search.queries import hybrid_search

pytestmark = pytest.mark.django_db


class FakeProcess:
    """A worker process that takes work."""

    accepts_work = True

    @contextmanager
    def working(self) -> Iterator[None]:
        yield


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(indexing, "this_process", FakeProcess)
    monkeypatch.setattr(indexing, "GATHER_SECONDS", 0.0)
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


def test_a_message_makes_everything_findable() -> None:
    owner = make_user()
    made = [make_answered_generation(owner=owner, prompt=f"lamp {n}") for n in range(70)]
    indexing.index(whatever="is ignored")
    assert Passage.objects.filter(ordinal=0).count() == len(made)
    page = hybrid_search(user=owner, query="lamp", embedder=EMBEDDER, limit=100)
    assert {hit.generation_id for hit in page.hits} == {row.id for row in made}
    misspelt = hybrid_search(user=owner, query="lmap", embedder=EMBEDDER, tolerates_typos=True)
    assert misspelt.also_searched == {"lmap": ("lamp",)}


def test_an_outage_is_left_to_the_next_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise OperationalError("the server closed the connection")

    owner = make_user()
    make_answered_generation(owner=owner, prompt="lamp")
    with monkeypatch.context() as patch:
        patch.setattr(indexing, "fill_active", fail)
        patch.setattr("tasks.indexing.connection.close", lambda: None)
        indexing.index()
    assert not Passage.objects.exists()
    indexing.index()
    assert Passage.objects.count() == 1


class AbsentEmbedder(HashingEmbedder):
    """An embedder on a server that is away."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise UnableToEmbed(f"{len(texts)} texts: the server cannot be reached")


def test_an_embedder_that_is_away_is_left_to_the_next_message() -> None:
    owner = make_user()
    made = make_answered_generation(owner=owner, prompt="lamp")
    install_embedder(AbsentEmbedder())
    indexing.index()
    install_embedder(EMBEDDER)
    indexing.index()
    page = hybrid_search(user=owner, query="lamp", mode="vector", embedder=EMBEDDER)
    assert {hit.generation_id for hit in page.hits} == {made.id}
