"""What the site can generate with: one row per checkpoint, kept in step with its card."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.functional import cached_property

from genmodels.contract import FAMILIES, Card

#: The family of checkpoints that are connected rather than trained here.
CONNECTED = "connected"


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

    @property
    def why_unusable(self) -> str:
        """Why no request for it is accepted now; empty where one is."""
        if not self.enabled:
            return "An admin has switched it off. What it made stays."
        return "" if self.available else self.unavailable_reason or "It cannot be read."


class CheckpointVersion(models.Model):
    """Weights that a slug has stood for, with the card that they came with.

    The row of the checkpoint has the newest; generations name theirs by the revision.
    """

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.CASCADE, related_name="versions")
    revision = models.CharField(max_length=64)
    card_data = models.JSONField()
    first_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["checkpoint", "revision"], name="checkpoint_version_is_kept_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.checkpoint_id}@{self.revision[:12]}"


class ConnectorKind(models.TextChoices):
    """Where a connected model runs: on a server elsewhere, or in a worker from a folder."""

    SERVER = "server"
    FOLDER = "folder"


class Protocol(models.TextChoices):
    """What a server is sent: a conversation of one message, or a text to go on with."""

    CHAT = "chat"
    COMPLETION = "completion"


class Connector(models.Model):
    """How a model of others is reached; the card of its checkpoint is made from it.

    `model` is what the server calls it, or the name of a folder below PINAKES_MODELS. What follows
    it is of servers only: `key` is encrypted, `seconds` is the longest that one answer may take.
    """

    checkpoint = models.OneToOneField(
        Checkpoint, on_delete=models.CASCADE, related_name="connector"
    )
    kind = models.CharField(max_length=8, choices=ConnectorKind.choices)
    model = models.CharField(max_length=200)
    url = models.CharField(max_length=2048, blank=True, default="")
    protocol = models.CharField(max_length=12, choices=Protocol.choices, default=Protocol.CHAT)
    key = models.TextField(blank=True, default="")
    seconds = models.PositiveIntegerField(default=300)
    #: How many answers are asked for at a time.
    max_requests = models.PositiveSmallIntegerField(default=4)
    #: Grows with each change, so that no worker goes on with what it knew before.
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=ConnectorKind.FOLDER, url="", key="")
                | (Q(kind=ConnectorKind.SERVER) & ~Q(url="")),
                name="connector_is_of_one_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} at {self.url}" if self.url else self.model
