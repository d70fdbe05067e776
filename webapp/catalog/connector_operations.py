"""Writes of connected models: connecting one, changing how it is reached, letting go of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError
from django.utils.text import slugify

from genmodels.contract import Card, Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.catalog.connected_cards import card_of_folder, card_of_server
from webapp.catalog.connected_folders import read_folder
from webapp.catalog.connector_queries import get_connector
from webapp.catalog.model_folders import UnableToReadFolder
from webapp.catalog.models import CONNECTED, Checkpoint, Connector, ConnectorKind, Protocol
from webapp.catalog.served_models import ServedModel, find_fault, served_model_of
from webapp.catalog.versions import keep_versions
from webapp.common import outbound
from webapp.common.encryption import UnableToDecrypt, encrypt
from webapp.common.refusals import ChangedSinceRead, Conflict

logger = logging.getLogger(__name__)

MAX_CONNECTORS = 50
MAX_MODEL_LENGTH = 200
MAX_NAME_LENGTH = 100
MAX_KEY_LENGTH = 500
MAX_SECONDS = 3000
MAX_REQUESTS = 64
_MAX_SLUG_LENGTH = 64
_DISCONNECTED = "It was disconnected."
_KEY_LOST = "Its key was encrypted under a secret key that the site no longer has. Enter it again."


class UnableToConnect(Conflict):
    """The slug is taken, or there are as many as there may be; the message says which."""


@dataclass(frozen=True)
class ConnectorWish:
    """A model to be connected: of a server, or of a folder below PINAKES_MODELS.

    Without a `slug` and a `name` they are made from `model`.
    """

    kind: str
    model: str
    url: str = ""
    protocol: str = Protocol.CHAT
    key: str = ""
    slug: str = ""
    name: str = ""
    seconds: int = 300
    max_requests: int = 4

    @property
    def is_server(self) -> bool:
        """Whether the model is elsewhere."""
        return self.kind == ConnectorKind.SERVER


@dataclass(frozen=True)
class ConnectorChange:
    """What is to be another; None stays. An empty `key` takes the key away."""

    key: str | None = None
    name: str | None = None
    seconds: int | None = None
    max_requests: int | None = None


def connect_model(*, by: User | None, wish: ConnectorWish, root: Path) -> Connector:
    """Connect a model; its server is asked for it first, its folder read.

    A slug that was disconnected before goes on where it ended. `by` is None on the command line.
    Raises InvalidRequest or UnableToConnect, and then nothing was stored.
    """
    slug = wish.slug or slugify(wish.model.replace("/", "-").replace(".", "-").replace(":", "-"))
    slug = slug[:_MAX_SLUG_LENGTH].strip("-")
    name = wish.name.strip() or wish.model.strip()[:MAX_NAME_LENGTH]
    faults = _form_faults(wish, slug, name)
    if faults:
        raise InvalidRequest(faults)
    card = _describe(wish, slug=slug, name=name, root=root)
    with transaction.atomic():
        checkpoint = _take_slug(card)
        connector = Connector.objects.create(
            checkpoint=checkpoint,
            kind=wish.kind,
            model=wish.model.strip(),
            url=_plain_url(wish.url),
            protocol=wish.protocol,
            key=encrypt(wish.key) if wish.key else "",
            seconds=wish.seconds,
            max_requests=wish.max_requests,
        )
        keep_versions()
    logger.info("%s connected %s as %s", by.username if by else "an operator", connector, slug)
    return connector


def _take_slug(card: Card) -> Checkpoint:
    """The row of this card: a new one, or that of a model that was disconnected."""
    if Connector.objects.count() >= MAX_CONNECTORS:
        raise UnableToConnect(f"There are {MAX_CONNECTORS} connected models, which is the most.")
    values = {**_row_values(card), "available": True, "unavailable_reason": "", "enabled": True}
    try:
        with transaction.atomic():
            return Checkpoint.objects.create(slug=card.slug, **values)
    except IntegrityError:
        # Locked, so that of two who connect the same slug one hears of the other.
        row = Checkpoint.objects.select_for_update().get(slug=card.slug)
        if row.family != CONNECTED or Connector.objects.filter(checkpoint=row).exists():
            raise UnableToConnect(f"There is a model {card.slug} already.") from None
        Checkpoint.objects.filter(id=row.id).update(**values)
        return Checkpoint.objects.get(id=row.id)


def _row_values(card: Card) -> dict[str, Any]:
    return {
        "family": card.family,
        "name": card.name,
        "modality": card.modality,
        "folder": "",
        "revision": card.weights_sha256,
        "card_data": card.to_dict(),
    }


def _form_faults(wish: ConnectorWish, slug: str, name: str) -> list[Fault]:
    faults = []
    if wish.kind not in ConnectorKind.values:
        detail = f"must be one of {', '.join(ConnectorKind.values)}"
        faults.append(Fault("/kind", "invalid", detail))
    model = wish.model.strip()
    if not model or len(model) > MAX_MODEL_LENGTH or not model.isprintable():
        detail = f"must name a model, in at most {MAX_MODEL_LENGTH} characters"
        faults.append(Fault("/model", "invalid", detail))
    if not slug or (wish.slug and wish.slug != slug) or slug != slugify(slug):
        detail = "must be of small letters, digits and hyphens"
        faults.append(Fault("/slug", "invalid", detail))
    if wish.is_server:
        if wish.protocol not in Protocol.values:
            detail = f"must be one of {', '.join(Protocol.values)}"
            faults.append(Fault("/protocol", "invalid", detail))
    elif wish.url or wish.key:
        faults.append(Fault("/kind", "invalid", "is on no server: leave out url and key"))
    faults += _name_faults(name) + _key_faults(wish.key)
    return faults + _limit_faults(wish.seconds, wish.max_requests)


def _name_faults(name: str) -> list[Fault]:
    if 1 <= len(name.strip()) <= MAX_NAME_LENGTH and name.isprintable():
        return []
    return [Fault("/name", "invalid", f"must have 1 to {MAX_NAME_LENGTH} characters")]


def _key_faults(key: str) -> list[Fault]:
    if len(key) <= MAX_KEY_LENGTH and (not key or (key.isascii() and key.isprintable())):
        return []
    return [Fault("/key", "invalid", "must be a key as its server gave it")]


def _limit_faults(seconds: int, max_requests: int) -> list[Fault]:
    faults = []
    if not 1 <= seconds <= MAX_SECONDS:
        faults.append(Fault("/seconds", "out_of_range", f"must be 1 to {MAX_SECONDS}"))
    if not 1 <= max_requests <= MAX_REQUESTS:
        faults.append(Fault("/max_requests", "out_of_range", f"must be 1 to {MAX_REQUESTS}"))
    return faults


def _plain_url(url: str) -> str:
    return url.strip().rstrip("/")


def _describe(wish: ConnectorWish, *, slug: str, name: str, root: Path) -> Card:
    if not wish.is_server:
        return _describe_folder(wish.model.strip(), slug=slug, name=name, root=root)
    served = ServedModel(
        url=_plain_url(wish.url),
        model=wish.model.strip(),
        protocol=wish.protocol,
        key=wish.key,
        seconds=float(wish.seconds),
    )
    return _describe_server(served, slug=slug, name=name)


def _describe_server(served: ServedModel, *, slug: str, name: str) -> Card:
    try:
        outbound.parse_destination(served.url)
    except outbound.Forbidden as error:
        raise InvalidRequest([Fault("/url", "invalid", str(error))]) from error
    fault = find_fault(served)
    if fault is not None:
        raise InvalidRequest([fault])
    return card_of_server(served, slug=slug, name=name)


def _describe_folder(folder: str, *, slug: str, name: str, root: Path) -> Card:
    try:
        return card_of_folder(read_folder(root, folder), slug=slug, name=name)
    except UnableToReadFolder as error:
        raise InvalidRequest([Fault("/model", "unusable", f"cannot be used: {error}")]) from error


def change_connector(
    *, slug: str, change: ConnectorChange, version: int | None = None
) -> Connector:
    """Change how a model is reached; what runs goes on as it began.

    Raises UnableToFindConnector, InvalidRequest, or ChangedSinceRead for another `version`.
    """
    with transaction.atomic():
        found = get_connector(slug=slug)
        row = Connector.objects.select_for_update().get(id=found.id)
        if version is not None and row.version != version:
            raise ChangedSinceRead("The connection")
        faults = [] if change.name is None else _name_faults(change.name)
        if change.key is not None:
            faults += _key_faults(change.key)
            if change.key and row.kind != ConnectorKind.SERVER:
                faults.append(Fault("/key", "invalid", "is for servers only"))
        faults += _limit_faults(
            row.seconds if change.seconds is None else change.seconds,
            row.max_requests if change.max_requests is None else change.max_requests,
        )
        if faults:
            raise InvalidRequest(faults)
        values: dict[str, Any] = {"version": F("version") + 1}
        if change.key is not None:
            values["key"] = encrypt(change.key) if change.key else ""
        if change.seconds is not None:
            values["seconds"] = change.seconds
        if change.max_requests is not None:
            values["max_requests"] = change.max_requests
        Connector.objects.filter(id=row.id).update(**values)
        if change.name is not None:
            name = change.name.strip()
            card_data = {**found.checkpoint.card_data, "name": name}
            Checkpoint.objects.filter(slug=slug).update(name=name, card_data=card_data)
    return get_connector(slug=slug)


def check_connector(*, slug: str, root: Path) -> Connector:
    """Look anew whether a model is there, and note what is found; a folder may hold another now.

    Raises UnableToFindConnector.
    """
    found = get_connector(slug=slug)
    name = found.checkpoint.name
    reason = ""
    values: dict[str, Any] = {}
    try:
        if found.kind == ConnectorKind.SERVER:
            _describe_server(served_model_of(found), slug=slug, name=name)
        else:
            values = _row_values(_describe_folder(found.model, slug=slug, name=name, root=root))
    except InvalidRequest as error:
        reason = _as_sentences(error.faults)
    except UnableToDecrypt:
        reason = _KEY_LOST
    with transaction.atomic():
        Checkpoint.objects.filter(slug=slug).update(
            available=not reason, unavailable_reason=reason, **values
        )
        Connector.objects.filter(id=found.id).update(version=F("version") + 1)
        keep_versions()
    return get_connector(slug=slug)


def check_folders(*, root: Path) -> int:
    """Bring the models of folders in step with what lies there; how many can be used.

    Done at each start, as for checkpoints. Servers are not asked: one that is away comes back.
    """
    rows = Connector.objects.filter(kind=ConnectorKind.FOLDER)
    slugs = list(rows.values_list("checkpoint__slug", flat=True))
    return sum(check_connector(slug=slug, root=root).checkpoint.available for slug in slugs)


def _as_sentences(faults: Sequence[Fault]) -> str:
    places = {"/url": "Its address", "/model": "The model", "/key": "Its key"}
    return " ".join(
        f"{places.get(fault.pointer, 'It')} {fault.detail.rstrip('.')}." for fault in faults
    )


def disconnect_model(*, slug: str, by: User | None) -> None:
    """Let go of a model and of its key; what it made stays. Raises UnableToFindConnector.

    Its folder is left alone. A model of which nothing is kept leaves the catalogue as well.
    """
    found = get_connector(slug=slug)
    with transaction.atomic():
        Connector.objects.filter(id=found.id).delete()
        try:
            with transaction.atomic():
                found.checkpoint.delete()
        except ProtectedError:
            Checkpoint.objects.filter(slug=slug).update(
                available=False, unavailable_reason=_DISCONNECTED
            )
    logger.info("%s disconnected %s", by.username if by else "an operator", slug)
