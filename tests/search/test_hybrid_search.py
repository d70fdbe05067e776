"""One statement that finds by words and by meaning what its reader may see."""

from __future__ import annotations

import datetime
import math
import random
import uuid
from collections import Counter
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from tests.factories import make_card, make_checkpoint, make_user
from tests.search.factories import (
    EMBEDDER,
    make_found_generation,
    make_found_source,
    make_source,
    passages_of,
    store_segments,
)
from webapp.accounts.models import Role, User
from webapp.generations.operations import restore_generation, trash_generation
from webapp.knowledge.models import Source
from webapp.search import queries, statement
from webapp.search.analyser import analyse, document_weights, term_id
from webapp.search.models import EmbeddingSpace
from webapp.search.results import MODES, SearchFilter, SearchPage
from webapp.search.segments import Segment
from webapp.search.spaces import partition_name
from webapp.search.term_counting import refresh_term_statistics

pytestmark = pytest.mark.django_db

WORDS = (
    "river", "stone", "lamp", "garden", "winter", "copper",
    "engine", "violet", "harbour", "signal", "meadow", "thread",
)  # fmt: skip


@pytest.fixture
def author() -> User:
    return make_user()


def search(user: User, query: str, **options: object) -> SearchPage:
    wish: dict[str, Any] = {"embedder": EMBEDDER, **options}
    return queries.hybrid_search(user=user, query=query, **wish)


def texts(page: SearchPage) -> list[str]:
    return [hit.text for hit in page.hits]


def plain_bm25(documents: list[str], query: str) -> list[float]:
    """BM25 as the textbook has it, over the whole list."""
    weights = [document_weights(analyse(document)) for document in documents]
    frequency = Counter(term for row in weights for term in row)
    total = len(documents)
    scores = []
    for row in weights:
        score = 0.0
        for term, repeats in Counter(analyse(query)).items():
            df = frequency[term_id(term)]
            idf = math.log(1 + (total - df + 0.5) / (df + 0.5))
            score += repeats * idf * row.get(term_id(term), 0.0)
        scores.append(score)
    return scores


def random_texts(count: int) -> list[str]:
    draw = random.Random(7)
    return [
        " ".join(draw.choices(WORDS, weights=range(1, 13), k=draw.randint(3, 40)))
        for _ in range(count)
    ]


def test_the_first_thing_made_is_found_at_once(author: User) -> None:
    made = make_found_generation(owner=author, prompt="A ship in a bottle")
    page = search(author, "ships")
    assert [hit.generation_id for hit in page.hits] == [made.id]
    assert page.hits[0].keyword > 0


def test_keyword_scores_and_order_are_those_of_plain_bm25(author: User) -> None:
    documents = random_texts(60)
    make_found_source(owner=author, texts=documents)
    for query in ("winter river", "copper copper lamp", "meadow"):
        page = search(author, query, mode="keyword", limit=100, per_origin=100)
        expected = plain_bm25(documents, query)
        found = {hit.ordinal: hit.keyword for hit in page.hits}
        assert set(found) == {number for number, score in enumerate(expected) if score > 0}
        for ordinal, score in found.items():
            assert score == pytest.approx(expected[ordinal], rel=1e-4)
        scores = [hit.keyword for hit in page.hits]
        assert scores == sorted(scores, reverse=True)


def test_background_counts_give_the_same_scores_as_live_ones(author: User) -> None:
    make_found_source(owner=author, texts=random_texts(60))
    live = search(author, "winter river", mode="keyword", per_origin=100, limit=100)
    refresh_term_statistics()
    background = search(author, "winter river", mode="keyword", per_origin=100, limit=100)
    expected = {hit.passage_id: hit.keyword for hit in live.hits}
    assert background.hits
    for hit in background.hits:
        assert hit.keyword == pytest.approx(expected[hit.passage_id], rel=1e-5)


