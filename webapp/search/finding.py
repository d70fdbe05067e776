"""A search as it was asked for, by whichever mode."""

from __future__ import annotations

from webapp.accounts.models import User
from webapp.search.looking import search_by_look
from webapp.search.queries import hybrid_search
from webapp.search.requests import SearchRequest
from webapp.search.results import LOOK, SearchPage


def find(*, user: User, wish: SearchRequest) -> SearchPage:
    """What the user may see of what was asked for, best first, misspelt words understood.

    Raises UnableToEmbed for a search by meaning, and UnableToLook for one by look.
    """
    if wish.mode == LOOK:
        return search_by_look(
            user=user, query=wish.query, only=wish.only, limit=wish.limit, offset=wish.offset
        )
    return hybrid_search(
        user=user,
        query=wish.query,
        mode=wish.mode,
        only=wish.only,
        limit=wish.limit,
        offset=wish.offset,
        with_facets=wish.with_facets,
        with_repeats=wish.with_repeats,
        tolerates_typos=not wish.is_exact,
    )
