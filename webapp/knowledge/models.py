"""The documents that people brought, to be searched and cited."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from webapp.accounts.models import User
from webapp.common.ids import uuid7
from webapp.jobs.models import Job, JobState
from webapp.knowledge.graph_models import (
    Entity,
    EntityAlias,
    Mention,
    PassageReading,
    Relation,
)

#: Django finds the models of an app in this module; those of the graph have one of their own.
__all__ = ["Entity", "EntityAlias", "Mention", "PassageReading", "Relation", "Source"]


class SourceQuerySet(models.QuerySet["Source"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> SourceQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)

    def kept(self) -> SourceQuerySet:
        """Rows that are not in the trash."""
        return self.filter(trashed_at__isnull=True)


class Source(models.Model):
    """A document as it was brought: the file stays in the blob store, untouched.

    Reading it is the work of `job`; the passages and their vectors are stored in the transaction
    that ends the job, so a source is `indexed` exactly when all of it can be found. `text_sha256`
    names the text that was read from it, the one that the offsets of its passages count in.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sources"
    )
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="source")
    title = models.CharField(max_length=300)
    file_name = models.CharField(max_length=255, blank=True, default="")
    media_type = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    text_sha256 = models.CharField(max_length=64, blank=True, default="")
    num_characters = models.PositiveIntegerField(null=True)
    num_pages = models.PositiveIntegerField(null=True)
    num_passages = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = SourceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "sha256"], name="source_is_brought_once"),
            models.CheckConstraint(condition=Q(size__gt=0), name="source_has_bytes"),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="source_owner")]

    def __str__(self) -> str:
        return self.title

    @property
    def status(self) -> str:
        """The job's state, with `indexed` for what can be found."""
        return "indexed" if self.job.state == JobState.SUCCEEDED else self.job.status
