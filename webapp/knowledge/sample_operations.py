"""The sample collection: pages about Pinakes itself, for who has nothing to ask yet."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from webapp.accounts.models import User
from webapp.collections.models import Collection
from webapp.collections.operations import CollectionWish, add_items, create_collection
from webapp.collections.queries import ItemReference
from webapp.knowledge.operations import submit_source
from webapp.knowledge.queries import SAMPLE_NAME, find_samples

#: What a newcomer is likely to ask about; the other pages are for who runs or changes the site.
_PAGES = (
    *("answers.md", "chains.md", "chats.md", "collections.md", "comparisons.md", "documents.md"),
    *("inputs.md", "library.md", "prompts.md", "reliability.md", "review.md", "search.md"),
)
_DESCRIPTION = "How this site works, from its own documentation. Ask it something."


def sample_files() -> list[Path]:
    """The pages, as far as they were installed with the site."""
    folder = settings.BASE_DIR / "docs"
    pages = [folder / name for name in _PAGES]
    return [path for path in [*sorted(folder.glob("examples/*.md")), *pages] if path.is_file()]


def add_samples(*, owner: User) -> Collection:
    """Bring the pages and put them into a collection; what is there already stays as it is.

    Raises Refused where the owner has too much waiting; what was brought until then stays.
    """
    items = []
    for path in sample_files():
        content = path.read_bytes()
        title = content.decode().partition("\n")[0].removeprefix("#").strip()
        brought = submit_source(
            owner=owner, file_name=f"pinakes-{path.name}", content=content, title=title
        )
        items.append(ItemReference(source_id=brought.source_id))
    collection = find_samples(owner=owner) or create_collection(
        owner=owner, wish=CollectionWish(SAMPLE_NAME, _DESCRIPTION)
    )
    add_items(collection=collection, items=items)
    return collection
