"""Documents that were read into the graph."""

from __future__ import annotations

from collections.abc import Sequence

from tests.search.factories import make_found_source
from webapp.accounts.models import User
from webapp.knowledge.graph_models import Entity
from webapp.knowledge.graph_operations import root_of
from webapp.knowledge.graph_reading import fill_graph
from webapp.knowledge.models import Source

LOVELACE = "Ada Lovelace was born in London in 1815. She admired the engines of Charles Babbage."
BABBAGE = "The analytical engine was designed by Charles Babbage. Babbage taught at Cambridge."


def make_graph(owner: User, texts: Sequence[str] = (LOVELACE, BABBAGE)) -> Source:
    """A document of these texts, read into its owner's graph."""
    source = make_found_source(owner=owner, texts=texts)
    read_all()
    return source


def read_all() -> int:
    """Read whatever is unread; returns the number of passages."""
    passages = 0
    while (piece := fill_graph()).passages:
        passages += piece.passages
    return passages


def entity(name: str) -> Entity:
    """What an entity is shown as, by the name that reading gave it."""
    return root_of(Entity.objects.get(name=name))
