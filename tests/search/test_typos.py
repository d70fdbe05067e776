"""Misspelt words: searched for as what they may mean, said so, and never beyond what one sees."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from genmodels.embedding import HashingEmbedder, install_embedder
from tests.factories import make_user
from tests.search.factories import EMBEDDER, make_found_source
from webapp.accounts.models import Role, User
from webapp.search.models import ReadPassage, Word
from webapp.search.queries import hybrid_search
from webapp.search.results import SearchPage
from webapp.search.spelling import distance, doubtful_words, keys_of_query, keys_of_word
from webapp.search.word_operations import forget_lost_words, keep_words, read_again


@pytest.fixture
def owner() -> User:
    return make_user()


def search(user: User, query: str, *, mode: str = "keyword") -> SearchPage:
    return hybrid_search(
        user=user,
        query=query,
        mode=mode,  # type: ignore[arg-type] # given by name
        tolerates_typos=True,
        embedder=EMBEDDER,
    )


@pytest.mark.parametrize(
    ("one", "other", "faults"),
    [
        ("lamp", "lamp", 0),
        ("lmap", "lamp", 1),
        ("lam", "lamp", 1),
        ("trasnfromer", "transformer", 2),
        ("ca", "abc", 3),
        ("krankenhuas", "krankenhaus", 1),
    ],
)
def test_a_distance_counts_letters_and_swaps(one: str, other: str, faults: int) -> None:
    assert distance(one, other, most=5) == distance(other, one, most=5) == faults
    if faults:
        assert distance(one, other, most=faults - 1) == faults


@pytest.mark.parametrize("word", ["lamp", "harbour", "transformer", "internationalisation"])
def test_every_word_with_one_fault_shares_a_key(word: str) -> None:
    kept = set(keys_of_word(word))
    for place in range(len(word)):
        before, after = word[:place], word[place + 1 :]
        swapped = before + after[:1] + word[place] + after[1:]
        for wrong in (before + after, before + "q" + word[place:], before + "q" + after, swapped):
            assert kept & set(keys_of_query(wrong)), wrong


def test_code_numbers_names_and_other_scripts_are_left_alone() -> None:
    query = "lamp get_lamps getLamps gpt2 NASA lm the lamps/new 東京都庁 “Harbour”, (stone)"
    assert set(doubtful_words(query)) == {"lamp", "harbour", "stone"}


@pytest.mark.django_db
@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
def test_a_misspelt_word_finds_what_was_meant(owner: User, mode: str) -> None:
    source = make_found_source(owner=owner, texts=["Das Krankenhaus liegt am Hafen"])
    keep_words()
    page = search(owner, "Krankenhuas", mode=mode)
    assert page.also_searched == {"krankenhuas": ("krankenhaus",)}
    assert [hit.source_id for hit in page.hits] == [source.id]
    assert search(owner, "krankenhaus", mode=mode).also_searched == {}


@pytest.mark.django_db
def test_a_search_whose_words_are_all_known_is_one_statement_with_the_same_hits(
    owner: User,
) -> None:
    make_found_source(owner=owner, texts=["violet lamps", "a stone in the harbour"])
    keep_words()
    search(owner, "harbour")  # The first search of a process looks for more than later ones.
    with CaptureQueriesContext(connection) as exactly:
        exact = hybrid_search(user=owner, query="harbour stone", mode="keyword", embedder=EMBEDDER)
    with CaptureQueriesContext(connection) as tolerantly:
        tolerant = search(owner, "harbour stone")
    assert tolerant.hits == exact.hits
    assert len(tolerantly) == len(exactly)


@pytest.mark.django_db
def test_words_of_others_are_neither_suggested_nor_taken_for_known(owner: User) -> None:
    other = make_user()
    make_found_source(owner=other, texts=["a transformer and a trasnformer"])
    keep_words()
    make_found_source(owner=owner, texts=["violet lamps"])
    assert search(owner, "transformr").also_searched == {}
    make_found_source(owner=owner, texts=["the transformer hums"])
    keep_words()
    assert search(owner, "trasnformer").also_searched == {"trasnformer": ("transformer",)}
    assert search(make_user(Role.REVIEWER), "trasnformer").also_searched == {}


@pytest.mark.django_db
def test_a_misspelt_stop_word_means_nothing(owner: User) -> None:
    make_found_source(owner=owner, texts=["a whihk in the harbour"])
    keep_words()
    assert search(owner, "whihc harbour").also_searched == {}


@pytest.mark.django_db
def test_a_word_that_was_not_read_yet_counts_as_known(owner: User) -> None:
    make_found_source(owner=owner, texts=["the harbour"])
    keep_words()
    make_found_source(owner=owner, texts=["an arbour"])
    assert search(owner, "arbour").also_searched == {}


@pytest.mark.django_db
def test_a_word_that_is_gone_is_not_suggested_and_soon_forgotten(owner: User) -> None:
    source = make_found_source(owner=owner, texts=["violet lamps"])
    make_found_source(owner=owner, texts=["the harbour"])
    assert (keep_words(), keep_words()) == (2, 0)
    source.passages.all().delete()
    assert search(owner, "voilet").also_searched == {}
    assert (forget_lost_words(), forget_lost_words()) == (2, 0)
    assert set(Word.objects.values_list("word", flat=True)) == {"harbour"}
    assert ReadPassage.objects.count() == 1


@pytest.mark.django_db
def test_a_passage_that_was_changed_is_read_again(owner: User) -> None:
    passage = make_found_source(owner=owner, texts=["violet lamps"]).passages.get()
    keep_words()
    passage.heading = "Lighthouses"
    passage.save()
    read_again(passage_ids=[passage.id])
    assert keep_words() == 1
    assert Word.objects.filter(word="lighthouses").exists()


@pytest.mark.django_db
def test_the_interface_says_so_and_searches_as_typed_on_demand(owner: User) -> None:
    make_found_source(owner=owner, texts=["violet lamps"])
    keep_words()
    client = APIClient()
    client.force_authenticate(owner)
    previous = install_embedder(EMBEDDER)
    try:
        wish = {"q": "voilet", "mode": "keyword"}
        tolerant = client.get("/api/v1/search", wish).json()
        assert tolerant["also_searched"] == {"voilet": ["violet"]}
        exact = client.get("/api/v1/search", {**wish, "exact": "true"}).json()
        assert (exact["also_searched"], exact["data"]) == ({}, [])
    finally:
        install_embedder(previous)


@pytest.mark.django_db
def test_near_words_come_through_the_index(owner: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT word FROM search_word WHERE keys && %s::int[]", [keys_of_query("lamp")]
        )
        assert "word_keys" in str(cursor.fetchall())


class ReaderOfWinter(HashingEmbedder):
    """Has one word in its vocabulary."""

    def knows_word(self, word: str) -> bool:
        return word == "winter"


@pytest.mark.django_db
def test_a_word_that_the_embedder_knows_is_absent_and_not_misspelt(owner: User) -> None:
    make_found_source(owner=owner, texts=["The winner of the day", "A woolen pullover"])
    keep_words()
    embedder = ReaderOfWinter(EMBEDDER.dims)
    page = hybrid_search(
        user=owner, query="woollen winter", tolerates_typos=True, embedder=embedder
    )
    assert page.also_searched == {"woollen": ("woolen",)}
    assert search(owner, "woollen winter").also_searched.keys() == {"woollen", "winter"}
