"""What the site can generate with: one row per checkpoint, kept in step with its card."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from genmodels.contract import FAMILIES, Card


class Checkpoint(models.Model):
    """A trained folder. The card is its description; the row adds what the site decides about it.

    `available` says that the folder can be read, `enabled` that an admin wants it used.
    """

    slug = models.SlugField(max_length=64, unique=True)
    family = models.CharField(max_length=32)
    name = models.CharField(max_length=100)
    modality = models.CharField(max_length=16)
    folder = models.TextField()
    revision = models.CharField(max_length=64)
    card_data = models.JSONField()
    available = models.BooleanField(default=True)
    unavailable_reason = models.TextField(blank=True, default="")
    enabled = models.BooleanField(default=True)
    synced_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(family__in=FAMILIES), name="checkpoint_family_is_known"
            )
        ]

    def __str__(self) -> str:
        return self.slug

    @cached_property
    def card(self) -> Card:
        """The description that the checkpoint gives of itself."""
        return Card.from_dict(self.card_data)

    @property
    def usable(self) -> bool:
        """Whether a request for it can be accepted now."""
        return self.available and self.enabled
