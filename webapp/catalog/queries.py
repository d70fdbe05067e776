"""Reads of the catalogue."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from genmodels.contract import Card
from genmodels.embedding import load_embedder
from webapp.catalog.models import CONNECTED, Checkpoint
from webapp.catalog.routing import choose
from webapp.common.prepared import PreparedQuery

AUTO = "auto"


class UnableToFindCheckpoint(Exception):
    """No checkpoint has this slug."""


class UnableToUseCheckpoint(Exception):
    """The checkpoint exists but cannot generate now; the message says why."""


def list_checkpoints() -> QuerySet[Checkpoint]:
    """Every checkpoint that an admin has not switched off, by family."""
    return Checkpoint.objects.filter(enabled=True).order_by("family", "slug")


_BY_SLUG = PreparedQuery(lambda slug: list_checkpoints().filter(slug=slug), slug="the slug")


def get_checkpoint(slug: str) -> Checkpoint:
    """The checkpoint of this slug; raises UnableToFindCheckpoint."""
    found = _BY_SLUG.first(slug=slug)
    if found is None:
        raise UnableToFindCheckpoint(slug)
    return found


def checkpoint_for(slug: str, *, prompt: str, inputs: Collection[str] = ()) -> Checkpoint:
    """The usable checkpoint of this slug, or for `auto` the one that suits the prompt best.

    With `auto`, only those are asked that take files of the names `inputs` and need no others, and
    none that is connected: nobody's prompt leaves the site without having been sent there.

    Raises UnableToFindCheckpoint or UnableToUseCheckpoint.
    """
    if slug != AUTO:
        checkpoint = get_checkpoint(slug)
        if not checkpoint.usable:
            raise UnableToUseCheckpoint(checkpoint.unavailable_reason or "It is switched off.")
        return checkpoint
    own = list_checkpoints().exclude(family=CONNECTED)
    usable = [checkpoint for checkpoint in own if checkpoint.usable]
    if not usable:
        raise UnableToUseCheckpoint("No model is available.")
    fitting = [checkpoint for checkpoint in usable if _takes(checkpoint.card, inputs)]
    if not fitting:
        raise UnableToUseCheckpoint("No model that is available takes just these files.")
    cards = [checkpoint.card for checkpoint in fitting]
    return fitting[choose(prompt, cards, load_embedder())]


def _takes(card: Card, inputs: Collection[str]) -> bool:
    taken = {each.name for each in card.inputs}
    needed = {each.name for each in card.inputs if each.required}
    return needed <= set(inputs) <= taken