def test_vector_order_is_that_of_the_cosine(author: User) -> None:
    documents = random_texts(40)
    make_found_source(owner=author, texts=documents)
    page = search(author, "winter river lamp", mode="vector", limit=10, per_origin=100)
    similarities = EMBEDDER.embed(documents) @ EMBEDDER.embed(["winter river lamp"])[0]
    expected = sorted(similarities, reverse=True)[:10]
    np.testing.assert_allclose([hit.similarity for hit in page.hits], expected, atol=2e-3)


def graph_scans() -> int:
    """How often this transaction has searched the graph index."""
    index = f"{partition_name(EmbeddingSpace.objects.get(name=EMBEDDER.name))}_graph"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_numscans(%s::regclass)", [index])
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def test_a_large_scope_goes_through_the_graph_and_finds_the_same(
    author: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_found_source(
        owner=author, texts=[f"{text} {n}" for n, text in enumerate(random_texts(80))]
    )
    stranger = make_user()
    make_found_source(owner=stranger, texts=[f"{text} other" for text in random_texts(80)])
    exact = search(author, "winter river lamp", mode="vector", limit=5, per_origin=100)
    beyond_ten = statement._CORPUS.replace(f"greatest({statement.MIN_EXACT_SCOPE}", "least(10")
    assert beyond_ten != statement._CORPUS
    monkeypatch.setattr(statement, "_CORPUS", beyond_ten)
    with connection.cursor() as cursor:
        # So few rows would be sorted; the plan is that of many.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    assert graph_scans() == 0
    graph = search(author, "winter river lamp", mode="vector", limit=5, per_origin=100)
    assert graph_scans() == 1
    assert [hit.passage_id for hit in graph.hits] == [hit.passage_id for hit in exact.hits]


def test_a_hybrid_score_is_the_weighted_sum_of_its_parts(author: User) -> None:
    make_found_source(owner=author, texts=random_texts(30))
    page = search(author, "violet harbour", per_origin=100, limit=50)
    assert page.hits
    for hit in page.hits:
        assert hit.score == pytest.approx(0.5 * hit.keyword_share + 0.5 * hit.similarity_share)
        assert 0 <= hit.keyword_share <= 1
        assert 0 <= hit.similarity_share <= 1 + 1e-9
    assert max(hit.keyword_share for hit in page.hits) == 1
    assert [hit.score for hit in page.hits] == sorted((h.score for h in page.hits), reverse=True)


def test_an_owner_sees_own_rows_and_a_reviewer_all(author: User) -> None:
    stranger, reviewer = make_user(), make_user(Role.REVIEWER)
    make_found_generation(owner=author, prompt="secret harbour")
    make_found_source(owner=author, texts=["the secret harbour lamp"])
    for mode in MODES:
        assert len(search(author, "secret harbour", mode=mode).hits) == 2
        assert len(search(reviewer, "secret harbour", mode=mode).hits) == 2
        assert search(stranger, "secret harbour", mode=mode).hits == ()


def test_what_is_in_the_trash_is_not_found_until_restored(author: User) -> None:
    made = make_found_generation(owner=author, prompt="copper engine")
    source = make_found_source(owner=author, texts=["copper engine manual"])
    trash_generation(generation=made)
    Source.objects.filter(id=source.id).update(trashed_at=timezone.now())
    assert search(author, "copper engine").hits == ()
    restore_generation(generation=made)
    assert [hit.generation_id for hit in search(author, "copper engine").hits] == [made.id]


def test_filters_narrow_what_is_ranked_not_what_was_ranked(author: User) -> None:
    text_model = make_checkpoint()
    image_model = make_checkpoint(make_card(slug="pictures", family="gan", modality="image"))
    # More matches outside of the filter than any pool holds: filtering afterwards would find none.
    make_found_source(owner=author, texts=["violet lamp"] * 450)
    picture = make_found_generation(
        owner=author, checkpoint=image_model, prompt="violet lamp study", tags=("keep",)
    )
    words = make_found_generation(owner=author, checkpoint=text_model, prompt="violet lamp ode")

    def found(**only: object) -> set[uuid.UUID | None]:
        page = search(author, "violet lamp", only=SearchFilter(**only))  # type: ignore[arg-type]
        return {hit.generation_id for hit in page.hits}

    assert found(kinds=("image",)) == {picture.id}
    assert found(families=("transformer",)) == {words.id}
    assert found(models=("pictures",)) == {picture.id}
    assert found(tags=("keep",)) == {picture.id}
    assert found(generations_only=True) == {picture.id, words.id}
    assert found(kinds=("document",)) == {None}
    assert found(owner=author.pk, kinds=("text",)) == {words.id}
    soon = timezone.now() + datetime.timedelta(hours=1)
    assert found(created_from=soon) == set()
    assert found(created_to=soon, kinds=("text",)) == {words.id}


def test_source_ids_restrict_to_these_documents(author: User) -> None:
    one = make_found_source(owner=author, texts=["meadow thread"])
    make_found_source(owner=author, texts=["meadow thread again"])
    page = search(author, "meadow", only=SearchFilter(source_ids=(one.id,)))
    assert [hit.source_id for hit in page.hits] == [one.id]


def test_one_document_takes_one_place_unless_more_are_asked_for(author: User) -> None:
    make_found_source(owner=author, texts=["winter garden", "garden in winter", "winter"])
    assert len(search(author, "winter garden").hits) == 1
    assert len(search(author, "winter garden", per_origin=2).hits) == 2


def test_pages_follow_each_other_without_gap_or_repeat(author: User) -> None:
    for number in range(7):
        make_found_generation(owner=author, prompt=f"harbour {'lamp ' * number}")
    whole = [hit.passage_id for hit in search(author, "harbour lamp", limit=7).hits]
    parts = [
        hit.passage_id
        for offset in (0, 3, 6)
        for hit in search(author, "harbour lamp", limit=3, offset=offset).hits
    ]
    assert len(whole) == 7
    assert parts == whole
    assert search(author, "harbour", limit=10, offset=5_000).hits == ()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "\x00",
        "!!! ???",
        "the of and",
        "'; DROP TABLE search_passage; --",
        '"lamp" OR',
        "%s %(x)s",
        "lamp " * 20_000,
        "😀",
        "مصباح",
        "灯",
        "\ud800",
        "a" * 50_000,
    ],
)
def test_any_query_is_answered(author: User, query: str) -> None:
    make_found_generation(owner=author, prompt="lamp 😀")
    for mode in MODES:
        search(author, query, mode=mode)


