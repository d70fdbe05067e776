"""What pages offer somebody who has just come."""

from __future__ import annotations

from django import template

from webapp.accounts.models import User
from webapp.knowledge.queries import find_samples
from webapp.knowledge.sample_operations import sample_files

register = template.Library()


@register.simple_tag(takes_context=True)
def may_add_samples(context: template.Context) -> bool:
    """Whether the sample collection is here to be added and not added yet."""
    user = context["request"].user
    assert isinstance(user, User)
    return user.may_submit and bool(sample_files()) and find_samples(owner=user) is None
