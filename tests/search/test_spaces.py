"""Spaces side by side: one is searched, the others are filled, and none is ever mixed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.db.models.functions import Now
from numpy.typing import NDArray

from genmodels.contract import InvalidRequest
from genmodels.embedding import HashingEmbedder, UnableToEmbed, install_embedder
from tests.factories import make_user
from tests.search.factories import EMBEDDER, make_answered_generation, make_found_source
from webapp.accounts.models import Role, User
from webapp.search import embedders, recall, space_filling, space_operations, space_queries
from webapp.search.models import ActiveSpace, EmbeddingSpace, RecallCheck
from webapp.search.operations import ensure_space
from webapp.search.queries import hybrid_search, similar_to
from webapp.search.space_filling import SpaceFiller, fill_active
from webapp.search.space_operations import (
    SpaceWish,
    UnableToAddSpace,
    UnableToDropSpace,
    UnableToSwitch,
    add_space,
    drop_space,
    follow_settings,
    roll_back,
    switch_space,
)
from webapp.search.space_queries import UnableToFindSpace, get_space, list_spaces
from webapp.search.spaces import partition_name

OTHER = HashingEmbedder(dims=64)
WORDS = [f"The lamp of house {number} burns beside river {number % 7}." for number in range(150)]


@pytest.fixture
def admin(db: None) -> User:
    return make_user(Role.ADMIN, username="admin")


@pytest.fixture(autouse=True)
def settings_name_the_first() -> Iterator[None]:
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture(autouse=True)
def other_comes_with_pinakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the built-in embedder, which takes its time."""
    monkeypatch.setattr(embedders, "BUILT_IN_NAME", OTHER.name)
    monkeypatch.setattr(embedders, "load_built_in", lambda: OTHER)


def take_turn(seconds: float = 60.0, *, batches: int = 1_000) -> space_filling.FillTurn:
    """A turn of a process that is killed, or told to stop, after so many batches."""
    left = iter(range(batches))
    return SpaceFiller().take_turn(seconds=seconds, go_on=lambda: next(left, None) is not None)


def num_vectors(space: EmbeddingSpace) -> int:
    return space_queries.count_vectors(space)[1]


def settle() -> None:
    ActiveSpace.objects.update(since=Now() - timedelta(minutes=2))


@pytest.mark.django_db
def test_the_first_space_is_searched_at_once_and_a_second_is_not() -> None:
    first = ensure_space(embedder=EMBEDDER)
    ensure_space(embedder=OTHER)
    assert [report.space.name for report in list_spaces() if report.is_active] == [first.name]
    assert ensure_space(embedder=EMBEDDER) == first


@pytest.mark.django_db
def test_there_is_one_active_space_and_the_database_keeps_it() -> None:
    first, second = ensure_space(embedder=EMBEDDER), ensure_space(embedder=OTHER)
    with pytest.raises(IntegrityError), transaction.atomic():
        ActiveSpace.objects.create(id=2, space=second)
    with pytest.raises(ProtectedError):
        first.delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute("DELETE FROM search_embeddingspace WHERE id = %s", [first.id])


@pytest.mark.django_db
def test_a_killed_fill_resumes_without_duplicates_and_switches_nothing(admin: User) -> None:
    make_found_source(owner=admin, texts=WORDS)
    space = ensure_space(embedder=OTHER)
    EmbeddingSpace.objects.filter(id=space.id).update(switches_when_ready=True)
    take_turn(batches=3)
    half = num_vectors(space)
    assert 0 < half < len(WORDS)
    assert get_space(space_id=space.id).status == "filling"
    assert ActiveSpace.objects.get().space.name == EMBEDDER.name
    resumed = take_turn()
    assert resumed == space_filling.FillTurn(len(WORDS) - half, is_left=False)
    assert num_vectors(space) == len(WORDS)
    assert ActiveSpace.objects.get().space_id == space.id, "it was to switch when ready"
    assert take_turn().vectors == 0


@pytest.mark.django_db
def test_what_comes_in_meanwhile_is_in_both_and_a_switch_and_back_loses_nothing(
    admin: User,
) -> None:
    make_found_source(owner=admin, texts=WORDS[:3])
    space = ensure_space(embedder=OTHER)
    take_turn()
    made = make_answered_generation(owner=admin, prompt="A copper harbour")
    fill_active()
    with pytest.raises(UnableToSwitch, match="1 passage has no vector"):
        switch_space(space_id=space.id, by=admin)
    take_turn()
    first = ActiveSpace.objects.get().space
    switch_space(space_id=space.id, by=admin)
    page = hybrid_search(user=admin, query="copper harbour", mode="vector")
    assert (page.space, page.hits[0].generation_id) == (OTHER.name, made.id)
    late = make_answered_generation(owner=admin, prompt="Violet engines")
    fill_active()
    assert similar_to(user=admin, generation=late).space == OTHER.name
    take_turn()
    assert roll_back(space_id=space.id, by=admin) == first
    page = hybrid_search(user=admin, query="violet engines", mode="vector")
    assert (page.space, page.hits[0].generation_id) == (EMBEDDER.name, late.id)
    with pytest.raises(UnableToSwitch, match="do not look in this"):
        roll_back(space_id=space.id, by=admin)


