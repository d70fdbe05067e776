"""Writes of spaces: adding one, having searches look in another, going back, dropping one.

Each act locks the one row that says where searches look, so two at once follow each other.
Filling a space is in `space_filling`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from genmodels.contract import Fault, InvalidRequest
from genmodels.embedding import (
    Embedder,
    ServedEmbedder,
    ServiceAddress,
    UnableToEmbed,
    UnableToLoadEmbedder,
    load_built_in,
)
from webapp import queueing
from webapp.accounts.models import User
from webapp.common import outbound
from webapp.common.encryption import encrypt
from webapp.common.refusals import Conflict
from webapp.search.embedders import BUILT_IN_DIMS, BUILT_IN_NAME, embedder_of, guarded_embedder
from webapp.search.models import ActiveSpace, EmbeddingSpace
from webapp.search.operations import create_space, ensure_space
from webapp.search.space_queries import UnableToFindSpace, obstacle_to_switching
from webapp.search.spaces import partition_name

logger = logging.getLogger(__name__)

EmbedderKind = Literal["built_in", "service"]

#: Each space costs as much memory, disk and computing as the first.
MAX_SPACES = 8
#: A search that began before a switch ends within this time: a server may take 30 s to embed.
_SETTLING = timedelta(seconds=60)
_LOCK_TIMEOUT = "3s"

MAX_DIMS = 4000
_MAX_KEY_LENGTH = 500


class UnableToAddSpace(Conflict):
    """There is one for this embedder, or there are too many; the message says which."""


class UnableToSwitch(Conflict):
    """The space is not ready, or not the one that is searched; the message says why."""


class UnableToDropSpace(Conflict):
    """The space is needed; the message says for what."""


@dataclass(frozen=True)
class SpaceWish:
    """A space to be filled: of the built-in embedder, or of a model on a server.

    `url` ends before `/embeddings`.
    """

    embedder: EmbedderKind
    url: str = ""
    model: str = ""
    dims: int = 0
    key: str = ""
    switches_when_ready: bool = False


def add_space(*, by: User, wish: SpaceWish) -> EmbeddingSpace:
    """Make a space, which workers then fill.

    The embedder is tried with one text first. Raises InvalidRequest or UnableToAddSpace.
    """
    space = _built_in_space(wish) if wish.embedder == "built_in" else _space_on_a_server(wish)
    space.switches_when_ready = wish.switches_when_ready
    with transaction.atomic():
        # Whoever adds another at this moment waits here, so that the limit holds.
        ActiveSpace.objects.select_for_update().first()
        if EmbeddingSpace.objects.filter(name=space.name).exists():
            raise UnableToAddSpace(f"There is a space {space.name} already.")
        if EmbeddingSpace.objects.count() >= MAX_SPACES:
            raise UnableToAddSpace(f"There are {MAX_SPACES} spaces, which is the most. Drop one.")
        made = create_space(space)
    logger.info("%s added the space %s", by.username, made.name)
    queueing.wake(queueing.INDEXING_QUEUE)
    return made


def _built_in_space(wish: SpaceWish) -> EmbeddingSpace:
    if wish.url or wish.model or wish.dims or wish.key:
        detail = "is on no server: leave out url, model, dims and key"
        raise InvalidRequest([Fault("/embedder", "invalid", detail)])
    try:
        load_built_in()
    except UnableToLoadEmbedder as error:
        raise InvalidRequest([Fault("/embedder", "unavailable", str(error))]) from error
    return EmbeddingSpace(name=BUILT_IN_NAME, dims=BUILT_IN_DIMS)


def _space_on_a_server(wish: SpaceWish) -> EmbeddingSpace:
    faults = []
    if not wish.model.strip() or len(wish.model) > 160 or not wish.model.isprintable():
        faults.append(Fault("/model", "invalid", "must name a model, in at most 160 characters"))
    if not 1 <= wish.dims <= MAX_DIMS:
        detail = f"must be the width of the vectors, 1 to {MAX_DIMS}"
        faults.append(Fault("/dims", "out_of_range", detail))
    if len(wish.key) > _MAX_KEY_LENGTH or not (wish.key.isascii() and wish.key.isprintable()):
        faults.append(Fault("/key", "invalid", "must be a key as its server gave it"))
    try:
        outbound.check_destination(wish.url)
    except (outbound.Forbidden, outbound.Unreachable) as error:
        faults.append(Fault("/url", "invalid", str(error)))
    if faults:
        raise InvalidRequest(faults)
    address = ServiceAddress(wish.url, wish.model.strip(), wish.dims, wish.key)
    try:
        guarded_embedder(address).embed(["Does this embedder answer?"])
    except UnableToEmbed as error:
        raise InvalidRequest([Fault("/url", "unusable", f"gave no vector: {error}")]) from error
    return EmbeddingSpace(
        name=address.space,
        dims=address.dims,
        url=address.url,
        model=address.model,
        key=encrypt(address.key) if address.key else "",
    )


def follow_settings(*, embedder: Embedder) -> None:
    """Have the embedder that the settings name now filled, and searched as soon as it is ready.

    Done at each start. Only a change of the settings decides anything: what somebody has switched
    to by hand since stays until the settings name another one.
    """
    if isinstance(embedder, ServedEmbedder):
        served = embedder.address
        # The address is kept for the time when the settings name another one.
        EmbeddingSpace.objects.filter(name=embedder.name).update(
            url=served.url, key=encrypt(served.key) if served.key else "", is_operators=True
        )
    if ActiveSpace.objects.filter(settings_name=embedder.name).exists():
        return
    space = ensure_space(embedder=embedder)
    with transaction.atomic():
        use = ActiveSpace.objects.select_for_update().get()
        use.settings_name = embedder.name
        use.save(update_fields=["settings_name"])
        EmbeddingSpace.objects.update(switches_when_ready=False)
        if use.space_id != space.id:
            EmbeddingSpace.objects.filter(id=space.id).update(switches_when_ready=True)


def switch_space(*, space_id: int, by: User | None = None, force: bool = False) -> None:
    """Have all searches look in this space from now on; again changes nothing.

    Without `force` the space must be filled, its graph checked, and its embedder there. `by` is
    None where a worker does what was asked for before. Raises UnableToFindSpace or UnableToSwitch.
    """
    if not force:
        _try_embedder(space_id)
    with transaction.atomic():
        use = ActiveSpace.objects.select_for_update().filter(id=ActiveSpace.ID).first()
        space = EmbeddingSpace.objects.select_for_update().filter(id=space_id).first()
        if use is None or space is None:
            raise UnableToFindSpace(str(space_id))
        if use.space_id == space_id:
            return
        obstacle = obstacle_to_switching(space)
        if obstacle and not force:
            raise UnableToSwitch(obstacle)
        _point_to(use, space)
    _tell(by, "switched to", space)
    # What came in between the count and now lacks a vector here: the active space is filled first.
    queueing.wake(queueing.INDEXING_QUEUE)


def _try_embedder(space_id: int) -> None:
    """Outside of any transaction, because a server may take its time."""
    space = EmbeddingSpace.objects.filter(id=space_id, use__isnull=True).first()
    if space is None:
        return
    try:
        embedder_of(space).embed(["Does this embedder answer?"])
    except UnableToEmbed as error:
        raise UnableToSwitch(f"Its embedder gives no vectors: {error}") from error


def roll_back(*, space_id: int, by: User) -> EmbeddingSpace:
    """Have searches look where they looked before they looked in this space.

    Raises UnableToFindSpace, or UnableToSwitch where it is not searched (any more), so that a
    second call does not come back. The space before was kept filled, so it is ready.
    """
    with transaction.atomic():
        use = ActiveSpace.objects.select_for_update().filter(id=ActiveSpace.ID).first()
        if use is None or not EmbeddingSpace.objects.filter(id=space_id).exists():
            raise UnableToFindSpace(str(space_id))
        if use.space_id != space_id:
            raise UnableToSwitch("Searches do not look in this space.")
        previous = use.previous
        if previous is None:
            raise UnableToSwitch("There is no space before this one, or it was dropped.")
        _point_to(use, previous)
    _tell(by, "went back to", previous)
    queueing.wake(queueing.INDEXING_QUEUE)
    return previous


def _point_to(use: ActiveSpace, space: EmbeddingSpace) -> None:
    """In the caller's transaction, which holds the row. What was to happen by itself is off."""
    ActiveSpace.objects.filter(id=use.id).update(
        space=space, previous_id=use.space_id, since=Now()
    )
    EmbeddingSpace.objects.filter(switches_when_ready=True).update(switches_when_ready=False)


