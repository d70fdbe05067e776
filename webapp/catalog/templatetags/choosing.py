"""Models to choose from, for pages of apps that do not know the catalogue."""

from __future__ import annotations

from django import template

from webapp.catalog.models import Checkpoint
from webapp.catalog.queries import list_checkpoints

register = template.Library()


@register.simple_tag
def usable_models() -> list[Checkpoint]:
    """Those that take prompts now, by family."""
    return [row for row in list_checkpoints() if row.usable]
