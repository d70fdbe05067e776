"""Things that belong together for somebody, under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from webapp.accounts.models import User
from webapp.common.ids import uuid7
from webapp.generations.models import Generation


class CollectionQuerySet(models.QuerySet["Collection"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> CollectionQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)

    def kept(self) -> CollectionQuerySet:
        """Rows that are not in the trash."""
        return self.filter(trashed_at__isnull=True)


class Collection(models.Model):
    """A named set of generations and documents of what its owner may see.

    `revision` counts the changes of the collection and of what it holds, so that a change can be
    made to depend on the state that somebody has read.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="collections"
    )
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        constraints = [
            # In the trash a name is free for others; restoring asks for it again.
            models.UniqueConstraint(
                "owner",
                Lower("name"),
                condition=Q(trashed_at__isnull=True),
                name="collection_name_is_unique",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="collection_has_a_name"),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="collection_owner")]

    def __str__(self) -> str:
        return self.name


class CollectionItem(models.Model):
    """A generation or a document in a collection, each once.

    What goes to the trash keeps its place, unseen, and has it again when it is restored.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    generation = models.ForeignKey(
        Generation,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="collection_items",
    )
    source = models.ForeignKey(
        "knowledge.Source",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="collection_items",
    )
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(generation__isnull=True) ^ Q(source__isnull=True),
                name="collection_item_is_one_thing",
            ),
            models.UniqueConstraint(
                fields=["collection", "generation"], name="collection_holds_generation_once"
            ),
            models.UniqueConstraint(
                fields=["collection", "source"], name="collection_holds_source_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.generation_id or self.source_id} in {self.collection_id}"
