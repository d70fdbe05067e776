"""Joining and splitting by hand: shown at once, undone whole, kept by later readings."""

from __future__ import annotations

import pytest

from tests.factories import make_user
from tests.knowledge.graphs import entity, make_graph, read_all
from webapp.knowledge import graph_reading
from webapp.knowledge.graph_models import Entity, EntityAlias
from webapp.knowledge.graph_operations import (
    UnableToJoin,
    UnableToSplit,
    join_entities,
    part_entity,
    return_alias,
    split_alias,
)
from webapp.knowledge.graph_queries import get_entity, list_relations

pytestmark = pytest.mark.django_db


def num_mentions(name: str) -> int:
    return Entity.objects.get(name=name).num_mentions


def spelling(text: str) -> EntityAlias:
    return EntityAlias.objects.select_related("entity").get(text=text)


def test_what_is_joined_is_shown_as_one_and_comes_apart_again() -> None:
    owner = make_user()
    make_graph(owner)
    lovelace, babbage = entity("Ada Lovelace"), entity("Charles Babbage")
    shown = join_entities(entity=babbage, other=lovelace)
    assert shown.id == babbage.id
    assert shown.num_mentions == 4
    assert "born in" in {row.predicate for row in list_relations(entity=babbage, limit=20)}
    assert get_entity(user=owner, entity_id=lovelace.id).num_mentions == 4
    part_entity(entity=lovelace)
    assert (num_mentions("Charles Babbage"), num_mentions("Ada Lovelace")) == (3, 1)
    assert "born in" not in {row.predicate for row in list_relations(entity=babbage, limit=20)}


def test_joining_twice_changes_nothing() -> None:
    make_graph(make_user())
    lovelace, babbage = entity("Ada Lovelace"), entity("Charles Babbage")
    for _ in range(2):
        assert join_entities(entity=babbage, other=lovelace).num_mentions == 4
    # Nor does the other way round, which would go in a circle.
    lovelace.refresh_from_db()
    assert join_entities(entity=lovelace, other=babbage).id == babbage.id


def test_a_chain_of_joins_ends_at_its_top_and_breaks_where_it_is_parted() -> None:
    make_graph(make_user())
    london, cambridge = entity("London"), entity("Cambridge")
    lovelace = entity("Ada Lovelace")
    join_entities(entity=cambridge, other=london)
    join_entities(entity=lovelace, other=cambridge)
    assert num_mentions("Ada Lovelace") == 3
    assert spelling("London").root_id == lovelace.id
    cambridge.refresh_from_db()
    part_entity(entity=cambridge)
    assert spelling("London").root_id == cambridge.id
    assert (num_mentions("Ada Lovelace"), num_mentions("Cambridge")) == (1, 2)


def test_what_cannot_be_one_is_refused() -> None:
    make_graph(make_user())
    make_graph(make_user())
    mine, theirs = Entity.objects.filter(name="Ada Lovelace")
    with pytest.raises(UnableToJoin, match="different people"):
        join_entities(entity=mine, other=theirs)
    with pytest.raises(UnableToJoin, match="another"):
        join_entities(entity=mine, other=mine)
    with pytest.raises(UnableToSplit):
        part_entity(entity=mine)


def test_a_spelling_is_taken_out_and_put_back() -> None:
    make_graph(make_user())
    own = split_alias(alias=spelling("Babbage"))
    assert (own.name, num_mentions("Babbage"), num_mentions("Charles Babbage")) == (
        "Babbage",
        1,
        2,
    )
    with pytest.raises(UnableToSplit, match="already"):
        split_alias(alias=spelling("Babbage"))
    shown = return_alias(alias=spelling("Babbage"))
    assert (shown.name, num_mentions("Charles Babbage")) == ("Charles Babbage", 3)
    with pytest.raises(UnableToSplit):
        return_alias(alias=spelling("Babbage"))


def test_the_name_of_an_entity_stays_with_it() -> None:
    make_graph(make_user())
    with pytest.raises(UnableToSplit, match="own name"):
        split_alias(alias=spelling("Charles Babbage"))


def test_a_later_reading_keeps_what_the_owner_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    make_graph(make_user())
    split_alias(alias=spelling("Babbage"))
    join_entities(entity=entity("London"), other=entity("Cambridge"))
    monkeypatch.setattr(graph_reading, "EXTRACTOR_VERSION", 2)
    assert read_all() == 2
    graph_reading.prune_graph()
    assert num_mentions("Babbage") == 1
    assert num_mentions("London") == 2
