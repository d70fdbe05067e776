"""What is read of the graph: only what may be seen, with a place to check it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_card, make_checkpoint, make_user
from tests.knowledge.graphs import BABBAGE, LOVELACE, entity, make_graph, read_all
from tests.search.factories import make_found_generation
from webapp.accounts.models import Role
from webapp.generations.operations import trash_generation
from webapp.knowledge.graph_drawing import HEIGHT, MAX_SHOWN, WIDTH, draw
from webapp.knowledge.graph_neighbours import get_neighbourhood
from webapp.knowledge.graph_queries import (
    UnableToFindEntity,
    count_kinds,
    get_entity,
    list_entities,
    list_likely_same,
    list_mentions,
    list_relations,
    passages_of_entities,
)
from webapp.knowledge.operations import restore_source, trash_source
from webapp.search.models import Passage

pytestmark = pytest.mark.django_db


def names(**wish: object) -> list[str]:
    return [row.entity.name for row in list_entities(**wish).rows]  # type: ignore[arg-type] # of a test


def test_the_most_mentioned_comes_first_and_pages_follow() -> None:
    owner = make_user()
    make_graph(owner)
    everything = names(user=owner)
    assert everything[0] == "Charles Babbage"
    assert names(user=owner, limit=2) + names(user=owner, offset=2) == everything
    assert list_entities(user=owner, limit=2).has_more


@pytest.mark.parametrize("text", ["babb", "BABBAGE", "  Bábbage "])
def test_names_are_found_by_a_part_in_any_spelling(text: str) -> None:
    owner = make_user()
    make_graph(owner)
    assert names(user=owner, text=text) == ["Charles Babbage"]


def test_a_percent_sign_is_no_wildcard() -> None:
    owner = make_user()
    make_graph(owner)
    assert names(user=owner, text="%") == []


def test_strangers_see_nothing_and_reviewers_all() -> None:
    owner, stranger, reviewer = make_user(), make_user(), make_user(Role.REVIEWER)
    make_graph(owner)
    assert names(user=stranger) == []
    assert count_kinds(user=stranger) == {}
    assert "Ada Lovelace" in names(user=reviewer)
    with pytest.raises(UnableToFindEntity):
        get_entity(user=stranger, entity_id=entity("Ada Lovelace").id)
    assert passages_of_entities(user=stranger, question="Ada Lovelace") == []


def test_the_trash_takes_a_document_out_of_the_graph_and_back() -> None:
    owner = make_user()
    source = make_graph(owner)
    lovelace = entity("Ada Lovelace")
    trash_source(source=source)
    assert names(user=owner) == []
    assert list_relations(entity=lovelace, limit=9) == []
    assert get_neighbourhood(entity=lovelace).edges == ()
    with pytest.raises(UnableToFindEntity):
        get_entity(user=owner, entity_id=lovelace.id)
    source.refresh_from_db()
    restore_source(source=source)
    assert "Ada Lovelace" in names(user=owner)


def test_every_relation_and_mention_can_be_checked_in_its_passage() -> None:
    owner = make_user()
    make_graph(owner)
    babbage = entity("Charles Babbage")
    relations = list_relations(entity=babbage, limit=20)
    assert {row.predicate for row in relations} == {"designed", "worked at"}
    for row in relations:
        text = Passage.objects.get(id=row.citation.passage_id).text
        assert text[row.citation.start : row.citation.end] == row.sentence
    for mention in list_mentions(entity=babbage, limit=20):
        named = mention.text[mention.citation.start : mention.citation.end]
        assert named in {"Charles Babbage", "Babbage"}


def test_what_is_said_again_comes_once_with_a_count() -> None:
    owner = make_user()
    make_graph(owner, [LOVELACE, f"{LOVELACE} Again."])
    lovelace = entity("Ada Lovelace")
    assert len(list_relations(entity=lovelace, limit=20)) == 4
    once = list_relations(entity=lovelace, limit=20, each_time=False)
    assert {(row.object.name, row.num_times) for row in once} == {("1815", 2), ("London", 2)}
    assert len(once) == 2


def test_neighbours_are_said_first_and_every_edge_cites_a_passage() -> None:
    make_graph(make_user())
    around = get_neighbourhood(entity=entity("Ada Lovelace"))
    assert [node.distance for node in around.nodes] == [0, 1, 1, 1]
    assert {node.entity.name for node in around.nodes[1:3]} == {"London", "1815"}
    assert around.nodes[-1].entity.name == "Charles Babbage"
    assert {edge.citation.passage_id for edge in around.edges} <= set(
        Passage.objects.values_list("id", flat=True)
    )


def test_a_second_step_reaches_further() -> None:
    make_graph(make_user())
    lovelace = entity("Ada Lovelace")
    near = {node.entity.name for node in get_neighbourhood(entity=lovelace).nodes}
    far = get_neighbourhood(entity=lovelace, depth=2).nodes
    assert {node.entity.name for node in far if node.distance == 2} == {
        "analytical engine",
        "Cambridge",
    }
    assert "Cambridge" not in near
    assert len(get_neighbourhood(entity=lovelace, depth=3, limit=2).nodes) == 3


def test_a_drawing_stays_within_its_frame() -> None:
    owner = make_user()
    cities = [
        "Rome",
        "Paris",
        "Berlin",
        "Madrid",
        "Lisbon",
        "Vienna",
        "Prague",
        "Warsaw",
        "Athens",
        "Dublin",
        "Oslo",
        "London",
    ]
    make_graph(owner, [f"She saw {one} and {other}." for one, other in pairwise(cities)])
    make_graph(owner, [f"They praised {', '.join(cities)} equally."])
    drawing = draw(get_neighbourhood(entity=entity("Rome"), limit=MAX_SHOWN))
    assert len(drawing.nodes) == MAX_SHOWN + 1
    for node in drawing.nodes:
        assert 40 <= node.x <= WIDTH - 40
        assert 10 <= node.y <= min(line.y for line in node.label)
        assert max(line.y for line in node.label) <= HEIGHT
    assert len({(node.x, node.y) for node in drawing.nodes}) == MAX_SHOWN + 1


def test_a_question_finds_the_passages_that_name_what_it_names() -> None:
    owner = make_user()
    make_graph(owner)
    passages = {row.text: row.id for row in Passage.objects.all()}
    found = passages_of_entities(
        user=owner, question="Where did Charles Babbage teach, at Cambridge?"
    )
    assert [passage_id for passage_id, _ in found] == [passages[BABBAGE], passages[LOVELACE]]
    assert found[0][1] > found[1][1] > 0
    assert passages_of_entities(user=owner, question="who is it?") == []


def test_likely_doubles_are_proposed() -> None:
    owner = make_user()
    make_graph(owner)
    make_graph(owner, ["In Paris, Babbage was unknown."])
    proposed = list_likely_same(entity=entity("Charles Babbage"))
    assert [row.name for row in proposed] == ["Babbage"]


def test_a_trashed_picture_leaves_the_graph() -> None:
    owner = make_user()
    checkpoint = make_checkpoint(make_card(slug="toy-image", modality="image"))
    made = make_found_generation(owner=owner, checkpoint=checkpoint, prompt="a red boot")
    read_all()
    assert set(names(user=owner)) == {"red boot", "toy-image", "transformer"}
    trash_generation(generation=made)
    assert names(user=owner) == []


def test_a_list_takes_three_queries_however_long(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    owner = make_user()
    make_graph(owner)
    with django_assert_num_queries(4):
        # The fourth asks for the roles of the user.
        assert len(names(user=owner)) > 5
