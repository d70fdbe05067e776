"""Earlier results that a new prompt may take its parameters or its seed from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.urls import reverse

from genmodels.embedding import Embedder
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.generations.cards import GenerationCard, make_cards
from webapp.generations.composing import Draft, draft_fields
from webapp.generations.models import Generation
from webapp.generations.queries import get_generations
from webapp.jobs.models import JobState
from webapp.search.queries import hybrid_search
from webapp.search.results import SearchFilter, SearchHit

NUM_REFERENCES = 6
#: A prompt is searched for once it has so many characters; fewer are near to everything.
MIN_PROMPT_LENGTH = 3
MAX_PROMPT_LENGTH = 2_000
#: What is made where no model is chosen yet.
DEFAULT_KIND = "image"


@dataclass(frozen=True)
class FoundReference:
    """One of one's own results, and how near its prompt comes."""

    generation: Generation
    hit: SearchHit


@dataclass(frozen=True)
class ShownReference:
    """A result in the Studio, with the addresses that fill the form from it."""

    card: GenerationCard
    seed_url: str
    all_url: str


def kind_of(model: str, checkpoints: list[Checkpoint]) -> str:
    """What the chosen model makes."""
    return next((row.modality for row in checkpoints if row.slug == model), DEFAULT_KIND)


def is_searchable(prompt: str) -> bool:
    """Whether a prompt is long enough to come near to anything in particular."""
    return len(prompt.strip()) >= MIN_PROMPT_LENGTH


def find_references(
    *,
    user: User,
    prompt: str,
    kind: str,
    limit: int = NUM_REFERENCES,
    embedder: Embedder | None = None,
) -> list[FoundReference]:
    """One's own results of this kind whose prompts come nearest, the nearest first.

    Only what succeeded and is kept; nothing for a prompt that is too short to mean something.
    """
    if not is_searchable(prompt):
        return []
    text = prompt.strip()[:MAX_PROMPT_LENGTH]
    only = SearchFilter(generations_only=True, kinds=(kind,), owner=user.pk)
    page = hybrid_search(user=user, query=text, only=only, limit=limit, embedder=embedder)
    ids = [hit.generation_id for hit in page.hits if hit.generation_id is not None]
    rows = {row.id: row for row in get_generations(user=user, generation_ids=ids)}
    return [
        FoundReference(rows[hit.generation_id], hit)
        for hit in page.hits
        if hit.generation_id in rows and rows[hit.generation_id].job.state == JobState.SUCCEEDED
    ]


def show_references(*, user: User, draft: Draft, kind: str) -> list[ShownReference]:
    """What the Studio offers beside a draft. The draft's own words stay in every address."""
    found = find_references(user=user, prompt=draft.prompt, kind=kind)
    cards = {
        card.id: card
        for card in make_cards(generations=[each.generation for each in found], viewer=user)
    }
    return [
        ShownReference(
            card=cards[each.generation.id],
            seed_url=_address(_with_seed(draft, each.generation)),
            all_url=_address(_with_all(draft, each.generation)),
        )
        for each in found
    ]


def _with_seed(draft: Draft, generation: Generation) -> Draft:
    return replace(draft, seed=str(generation.seed), keep_seed=True, reference=str(generation.id))


def _with_all(draft: Draft, generation: Generation) -> Draft:
    """The recipe of a result around the words of the draft."""
    return replace(
        _with_seed(draft, generation),
        model=generation.checkpoint.slug,
        params=generation.parameters,
        inputs={name: str(each) for name, each in generation.input_references.items()},
        sweep_name="",
        sweep_values="",
    )


def _address(draft: Draft) -> str:
    return f"{reverse('studio')}?{urlencode(draft_fields(draft))}"
