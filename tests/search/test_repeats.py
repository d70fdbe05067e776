"""Of passages that repeat each other a search shows the best, and says how many there are."""

from __future__ import annotations

import pytest
from django.test import Client

from genmodels.embedding import install_embedder
from tests.factories import PASSWORD, make_checkpoint, make_user
from tests.search.factories import EMBEDDER, make_found_source, passages_of
from webapp.accounts.models import Role, User
from webapp.knowledge.models import Source
from webapp.search.models import Passage
from webapp.search.queries import hybrid_search
from webapp.search.results import SearchPage

pytestmark = pytest.mark.django_db

LAMPS = "violet lamps hang above the harbour"


@pytest.fixture
def owner() -> User:
    return make_user()


def search(user: User, **options: bool | int) -> SearchPage:
    return hybrid_search(user=user, query="violet lamps", embedder=EMBEDDER, **options)  # type: ignore[arg-type] # by name


def join(*sources: Source) -> None:
    """Mark all passages as repeats of the first, as ingestion does."""
    first, *others = [passage.id for source in sources for passage in passages_of(source)]
    Passage.objects.filter(id__in=others).update(repeat_group=first)


def test_only_the_best_of_those_that_repeat_each_other_is_shown(owner: User) -> None:
    sources = [make_found_source(owner=owner, texts=[LAMPS]) for _ in range(3)]
    other = make_found_source(owner=owner, texts=["violet lamps in winter"])
    join(*sources)
    page = search(owner)
    assert {hit.source_id: hit.num_repeats for hit in page.hits} == {sources[0].id: 2, other.id: 0}
    assert page.total == 2
    everything = search(owner, with_repeats=True)
    assert {hit.source_id for hit in everything.hits} == {
        source.id for source in [*sources, other]
    }


def test_a_document_is_found_by_what_only_it_says(owner: User) -> None:
    first = make_found_source(owner=owner, texts=[LAMPS])
    second = make_found_source(owner=owner, texts=[LAMPS, "lamps of the meadow"])
    Passage.objects.filter(source=second, ordinal=0).update(repeat_group=passages_of(first)[0].id)
    found = {hit.source_id: hit.text for hit in search(owner).hits}
    assert found == {first.id: LAMPS, second.id: "lamps of the meadow"}


def test_the_page_still_fills_up_behind_many_repeats(owner: User) -> None:
    copies = make_found_source(owner=owner, texts=[LAMPS] * 120)
    join(copies)
    others = make_found_source(owner=owner, texts=[f"{LAMPS} and engine {n}" for n in range(8)])
    page = search(owner, limit=9, per_origin=10)
    assert [hit.source_id for hit in page.hits].count(others.id) == 8
    assert {hit.num_repeats for hit in page.hits} == {0, 119}


def test_repeats_that_the_reader_may_not_find_are_not_counted(owner: User) -> None:
    shown, trashed, foreign = (
        make_found_source(owner=of, texts=[LAMPS]) for of in (owner, owner, make_user())
    )
    join(shown, trashed, foreign)
    Passage.objects.filter(source=trashed).update(is_excluded=True)
    assert [hit.num_repeats for hit in search(owner).hits] == [0]
    assert [hit.num_repeats for hit in search(make_user(Role.REVIEWER)).hits] == [1]


def test_the_library_says_so_and_shows_them_on_demand(owner: User) -> None:
    make_checkpoint()
    join(*[make_found_source(owner=owner, texts=[LAMPS]) for _ in range(2)])
    client = Client()
    assert client.login(username=owner.username, password=PASSWORD)
    previous = install_embedder(EMBEDDER)
    try:
        html = client.get("/library?q=violet+lamps").content.decode()
        assert "and 1 repeat<" in html
        assert html.count('<article class="card"') == 1
        html = client.get("/library?q=violet+lamps&repeats=true").content.decode()
        assert html.count('<article class="card"') == 2
    finally:
        install_embedder(previous)
