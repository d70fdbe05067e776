"""The worker's side of the graph: a turn at a time, and nothing lost to an outage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError

from tasks import graph
from tests.factories import make_user
from tests.knowledge.graphs import LOVELACE
from tests.search.factories import make_found_source
from webapp import queueing
from webapp.knowledge import graph_reading
from webapp.knowledge.graph_models import PassageReading

pytestmark = pytest.mark.django_db


class FakeProcess:
    """A worker process that takes work."""

    accepts_work = True

    @contextmanager
    def working(self) -> Iterator[None]:
        yield


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> FakeProcess:
    made = FakeProcess()
    monkeypatch.setattr(graph, "this_process", lambda: made)
    return made


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    queues: list[str] = []
    monkeypatch.setattr(queueing, "wake", queues.append)
    return queues


def test_a_message_reads_everything(process: FakeProcess, woken: list[str]) -> None:
    for owner in (make_user(), make_user()):
        make_found_source(owner=owner, texts=[LOVELACE, LOVELACE])
    graph.read_graph(whatever="is ignored")
    assert PassageReading.objects.count() == 4
    assert woken == []


def test_after_its_turn_it_asks_for_another(
    process: FakeProcess, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_reading, "PIECE", 1)
    monkeypatch.setattr(graph, "TURN_SECONDS", 0.0)
    make_found_source(owner=make_user(), texts=[LOVELACE])
    graph.read_graph()
    assert not PassageReading.objects.exists()
    assert woken == [queueing.GRAPH_QUEUE]


def test_a_process_that_is_to_end_takes_no_more(process: FakeProcess, woken: list[str]) -> None:
    make_found_source(owner=make_user(), texts=[LOVELACE])
    process.accepts_work = False
    graph.read_graph()
    assert not PassageReading.objects.exists()


def test_an_outage_is_left_to_the_next_message(
    process: FakeProcess, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OperationalError("the server closed the connection")

    make_found_source(owner=make_user(), texts=[LOVELACE])
    with monkeypatch.context() as patch:
        patch.setattr(graph, "fill_graph", fail)
        patch.setattr("tasks.graph.connection.close", lambda: None)
        graph.read_graph()
    assert not PassageReading.objects.exists()
    graph.read_graph()
    assert PassageReading.objects.count() == 1