@pytest.mark.django_db
def test_force_switches_to_what_is_not_full_and_a_second_switch_changes_nothing(
    admin: User,
) -> None:
    make_found_source(owner=admin, texts=WORDS[:3])
    space = ensure_space(embedder=OTHER)
    switch_space(space_id=space.id, by=admin, force=True)
    since = ActiveSpace.objects.get().since
    switch_space(space_id=space.id, by=admin)
    assert ActiveSpace.objects.get().since == since
    assert hybrid_search(user=admin, query="lamp", per_origin=9).total == 3
    with pytest.raises(UnableToFindSpace):
        switch_space(space_id=0, by=admin)


@pytest.mark.django_db(transaction=True)
def test_two_switches_at_once_end_in_one_of_them() -> None:
    by = make_user(Role.ADMIN)
    spaces = [ensure_space(embedder=HashingEmbedder(dims=dims)) for dims in (384, 64, 32)]
    start = threading.Barrier(2)

    def act(space: EmbeddingSpace) -> None:
        try:
            start.wait()
            switch_space(space_id=space.id, by=by, force=True)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(space,)) for space in spaces[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    use = ActiveSpace.objects.get()
    assert {use.space_id, use.previous_id} == {space.id for space in spaces[1:]}


@pytest.mark.django_db
def test_a_space_is_dropped_with_its_vectors_but_not_while_it_is_needed(admin: User) -> None:
    make_found_source(owner=admin, texts=WORDS[:3])
    first, space = ensure_space(embedder=EMBEDDER), ensure_space(embedder=OTHER)
    take_turn()
    with pytest.raises(UnableToDropSpace, match="look in this space"):
        drop_space(space_id=first.id, by=admin)
    switch_space(space_id=space.id, by=admin)
    with pytest.raises(UnableToDropSpace, match="a moment ago"):
        drop_space(space_id=first.id, by=admin)
    settle()
    drop_space(space_id=first.id, by=admin)
    assert num_vectors(first) == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [partition_name(first)])
        assert cursor.fetchone() == (None,)
    with pytest.raises(UnableToFindSpace):
        drop_space(space_id=first.id, by=admin)
    with pytest.raises(UnableToSwitch, match="no space before"):
        roll_back(space_id=space.id, by=admin)
    # A process that still holds what it was going to store there.
    window = space_filling.fill_window(space=first, embedder=EMBEDDER, after=space_filling._START)
    assert window == space_filling.FilledWindow(0, None)


@pytest.mark.django_db(transaction=True)
def test_a_drop_waits_shortly_for_a_reader_and_leaves_all_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(space_operations, "_LOCK_TIMEOUT", "200ms")
    ensure_space(embedder=EMBEDDER)
    space = ensure_space(embedder=OTHER)
    by = make_user(Role.ADMIN)
    faults: list[UnableToDropSpace] = []

    def drop() -> None:
        try:
            drop_space(space_id=space.id, by=by)
        except UnableToDropSpace as error:
            faults.append(error)
        finally:
            connection.close()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM search_passagevector")
        dropping = threading.Thread(target=drop)
        dropping.start()
        dropping.join()
    assert "in use" in str(faults[0])
    assert EmbeddingSpace.objects.filter(id=space.id).exists()
    drop_space(space_id=space.id, by=by)
    assert not EmbeddingSpace.objects.filter(id=space.id).exists()


