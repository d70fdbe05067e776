"""Indexing: complete, repeatable, and the same whoever does it how often."""

from __future__ import annotations

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from tests.factories import make_generation, make_user
from tests.search.factories import (
    EMBEDDER,
    make_answered_generation,
    make_found_generation,
    make_source,
)
from webapp.search.models import Passage
from webapp.search.operations import (
    embed_passages,
    fill_missing,
    index_generation,
)


def num_vectors(name: str = EMBEDDER.name) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM search_passagevector v JOIN search_embeddingspace s"
            " ON s.id = v.space_id WHERE s.name = %s",
            [name],
        )
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.django_db
def test_prompt_and_response_become_passages_with_offsets() -> None:
    text = "First line of the ode.\n\n" + "The lamp burns on and on. " * 60
    made = make_found_generation(owner=make_user(), prompt="An ode", text=text)
    prompt, *answer = Passage.objects.filter(generation=made).order_by("ordinal")
    assert (prompt.text, prompt.start, prompt.end) == ("An ode", 0, 6)
    assert len(answer) > 1
    for passage in answer:
        assert text[passage.start : passage.end] == passage.text
    assert num_vectors() == 1 + len(answer)


@pytest.mark.django_db
def test_indexing_again_changes_nothing() -> None:
    made = make_found_generation(owner=make_user(), prompt="An ode", text="To a lamp.")
    before = list(Passage.objects.order_by("id").values_list("id", flat=True))
    index_generation(generation_id=made.id, embedder=EMBEDDER)
    assert list(Passage.objects.order_by("id").values_list("id", flat=True)) == before
    assert num_vectors() == len(before) == 2


@pytest.mark.django_db
def test_without_a_response_there_is_nothing_to_find() -> None:
    made = make_generation(owner=make_user())
    assert index_generation(generation_id=made.id, embedder=EMBEDDER) == 0
    assert not fill_missing(embedder=EMBEDDER).anything


@pytest.mark.django_db
def test_what_is_missing_is_found_and_filled() -> None:
    owner = make_user()
    forgotten = make_answered_generation(owner=owner, prompt="forgotten")
    make_found_generation(owner=owner, prompt="indexed")
    filled = fill_missing(embedder=EMBEDDER)
    assert (filled.generations, filled.vectors) == (1, 1)
    assert Passage.objects.filter(generation=forgotten).count() == 1
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_passagevector")
    assert fill_missing(embedder=EMBEDDER).vectors == 2
    assert not fill_missing(embedder=EMBEDDER).anything
    assert num_vectors() == 2


@pytest.mark.django_db
def test_rows_of_an_older_analyser_are_analysed_again() -> None:
    made = make_found_generation(owner=make_user(), prompt="violet lamps")
    passage = Passage.objects.get(generation=made)
    wanted = passage.terms
    Passage.objects.update(analyser_version=0, terms=[1])
    assert fill_missing(embedder=EMBEDDER).analysed == 1
    passage.refresh_from_db()
    assert passage.terms == wanted


@pytest.mark.django_db
def test_removing_takes_the_vectors_along() -> None:
    made = make_found_generation(owner=make_user())
    Passage.objects.filter(generation=made).delete()
    assert num_vectors() == 0


@pytest.mark.django_db
def test_a_passage_needs_exactly_one_origin() -> None:
    made = make_found_generation(owner=make_user())
    source = make_source(owner=made.owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        Passage.objects.update(source=source)
    with pytest.raises(IntegrityError), transaction.atomic():
        Passage.objects.update(generation=None)


@pytest.mark.django_db(transaction=True)
def test_two_processes_may_index_the_same_thing_at_once() -> None:
    owner = make_user()
    made = [
        make_answered_generation(owner=owner, prompt=f"lamp {n}", text="It burns.")
        for n in range(5)
    ]
    start = threading.Barrier(4)
    errors: list[Exception] = []

    def work() -> None:
        try:
            start.wait()
            for generation in made:
                index_generation(generation_id=generation.id, embedder=EMBEDDER)
        except Exception as error:  # noqa: BLE001 -- handed to the test's own thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Passage.objects.count() == num_vectors() == 10


@pytest.mark.django_db
def test_a_passage_deleted_meanwhile_gets_no_vector() -> None:
    made = make_found_generation(owner=make_user())
    passages = list(Passage.objects.filter(generation=made))
    Passage.objects.filter(generation=made).delete()
    assert embed_passages(passages=passages, embedder=EMBEDDER) == 0
