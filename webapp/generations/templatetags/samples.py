"""What a model made for the reader, for pages of apps that do not know generations."""

from __future__ import annotations

from django import template

from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.generations.cards import GenerationCard, make_cards
from webapp.generations.queries import list_samples

register = template.Library()


@register.simple_tag(takes_context=True)
def samples_of(context: template.Context, checkpoint: Checkpoint) -> list[GenerationCard]:
    """The cards of up to three of the reader's own results, those that were liked first."""
    user = context["request"].user
    assert isinstance(user, User)
    return make_cards(generations=list_samples(owner=user, checkpoint=checkpoint), viewer=user)
