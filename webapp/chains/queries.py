"""Reads of chains and their versions."""

from __future__ import annotations

import uuid

from django.db.models import Prefetch

from webapp.accounts.models import User
from webapp.chains.models import Chain, ChainQuerySet, ChainVersion
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.refusals import UnableToFind


class UnableToFindChain(UnableToFind):
    """There is no such chain, or it is not the user's to see."""

    what = "chain"


class UnableToFindChainVersion(UnableToFind):
    """The chain has no version of this number."""

    what = "version"

    def __init__(self, number: int) -> None:
        super().__init__(f"the chain has no version {number}")


def _with_newest(rows: ChainQuerySet) -> ChainQuerySet:
    newest = ChainVersion.objects.order_by("chain_id", "-number").distinct("chain_id")
    # All that `versions` then has: a chain may have a thousand.
    return rows.select_related("owner").prefetch_related(Prefetch("versions", queryset=newest))


def list_chains(
    *, user: User, page: PageRequest, trashed: bool = False, words: str = ""
) -> Page[Chain]:
    """The chains that the user may see, newest first, with their newest steps.

    With `words`, those that have them in their name.
    """
    rows = Chain.objects.visible_to(user).filter(trashed_at__isnull=not trashed)
    if words:
        rows = rows.filter(name__icontains=words)
    return paginate(_with_newest(rows), page)


def get_chain(*, user: User, chain_id: uuid.UUID) -> Chain:
    """One chain with its newest steps, trashed or not; raises UnableToFindChain."""
    found = _with_newest(Chain.objects.visible_to(user)).filter(id=chain_id).first()
    if found is None:
        raise UnableToFindChain(str(chain_id))
    return found


def newest_version(chain: Chain) -> ChainVersion:
    """The newest steps of a chain that was read by a function of this module."""
    return next(iter(chain.versions.all()))


def get_version(chain: Chain, number: int | None = None) -> ChainVersion:
    """The version of a number, or the newest; raises UnableToFindChainVersion."""
    rows = ChainVersion.objects.filter(chain=chain).order_by("-number")
    found = rows.first() if number is None else rows.filter(number=number).first()
    if found is None:
        raise UnableToFindChainVersion(number or 0)
    return found


def list_versions(chain: Chain) -> list[ChainVersion]:
    """All versions of a chain, newest first."""
    return list(ChainVersion.objects.filter(chain=chain).order_by("-number"))


def page_versions(chain: Chain, page: PageRequest) -> Page[ChainVersion]:
    """A part of its versions, newest first."""
    return paginate(ChainVersion.objects.filter(chain=chain), page)
