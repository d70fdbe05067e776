"""The documents that people brought, to be searched and cited, and their versions."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
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
from webapp.knowledge.media import position_word, short_name
from webapp.search.models import Passage

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

    What is said of the file is true of the version that can be found (`version`, null before the
    first); `job` is that of the newest, which may still be on its way. Documents that were fetched
    have a `url`, and no bytes before they are.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sources"
    )
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="source")
    title = models.CharField(max_length=300)
    file_name = models.CharField(max_length=255, blank=True, default="")
    url = models.TextField(blank=True, default="")
    media_type = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    version = models.PositiveIntegerField(null=True)
    text_sha256 = models.CharField(max_length=64, blank=True, default="")
    num_characters = models.PositiveIntegerField(null=True)
    num_pages = models.PositiveIntegerField(null=True)
    num_passages = models.PositiveIntegerField(null=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    #: Counts the changes that people made to its title and its passages.
    revision = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True, blank=True)

    #: What it is nearly the same as; only the queries that list documents fill it.
    alike: Sequence[Resemblance]

    objects = SourceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "sha256"], condition=Q(url=""), name="source_is_brought_once"
            ),
            models.UniqueConstraint(
                fields=["owner", "url"], condition=~Q(url=""), name="source_is_fetched_once"
            ),
            models.CheckConstraint(condition=Q(size__gt=0) | ~Q(url=""), name="source_has_bytes"),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="source_owner")]

    def __str__(self) -> str:
        return self.title

    @property
    def status(self) -> str:
        """The job's state, with `indexed` for what can be found."""
        return "indexed" if self.job.state == JobState.SUCCEEDED else self.job.status

    @property
    def is_replaced(self) -> bool:
        """Whether a version can be found while a newer one is not, or not yet."""
        return self.version is not None and self.job.state != JobState.SUCCEEDED

    @property
    def stage(self) -> str:
        """How far a running job is, in words."""
        progress = self.job.progress or {}
        if progress.get("total"):
            return f"embedding {progress['done']:,} of {progress['total']:,} passages"
        return str(progress.get("stage") or "starting")

    @property
    def type_name(self) -> str:
        """What people call its type."""
        return short_name(self.media_type)

    @property
    def position_word(self) -> str:
        """What its page numbers count."""
        return position_word(self.media_type)


class SourceVersion(models.Model):
    """The bytes of a document at one time, and the text that was read from them.

    Versions count from 1 and never change once they were indexed, so that a quote of an earlier
    one can still be shown where it stood. `sha256` is empty until a URL was fetched.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="source_version")
    file_name = models.CharField(max_length=255, blank=True, default="")
    media_type = models.CharField(max_length=100, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    size = models.PositiveBigIntegerField(default=0)
    text_sha256 = models.CharField(max_length=64, blank=True, default="")
    num_characters = models.PositiveIntegerField(null=True)
    num_pages = models.PositiveIntegerField(null=True)
    num_passages = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    indexed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "number"], name="source_version_number_is_unique"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.source_id}"

    @property
    def status(self) -> str:
        """As of the document: the job's state, with `indexed` for what was read whole."""
        return "indexed" if self.indexed_at is not None else self.job.status

    @property
    def type_name(self) -> str:
        """What people call its type."""
        return short_name(self.media_type)


class SourceFingerprint(models.Model):
    """What tells how much of a document's text others have too; see `fingerprints.py`."""

    source = models.OneToOneField(
        Source, primary_key=True, on_delete=models.CASCADE, related_name="fingerprint"
    )
    signature = ArrayField(models.IntegerField())
    bands = ArrayField(models.BigIntegerField())

    class Meta:
        # Each document that comes looks here, and would have to go through a pending list.
        indexes = [GinIndex(fields=["bands"], name="source_bands", fastupdate=False)]

    def __str__(self) -> str:
        return f"fingerprint of {self.source_id}"


class Resemblance(models.Model):
    """Two documents of one owner are nearly the same; stored from either side."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="resemblances")
    other = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+")
    share = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "other"], name="resemblance_is_told_once")
        ]

    def __str__(self) -> str:
        return f"{self.source_id} is {self.percent} % of {self.other_id}"

    @property
    def percent(self) -> int:
        """The share of what both say together, in percent; 100 only where all of it is."""
        return min(99, round(100 * self.share)) if self.share < 1 else 100


class PassageFingerprint(models.Model):
    """Finds passages that repeat this one; those that do have none themselves."""

    passage = models.OneToOneField(
        Passage, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    bands = ArrayField(models.BigIntegerField())

    class Meta:
        # As above, and for each of its passages.
        indexes = [GinIndex(fields=["bands"], name="passage_bands", fastupdate=False)]

    def __str__(self) -> str:
        return f"fingerprint of {self.passage_id}"
