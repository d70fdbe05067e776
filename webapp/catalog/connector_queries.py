"""Reads of connected models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.db.models import QuerySet

from webapp.catalog import model_folders
from webapp.catalog.models import Connector, ConnectorKind
from webapp.common.refusals import UnableToFind


class UnableToFindConnector(UnableToFind):
    """No model is connected under this slug."""

    what = "connected model"


def list_connectors() -> QuerySet[Connector]:
    """Every connected model with its checkpoint, by slug."""
    return Connector.objects.select_related("checkpoint").order_by("checkpoint__slug")


def get_connector(*, slug: str) -> Connector:
    """The model that is connected under this slug; raises UnableToFindConnector."""
    found = list_connectors().filter(checkpoint__slug=slug).first()
    if found is None:
        raise UnableToFindConnector(slug)
    return found


@dataclass(frozen=True)
class OfferedFolder:
    """A folder below PINAKES_MODELS, and the slug it is connected under, if it is."""

    name: str
    slug: str


def list_folders(*, root: Path) -> list[OfferedFolder]:
    """The folders of models that are there, by name."""
    rows = Connector.objects.filter(kind=ConnectorKind.FOLDER)
    slugs = dict(rows.values_list("model", "checkpoint__slug"))
    return [OfferedFolder(name, slugs.get(name, "")) for name in model_folders.list_folders(root)]