@pytest.mark.parametrize(
    ("prompt", "query"),
    [
        ("Ein Café in Zürich", "cafe zurich"),
        ("東京の夜景", "夜景"),
        ("مِصْبَاح قديم", "مصباح"),
        ("a smiling 😀 face", "😀"),
        ("the artist's studios", "artist studio"),
        ("हिन्दी कविता", "कविता"),
    ],
)
def test_words_are_found_in_every_script(author: User, prompt: str, query: str) -> None:
    make_found_generation(owner=author, prompt="something else entirely")
    made = make_found_generation(owner=author, prompt=prompt)
    page = search(author, query, mode="keyword")
    assert [hit.generation_id for hit in page.hits] == [made.id]


def test_a_query_with_nothing_to_search_for_finds_nothing(author: User) -> None:
    make_found_generation(owner=author, prompt="lamp")
    assert search(author, "  \x00 ").hits == ()
    assert search(author, "the of", mode="keyword").hits == ()


def test_a_search_takes_few_queries_however_much_it_finds(
    author: User, django_assert_num_queries: object
) -> None:
    for number in range(3):
        make_found_generation(owner=author, prompt=f"signal {number}")
    assert author.sees_everything is False  # roles are read once per user
    with django_assert_num_queries(6):  # type: ignore[operator]
        search(author, "signal")
    make_found_source(owner=author, texts=["signal"] * 50)
    with django_assert_num_queries(6):  # type: ignore[operator]
        search(author, "signal", limit=100, per_origin=100)