class AbsentEmbedder(HashingEmbedder):
    """An embedder on a server that is away."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise UnableToEmbed(f"{len(texts)} texts: the server cannot be reached")


@pytest.mark.django_db
def test_a_new_embedder_in_the_settings_takes_over_when_ready_and_only_once(admin: User) -> None:
    follow_settings(embedder=EMBEDDER)
    make_found_source(owner=admin, texts=WORDS[:3])
    follow_settings(embedder=OTHER)
    assert ActiveSpace.objects.get().space.name == EMBEDDER.name
    take_turn()
    use = ActiveSpace.objects.get()
    assert use.space.name == OTHER.name
    roll_back(space_id=use.space_id, by=admin)
    follow_settings(embedder=OTHER)
    take_turn()
    assert ActiveSpace.objects.get().space.name == EMBEDDER.name, "what a person decided stays"
    follow_settings(embedder=EMBEDDER)
    follow_settings(embedder=OTHER)
    follow_settings(embedder=EMBEDDER)
    take_turn()
    assert ActiveSpace.objects.get().space.name == EMBEDDER.name


@pytest.mark.django_db
def test_without_its_embedder_a_search_goes_by_words_and_new_text_is_not_lost(
    admin: User,
) -> None:
    make_found_source(owner=admin, texts=WORDS[:3])
    install_embedder(AbsentEmbedder())
    make_answered_generation(owner=admin, prompt="A copper lamp")
    with pytest.raises(UnableToEmbed):
        fill_active()
    page = hybrid_search(user=admin, query="copper lamp", per_origin=9)
    assert (page.mode, len(page.hits)) == ("keyword", 4)
    [report] = list_spaces()
    assert "cannot be reached" in report.space.trouble
    install_embedder(EMBEDDER)
    assert fill_active().vectors == 1
    assert list_spaces()[0].space.trouble == ""


@pytest.mark.django_db
def test_a_space_without_its_embedder_is_refused(admin: User) -> None:
    ensure_space(embedder=EMBEDDER)
    orphan = ensure_space(embedder=HashingEmbedder(dims=16))
    with pytest.raises(UnableToSwitch, match="no longer name"):
        switch_space(space_id=orphan.id, by=admin)


@pytest.mark.django_db
def test_a_large_space_needs_a_graph_that_finds(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (recall, space_queries):
        monkeypatch.setattr(module, "MIN_EXACT_SCOPE", 100)
    monkeypatch.setattr(recall, "NUM_QUERIES", 20)
    make_found_source(owner=admin, texts=WORDS)
    space = ensure_space(embedder=OTHER)
    assert take_turn().is_left, "one graph is checked in a turn"
    take_turn()
    check = RecallCheck.objects.get(space=space)
    assert (check.num_vectors, check.num_queries) == (len(WORDS), 20)
    assert check.recall >= 0.95
    with connection.cursor() as cursor:
        index = f"{partition_name(space)}_graph"
        cursor.execute("SELECT pg_stat_get_xact_numscans(%s::regclass)", [index])
        assert cursor.fetchone() == (20,)
    assert get_space(space_id=space.id).status == "ready"
    take_turn()
    assert RecallCheck.objects.filter(space=space).count() == 1, "once a night is enough"
    RecallCheck.objects.update(recall=0.5)
    with pytest.raises(UnableToSwitch, match=r"50\.0%"):
        switch_space(space_id=space.id, by=admin)
    RecallCheck.objects.update(checked_at=Now() - timedelta(days=2))
    take_turn()
    take_turn()
    assert get_space(space_id=space.id).status == "ready"
    RecallCheck.objects.all().delete()
    with pytest.raises(UnableToSwitch, match="not checked"):
        switch_space(space_id=space.id, by=admin)


@pytest.mark.django_db
def test_a_graph_that_loses_passages_is_found_out(
    admin: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An index on half of the rows stands for a graph that has lost its way to the others."""
    monkeypatch.setattr(recall, "MIN_EXACT_SCOPE", 100)
    make_found_source(owner=admin, texts=WORDS)
    [report] = list_spaces()
    monkeypatch.setattr(recall, "_NUM_NEAREST", 100)
    monkeypatch.setattr(
        recall,
        "GRAPH_SETTINGS",
        "set_config('hnsw.ef_search', '10', true), set_config('hnsw.iterative_scan', 'off', true)",
    )
    check = recall.check_recall(space=report.space)
    assert check is not None
    assert check.recall < 0.2
    assert "finds" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "http://10.0.0.1:8080/v1"}, "/url"),
        ({"url": "file:///etc/passwd"}, "/url"),
        ({"model": " "}, "/model"),
        ({"dims": 4001}, "/dims"),
        ({"key": "two\nlines"}, "/key"),
    ],
)
def test_a_wrong_wish_is_refused_with_its_place(
    admin: User, change: dict[str, object], pointer: str
) -> None:
    wish = {"url": "http://127.0.0.1:9/v1", "model": "tiny", "dims": 2, **change}
    with pytest.raises(InvalidRequest) as caught:
        add_space(by=admin, wish=SpaceWish(embedder="service", **wish))  # type: ignore[arg-type]
    assert pointer in [fault.pointer for fault in caught.value.faults]
    assert not EmbeddingSpace.objects.exists()


@pytest.mark.django_db
def test_the_built_in_embedder_can_be_added_once(admin: User) -> None:
    ensure_space(embedder=EMBEDDER)
    with pytest.raises(InvalidRequest, match="no server"):
        add_space(by=admin, wish=SpaceWish(embedder="built_in", dims=384))
    made = add_space(by=admin, wish=SpaceWish(embedder="built_in", switches_when_ready=True))
    assert (made.dims, made.switches_when_ready) == (384, True)
    with pytest.raises(UnableToAddSpace, match="already"):
        add_space(by=admin, wish=SpaceWish(embedder="built_in"))