def _tell(by: User | None, act: str, space: EmbeddingSpace) -> None:
    logger.info("%s %s the space %s", by.username if by else "a worker", act, space.name)


def ask_for_check(*, space_id: int) -> None:
    """Have a worker check the graph of a space now. Raises UnableToFindSpace."""
    if not EmbeddingSpace.objects.filter(id=space_id).update(check_wanted=True):
        raise UnableToFindSpace(str(space_id))
    queueing.wake(queueing.INDEXING_QUEUE)


def drop_space(*, space_id: int, by: User) -> None:
    """Delete a space with its vectors, whether it is filled or not.

    Raises UnableToFindSpace or UnableToDropSpace.
    """
    with transaction.atomic():
        use = ActiveSpace.objects.select_for_update().filter(id=ActiveSpace.ID).first()
        space = EmbeddingSpace.objects.select_for_update().filter(id=space_id).first()
        if use is None or space is None:
            raise UnableToFindSpace(str(space_id))
        _check_is_spare(space, use)
        _drop_partition(space)
        space.delete()
    _tell(by, "dropped", space)


def _check_is_spare(space: EmbeddingSpace, use: ActiveSpace) -> None:
    if use.space_id == space.id:
        raise UnableToDropSpace("Searches look in this space. Switch to another one first.")
    if use.previous_id == space.id and timezone.now() - use.since < _SETTLING:
        raise UnableToDropSpace("Searches looked in it until a moment ago. Wait a minute.")


def _drop_partition(space: EmbeddingSpace) -> None:
    """Waits shortly for those who use the table, and lets nobody wait for long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
        try:
            with transaction.atomic():
                cursor.execute(f"DROP TABLE IF EXISTS {partition_name(space)}")
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            raise UnableToDropSpace("Its vectors are in use. Try again in a moment.") from error