def test_similar_leaves_out_the_thing_itself(author: User) -> None:
    made = make_found_generation(owner=author, prompt="a violet lamp in winter")
    near = make_found_generation(owner=author, prompt="a violet lamp in summer")
    make_found_generation(owner=make_user(), prompt="a violet lamp in winter")
    page = queries.similar_to(user=author, generation=made, embedder=EMBEDDER)
    assert [hit.generation_id for hit in page.hits][:1] == [near.id]
    assert made.id not in {hit.generation_id for hit in page.hits}


def test_similar_works_for_a_passage_too(author: User) -> None:
    source = make_found_source(owner=author, texts=["copper engine", "copper engines here"])
    first, second = passages_of(source)
    page = queries.similar_to(user=author, passage=first, embedder=EMBEDDER)
    assert [hit.passage_id for hit in page.hits] == [second.id]


def test_common_terms_are_looked_up_where_they_weigh_much(
    author: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the budget a term brings up only the passages that it says much in."""
    often = ["lamp lamp lamp lamp", "lamp lamp lamp"]
    others = " ".join(set(WORDS) - {"lamp"})
    once = [f"lamp among {others} {number}" for number in range(40)]
    make_found_source(owner=author, texts=[*often, *once])
    refresh_term_statistics()
    narrow = statement._RARITY.replace(
        f"running <= {statement.LOOKUP_BUDGET}", "running <= 5"
    ).replace(f"<= {statement._LOOKUP_CAP}", "<= 5")
    assert narrow.count("<= 5") == 2
    beyond = statement._CORPUS.replace(f"greatest({statement.MIN_EXACT_SCOPE}", "least(1")
    monkeypatch.setattr(statement, "_CORPUS", beyond)
    whole = search(author, "lamp", mode="keyword", per_origin=100, limit=50)
    assert whole.total == 42
    monkeypatch.setattr(statement, "_RARITY", narrow)
    page = search(author, "lamp", mode="keyword", per_origin=100, limit=50)
    assert [hit.ordinal for hit in page.hits] == [0, 1]
    assert [hit.keyword for hit in page.hits] == [hit.keyword for hit in whole.hits[:2]]


def test_headings_weigh_more_than_sentences(author: User) -> None:
    source = make_source(owner=author)
    segments = [
        Segment("violet and the rest of it", 0, 25),
        Segment("harbour and the rest of it", 25, 51, heading="violet"),
    ]
    store_segments(source, segments)
    page = search(author, "violet", mode="keyword", per_origin=10)
    assert [hit.ordinal for hit in page.hits] == [1, 0]


def test_the_first_hits_draw_their_like_upwards(author: User) -> None:
    """What shares much with the question's best hits comes before what does not."""
    make_found_source(
        owner=author,
        texts=[
            "copper engine signal thread meadow",
            "copper engine signal thread garden",
            "signal thread meadow garden winter",
            "river stone lamp violet copper",
        ],
    )
    page = search(author, "copper engine", per_origin=10)
    shares = {hit.ordinal: hit.similarity_share for hit in page.hits}
    raw = {hit.ordinal: hit.similarity for hit in page.hits}
    assert 2 not in shares or shares[2] > 0
    assert max(raw, key=raw.__getitem__) in {0, 1}
    assert shares[0] >= shares[3]


def test_a_passage_stored_for_something_trashed_is_not_found(author: User) -> None:
    source = make_found_source(owner=author, texts=["copper engine"])
    Source.objects.filter(id=source.id).update(trashed_at=timezone.now())
    store_segments(source, [Segment("copper engine anew", 0, 18)])
    assert search(author, "copper").hits == ()
    Source.objects.filter(id=source.id).update(trashed_at=None)
    assert texts(search(author, "copper")) == ["copper engine anew"]


def test_a_long_document_does_not_hide_the_others(author: User) -> None:
    """When the best candidates are all of one document, more are looked at."""
    make_found_source(owner=author, texts=["violet lamp"] * 120)
    others = [
        make_found_source(owner=author, texts=[f"violet {'garden ' * 20}{number}"])
        for number in range(5)
    ]
    page = search(author, "violet lamp", mode="keyword", limit=6)
    assert len(page.hits) == 6
    assert {hit.source_id for hit in page.hits[1:]} == {source.id for source in others}
