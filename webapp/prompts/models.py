"""Prompts that are kept to be used again: with places for values, versions and labels."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from webapp.accounts.models import User
from webapp.common.ids import uuid7


class PromptTemplateQuerySet(models.QuerySet["PromptTemplate"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> PromptTemplateQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)

    def kept(self) -> PromptTemplateQuerySet:
        """Rows that are not in the trash."""
        return self.filter(trashed_at__isnull=True)


class PromptTemplate(models.Model):
    """A prompt under a name. Its words are those of its versions, which never change.

    `revision` counts every change, so that one can be made to depend on what somebody has read.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="prompt_templates"
    )
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = PromptTemplateQuerySet.as_manager()

    class Meta:
        constraints = [
            # In the trash a name is free for others; restoring asks for it again.
            models.UniqueConstraint(
                "owner",
                Lower("name"),
                condition=Q(trashed_at__isnull=True),
                name="prompt_template_name_is_unique",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="prompt_template_has_a_name"),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="prompt_template_owner")]

    def __str__(self) -> str:
        return self.name


class PromptVersion(models.Model):
    """The words of a template at one time; `defaults` offers values for some of its places."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    template = models.ForeignKey(PromptTemplate, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    defaults = models.JSONField(default=dict)
    note = models.CharField(max_length=200, blank=True, default="")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["template", "number"], name="prompt_version_number_is_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class PromptLabel(models.Model):
    """A name for one version of a template, such as `production`, that can move to another."""

    template = models.ForeignKey(PromptTemplate, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=40)
    version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="labels")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "name"], name="prompt_label_is_unique"),
        ]

    def __str__(self) -> str:
        return self.name
