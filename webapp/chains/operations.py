"""Writes on chains: making them, writing versions, the trash."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.chains.checking import check_definition
from webapp.chains.definitions import Definition
from webapp.chains.models import Chain, ChainVersion
from webapp.chains.queries import UnableToFindChain
from webapp.common.cleaning import clean_line, clean_text, length_faults, name_faults
from webapp.common.ids import uuid7
from webapp.common.refusals import ChangedSinceRead, Conflict
from webapp.jobs.idempotency import made_before

MAX_NAME_LENGTH = 100
MAX_DESCRIPTION_LENGTH = 2_000
MAX_NOTE_LENGTH = 200
MAX_VERSIONS = 1_000
_ENDPOINT = "chains"


class UnableToNameChain(Conflict):
    """The owner has another chain of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"You have a chain named “{name}” already.")


class UnableToChangeChain(ChangedSinceRead):
    """It is not as it was when it was read."""

    def __init__(self) -> None:
        super().__init__("The chain")


@dataclass(frozen=True)
class ChainWish:
    """What a chain is to be called, and what is to be said of it."""

    name: str
    description: str = ""


@dataclass(frozen=True)
class VersionWish:
    """The steps of a version, and what changed with it."""

    definition: Definition
    note: str = ""


def create_chain(
    *, owner: User, wish: ChainWish, steps: VersionWish, idempotency_key: str | None = None
) -> Chain:
    """Make a chain with its first version; a key that came before gives that of the time.

    Raises InvalidRequest with every fault, UnableToNameChain, UnableToReuseIdempotencyKey, or
    UnableToFindChain where what the key made is gone.
    """
    faults: list[Fault] = []
    wish = _clean_wish(wish, faults)
    steps = _clean_steps(owner, steps, faults)
    if faults:
        raise InvalidRequest(faults)
    chain_id = uuid7()
    with transaction.atomic():
        earlier_id = made_before(
            owner=owner,
            endpoint=_ENDPOINT,
            key=idempotency_key,
            request=[asdict(wish), asdict(steps)],
            object_id=chain_id,
        )
        if earlier_id is not None:
            earlier = Chain.objects.filter(id=earlier_id).first()
            if earlier is None:
                raise UnableToFindChain(str(earlier_id))
            return earlier
        try:
            with transaction.atomic():
                chain = Chain.objects.create(
                    id=chain_id, owner=owner, name=wish.name, description=wish.description
                )
        except IntegrityError as error:
            raise UnableToNameChain(wish.name) from error
        _store_version(chain, owner, steps, number=1)
    return chain


def _store_version(chain: Chain, author: User, steps: VersionWish, *, number: int) -> ChainVersion:
    return ChainVersion.objects.create(
        chain=chain,
        number=number,
        definition_data=steps.definition.to_json(),
        note=steps.note,
        author=author,
    )


def _clean_wish(wish: ChainWish, faults: list[Fault]) -> ChainWish:
    name, description = clean_line(wish.name), clean_text(wish.description)
    faults += name_faults(name, MAX_NAME_LENGTH)
    faults += length_faults("/description", description, MAX_DESCRIPTION_LENGTH)
    return ChainWish(name, description)


def _clean_steps(user: User, steps: VersionWish, faults: list[Fault]) -> VersionWish:
    note = clean_line(steps.note)
    faults += length_faults("/note", note, MAX_NOTE_LENGTH)
    try:
        check_definition(user=user, definition=steps.definition)
    except InvalidRequest as error:
        faults += error.faults
    return VersionWish(steps.definition, note)


def add_version(
    *, chain: Chain, author: User, steps: VersionWish, revision: int | None = None
) -> ChainVersion:
    """Write the next version; the same steps as the newest change nothing and give that one.

    Raises InvalidRequest, UnableToChangeChain for another revision, or UnableToFindChain.
    """
    faults: list[Fault] = []
    steps = _clean_steps(author, steps, faults)
    if faults:
        raise InvalidRequest(faults)
    with transaction.atomic():
        _lock(chain, revision)
        versions = ChainVersion.objects.filter(chain=chain)
        newest = versions.order_by("-number").first()
        assert newest is not None, "a chain is made with a version"
        if newest.definition == steps.definition:
            return newest
        count = versions.aggregate(highest=Max("number"))["highest"]
        if count >= MAX_VERSIONS:
            detail = f"a chain has at most {MAX_VERSIONS} versions"
            raise InvalidRequest([Fault("/steps", "too_many", detail)])
        made = _store_version(chain, author, steps, number=count + 1)
        _count_change(chain)
    return made


def change_chain(*, chain: Chain, wish: ChainWish, revision: int | None = None) -> None:
    """Rename a chain or say something else of it; with `revision`, only if it is at that.

    Raises InvalidRequest, UnableToNameChain, UnableToChangeChain or UnableToFindChain.
    """
    faults: list[Fault] = []
    wish = _clean_wish(wish, faults)
    if faults:
        raise InvalidRequest(faults)
    try:
        with transaction.atomic():
            _lock(chain, revision)
            Chain.objects.filter(id=chain.id).update(name=wish.name, description=wish.description)
            _count_change(chain)
    except IntegrityError as error:
        raise UnableToNameChain(wish.name) from error


def trash_chain(*, chain: Chain) -> None:
    """Put a chain into the trash; again changes nothing. Its runs stay as they are."""
    Chain.objects.filter(id=chain.id, trashed_at__isnull=True).update(
        trashed_at=Now(), revision=F("revision") + 1, changed_at=Now()
    )


def restore_chain(*, chain: Chain) -> None:
    """Bring it back; raises UnableToNameChain where the name was taken meanwhile."""
    try:
        with transaction.atomic():
            Chain.objects.filter(id=chain.id, trashed_at__isnull=False).update(
                trashed_at=None, revision=F("revision") + 1, changed_at=Now()
            )
    except IntegrityError as error:
        raise UnableToNameChain(chain.name) from error


def _lock(chain: Chain, revision: int | None) -> None:
    """One writer of a chain at a time, so that numbers follow each other."""
    row = Chain.objects.select_for_update(no_key=True).filter(id=chain.id).first()
    if row is None:
        raise UnableToFindChain(str(chain.id))
    if revision is not None and row.revision != revision:
        raise UnableToChangeChain


def _count_change(chain: Chain) -> None:
    Chain.objects.filter(id=chain.id).update(revision=F("revision") + 1, changed_at=Now())
