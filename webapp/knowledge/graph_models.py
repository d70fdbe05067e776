"""The knowledge graph: what texts name, what they say about it, and where they say so.

Nothing here stands without its passage. Mentions and relations point at exact characters of a
passage and go with it; an entity is no more than the name that gathers them.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from webapp.common.ids import uuid7
from webapp.knowledge.entities_words import MAX_NAME_LENGTH, EntityKind
from webapp.search.models import Passage

KIND_CHOICES = [(kind.value, kind.value) for kind in EntityKind]


class Entity(models.Model):
    """Something that the texts of one owner name.

    `space` and `key` are what makes it one and the same (`entities_words.alias_key`). An owner may
    join it to another entity (`joined_to`), which leaves everything in its place, so that it can
    be undone. `kind` and `num_mentions` are counted from what is joined under it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="entities"
    )
    space = models.CharField(max_length=16)
    key = models.CharField(max_length=MAX_NAME_LENGTH)
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    kind = models.CharField(max_length=16, choices=KIND_CHOICES)
    num_mentions = models.PositiveIntegerField(default=0)
    joined_to = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="joined"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "entities"
        constraints = [
            models.UniqueConstraint(fields=["owner", "space", "key"], name="entity_is_one"),
            models.CheckConstraint(
                condition=Q(joined_to__isnull=True) | ~Q(joined_to=F("id")),
                name="entity_is_not_joined_to_itself",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-num_mentions", "id"], name="entity_by_mentions")
        ]

    def __str__(self) -> str:
        return self.name


class EntityAlias(models.Model):
    """A spelling that stands for an entity.

    `entity` is where reading the text put it, `split_to` where the owner put it instead. `root` is
    what it comes to after that and after all joining; reads follow it alone, and the operations
    that join and split keep it right.
    """

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="aliases")
    split_to = models.ForeignKey(
        Entity, null=True, blank=True, on_delete=models.SET_NULL, related_name="split_aliases"
    )
    root = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="shown_aliases")
    text = models.CharField(max_length=MAX_NAME_LENGTH)
    key = models.CharField(max_length=MAX_NAME_LENGTH)

    class Meta:
        verbose_name_plural = "entity aliases"
        constraints = [
            models.UniqueConstraint(fields=["entity", "text"], name="entity_alias_is_one")
        ]
        indexes = [models.Index(fields=["key"], name="entity_alias_key")]

    def __str__(self) -> str:
        return self.text


class PassageReading(models.Model):
    """That a passage was read for the graph, and by which version of the rules.

    A passage without one is read soon. A changed text loses its reading with all that came of it,
    which a trigger sees to (migration 0030).
    """

    passage = models.OneToOneField(
        Passage, primary_key=True, on_delete=models.CASCADE, related_name="reading"
    )
    extractor = models.CharField(max_length=32)
    version = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.passage_id} by {self.extractor} {self.version}"


class Mention(models.Model):
    """Characters `start` to `end` of a passage's own text, which name an entity."""

    alias = models.ForeignKey(EntityAlias, on_delete=models.CASCADE, related_name="mentions")
    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="mentions")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=KIND_CHOICES)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["passage", "start", "end", "alias"], name="mention_is_one"
            ),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="mention_is_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.start}-{self.end} of {self.passage_id}"


class Relation(models.Model):
    """What the sentence at characters `start` to `end` of a passage says of two entities."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subject = models.ForeignKey(EntityAlias, on_delete=models.CASCADE, related_name="said_of")
    predicate = models.CharField(max_length=120)
    object = models.ForeignKey(EntityAlias, on_delete=models.CASCADE, related_name="said_with")
    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="relations")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    confidence = models.FloatField()
    extractor = models.CharField(max_length=32)
    version = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="relation_has_sentence"),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1),
                name="relation_confidence_is_a_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject_id} {self.predicate} {self.object_id}"
