"""Passages are read into the graph once, whole, for their owner, and follow every change."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_card, make_checkpoint, make_user
from tests.knowledge.graphs import BABBAGE, LOVELACE, read_all
from tests.search.factories import (
    make_found_generation,
    make_found_source,
    passages_of,
    store_segments,
)
from webapp.knowledge import graph_reading
from webapp.knowledge.graph_models import (
    Entity,
    EntityAlias,
    Mention,
    PassageReading,
    Relation,
)
from webapp.knowledge.graph_operations import root_of
from webapp.knowledge.graph_reading import fill_graph, prune_graph
from webapp.search.models import Passage
from webapp.search.segments import Segment

pytestmark = pytest.mark.django_db


def said(**only: object) -> set[tuple[str, str, str]]:
    return {
        (row.subject.root.name, row.predicate, row.object.root.name)
        for row in Relation.objects.filter(**only).select_related("subject__root", "object__root")
    }


def test_every_mention_is_the_characters_it_names() -> None:
    make_found_source(owner=make_user(), texts=[LOVELACE, BABBAGE])
    assert read_all() == 2
    mentions = list(Mention.objects.select_related("passage", "alias"))
    assert len(mentions) > 6
    for mention in mentions:
        assert mention.passage.text[mention.start : mention.end] == mention.alias.text


def test_a_relation_cites_the_sentence_that_says_it() -> None:
    make_found_source(owner=make_user(), texts=[LOVELACE])
    read_all()
    assert ("Ada Lovelace", "born in", "London") in said()
    row = Relation.objects.select_related("passage").get(object__text="London")
    sentence = row.passage.text[row.start : row.end]
    assert sentence == "Ada Lovelace was born in London in 1815."


def test_a_surname_is_the_person_of_the_same_document() -> None:
    owner = make_user()
    make_found_source(owner=owner, texts=[LOVELACE, BABBAGE])
    make_found_source(owner=owner, texts=["In Paris, Babbage was unknown."])
    read_all()
    assert ("Charles Babbage", "worked at", "Cambridge") in said()
    # Another document does not say who its Babbage is.
    alone = EntityAlias.objects.get(text="Babbage", entity__key="babbage")
    assert alone.mentions.count() == 1


def test_an_acronym_is_what_it_stands_for() -> None:
    texts = ["The World Health Organization (WHO) met in Geneva.", "The WHO was founded in 1948."]
    make_found_source(owner=make_user(), texts=texts)
    read_all()
    assert ("World Health Organization", "founded in", "1948") in said()


def test_later_pieces_of_a_long_document_know_what_the_first_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graph_reading, "PIECE", 1)
    make_found_source(
        owner=make_user(), texts=[LOVELACE, BABBAGE, "Later Babbage moved to Paris."]
    )
    assert read_all() == 3
    assert ("Charles Babbage", "moved to", "Paris") in said()


def test_a_second_reading_changes_nothing() -> None:
    make_found_source(owner=make_user(), texts=[LOVELACE])
    read_all()
    before = list(Mention.objects.order_by("id").values())
    assert fill_graph().passages == 0
    assert list(Mention.objects.order_by("id").values()) == before


def test_an_outdated_reading_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    make_found_source(owner=make_user(), texts=[LOVELACE])
    read_all()
    num_mentions = Mention.objects.count()
    monkeypatch.setattr(graph_reading, "EXTRACTOR_VERSION", 2)
    assert read_all() == 1
    assert Mention.objects.count() == num_mentions
    assert PassageReading.objects.get().version == 2


def test_a_crash_before_the_end_leaves_nothing_half_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError

    make_found_source(owner=make_user(), texts=[LOVELACE])
    with monkeypatch.context() as patch:
        patch.setattr(graph_reading, "count_mentions", crash)
        with pytest.raises(RuntimeError):
            fill_graph()
    assert not Mention.objects.exists()
    assert not PassageReading.objects.exists()
    assert read_all() == 1


def test_a_changed_text_loses_what_was_read_in_it() -> None:
    source = make_found_source(owner=make_user(), texts=[LOVELACE, BABBAGE])
    read_all()
    first, second = passages_of(source)
    Passage.objects.filter(id=first.id).update(text="Grace Hopper was born in New York City.")
    assert not Mention.objects.filter(passage=first).exists()
    assert Mention.objects.filter(passage=second).exists()
    assert read_all() == 1
    assert ("Grace Hopper", "born in", "New York City") in said()


def test_a_replaced_document_takes_its_graph_with_it() -> None:
    owner = make_user()
    source = make_found_source(owner=owner, texts=[LOVELACE])
    read_all()
    text = "Grace Hopper was born in New York City."
    store_segments(source, [Segment(text, 0, len(text))])
    read_all()
    assert prune_graph() > 0
    assert not Entity.objects.filter(name="Ada Lovelace").exists()
    assert ("Grace Hopper", "born in", "New York City") in said()


def test_owners_share_no_entities() -> None:
    for owner in (make_user(), make_user()):
        make_found_source(owner=owner, texts=[LOVELACE])
    read_all()
    assert Entity.objects.filter(name="Ada Lovelace").count() == 2


def test_a_picture_brings_its_prompt_and_its_recipe() -> None:
    checkpoint = make_checkpoint(make_card(slug="toy-image", family="diffusion", modality="image"))
    made = make_found_generation(
        owner=make_user(),
        checkpoint=checkpoint,
        prompt="a red boot with blue laces",
        params={"temperature": 0.5},
        tags=("shoes",),
    )
    read_all()
    names = dict(Entity.objects.values_list("name", "kind"))
    assert names == {
        "red boot": "term",
        "blue laces": "term",
        "toy-image": "checkpoint",
        "diffusion": "family",
        "shoes": "tag",
        "Temperature 0.5": "setting",
    }
    assert ("red boot", "made with", "toy-image") in said(passage__generation=made)


def test_a_prompt_without_an_end_is_read_for_its_recipe() -> None:
    checkpoint = make_checkpoint(
        make_card(slug="toy-image", modality="image", max_prompt_length=900)
    )
    make_found_generation(
        owner=make_user(), checkpoint=checkpoint, prompt="a" * 800, tags=("!!!", "\u0301")
    )
    assert read_all() == 1
    assert set(Entity.objects.values_list("kind", flat=True)) == {"checkpoint", "family", "tag"}


def test_text_that_a_model_wrote_states_no_facts() -> None:
    make_found_generation(owner=make_user(), prompt="Once", text=LOVELACE)
    read_all()
    assert Entity.objects.filter(name="London").exists()
    assert not Relation.objects.exists()


def test_counts_and_kinds_follow_the_mentions() -> None:
    make_found_source(owner=make_user(), texts=[LOVELACE, BABBAGE])
    read_all()
    babbage = Entity.objects.get(name="Charles Babbage")
    assert (babbage.kind, babbage.num_mentions) == ("person", 3)
    assert root_of(babbage) == babbage


def test_more_passages_take_no_more_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    owner = make_user()
    for _ in range(2):
        for number in range(5):
            make_found_generation(owner=owner, prompt=f"lamp number {number}")
        with django_assert_num_queries(18):
            assert fill_graph().passages == 5
