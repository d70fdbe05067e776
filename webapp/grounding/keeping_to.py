"""What a question may keep to, as the forms of Ask and of a new chat offer it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from webapp.accounts.models import User
from webapp.collections.queries import find_collections, offered_collections
from webapp.knowledge.queries import find_sources, offered_sources


@dataclass(frozen=True)
class Offer:
    """A collection or a document to keep to: the form's `field`, its `value`, and its name."""

    field: str
    value: str
    words: str


@dataclass(frozen=True)
class Offers:
    """What is `chosen` already, and what else there is to choose."""

    chosen: tuple[Offer, ...]
    collections: tuple[Offer, ...]
    documents: tuple[Offer, ...]


def offer_knowledge(
    *, user: User, collections: Sequence[str] = (), sources: Sequence[str] = ()
) -> Offers:
    """The user's own collections and the newest documents, with these ids chosen among them.

    What is chosen and not the user's to see, or no id at all, is left out.
    """
    chosen_collections = find_collections(user=user, collection_ids=_ids(collections))
    chosen_sources = find_sources(user=user, source_ids=_ids(sources))
    chosen = (
        *(Offer("collection", str(row.id), row.name) for row in chosen_collections),
        *(Offer("source", str(row.id), row.title) for row in chosen_sources),
    )
    taken = {offer.value for offer in chosen}
    others = [
        *(Offer("collection", str(row.id), row.name) for row in offered_collections(user=user)),
        *(Offer("source", str(row.id), row.title) for row in offered_sources(user=user)),
    ]
    left = [offer for offer in others if offer.value not in taken]
    return Offers(
        chosen=chosen,
        collections=tuple(offer for offer in left if offer.field == "collection"),
        documents=tuple(offer for offer in left if offer.field == "source"),
    )


def _ids(values: Sequence[str]) -> list[uuid.UUID]:
    found = []
    for value in values:
        try:
            found.append(uuid.UUID(value))
        except ValueError:
            continue
    return found
