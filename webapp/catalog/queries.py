"""Reads of the catalogue."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from genmodels.contract import Card, InvalidRequest, resolve_request
from genmodels.embedding import load_embedder
from webapp.catalog.models import CONNECTED, Checkpoint, CheckpointVersion
from webapp.catalog.routing import choose
from webapp.common.prepared import PreparedQuery
from webapp.common.refusals import Refusal, UnableToFind

AUTO = "auto"


class UnableToFindCheckpoint(UnableToFind):
    """No checkpoint has this slug."""

    what = "model"


class UnableToUseCheckpoint(Refusal):
    """The checkpoint exists but cannot generate now; the message says why."""

    code = "model_unavailable"


def list_checkpoints() -> QuerySet[Checkpoint]:
    """Every checkpoint that an admin has not switched off, by family."""
    return Checkpoint.objects.filter(enabled=True).order_by("family", "slug")


def list_all_checkpoints() -> QuerySet[Checkpoint]:
    """Those that are switched off as well, for who may switch them on."""
    return Checkpoint.objects.order_by("family", "slug")


_BY_SLUG = PreparedQuery(lambda slug: list_all_checkpoints().filter(slug=slug), slug="the slug")


def get_checkpoint(slug: str) -> Checkpoint:
    """The checkpoint of this slug, switched off or not: what it made stays with it.

    Raises UnableToFindCheckpoint.
    """
    found = _BY_SLUG.first(slug=slug)
    if found is None:
        raise UnableToFindCheckpoint(slug)
    return found


def list_versions(*, checkpoint: Checkpoint) -> QuerySet[CheckpointVersion]:
    """The weights that a slug has stood for, those that came last first."""
    return checkpoint.versions.order_by("-id")


def checkpoint_for(
    slug: str, *, prompt: str, inputs: Collection[str] = (), task: str = ""
) -> Checkpoint:
    """The usable checkpoint of this slug, or for `auto` the one that suits the prompt best.

    With `auto`, only those are asked that do the `task`, where one is named, take files of the
    names `inputs` and need no others; and none that is connected: nobody's prompt leaves the site
    without having been sent there.

    Raises UnableToFindCheckpoint or UnableToUseCheckpoint.
    """
    if slug != AUTO:
        checkpoint = get_checkpoint(slug)
        if not checkpoint.usable:
            raise UnableToUseCheckpoint(checkpoint.why_unusable)
        return checkpoint
    own = list_checkpoints().exclude(family=CONNECTED)
    usable = [checkpoint for checkpoint in own if checkpoint.usable]
    if task:
        usable = [checkpoint for checkpoint in usable if task in checkpoint.card.tasks]
    if not usable:
        raise UnableToUseCheckpoint("No model is available.")
    fitting = [checkpoint for checkpoint in usable if _takes(checkpoint.card, inputs)]
    if not fitting:
        raise UnableToUseCheckpoint("No model that is available takes just these files.")
    cards = [checkpoint.card for checkpoint in fitting]
    return fitting[choose(prompt, cards, load_embedder())]


def one_of_each_family(prompt: str) -> list[Checkpoint]:
    """Of every family the usable checkpoint that suits the prompt best, in the families' order.

    Only those count that take the prompt and need no files; as with `auto`, none is connected.
    """
    by_family: dict[str, list[Checkpoint]] = {}
    for checkpoint in list_checkpoints().exclude(family=CONNECTED):
        if checkpoint.usable and _takes_prompt(checkpoint.card, prompt):
            by_family.setdefault(checkpoint.family, []).append(checkpoint)
    embedder = load_embedder()
    return [
        rows[choose(prompt, [row.card for row in rows], embedder)]
        for _, rows in sorted(by_family.items())
    ]


def _takes_prompt(card: Card, prompt: str) -> bool:
    try:
        resolve_request(card, prompt=prompt, parameters={}, seed=0)
    except InvalidRequest:
        return False
    return True


def _takes(card: Card, inputs: Collection[str]) -> bool:
    taken = {each.name for each in card.inputs}
    needed = {each.name for each in card.inputs if each.required}
    return needed <= set(inputs) <= taken
