"""Who is told what over HTTP, and what came of telling."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from webapp.chains.models import ChainRun
from webapp.common.ids import uuid7
from webapp.generations.models import Generation
from webapp.jobs.models import Job


class EventType(models.TextChoices):
    """What can be told."""

    SUCCEEDED = "generation.succeeded"
    FAILED = "generation.failed"
    CANCELED = "generation.canceled"
    EXPIRED = "generation.expired"
    RUN_SUCCEEDED = "chain_run.succeeded"
    RUN_FAILED = "chain_run.failed"
    RUN_CANCELED = "chain_run.canceled"
    RUN_EXPIRED = "chain_run.expired"


#: Sent on request only, to see whether anything arrives.
TEST_EVENT = "webhook.test"


class Endpoint(models.Model):
    """An address that is told of its owner's generations and runs of chains.

    Without event types it is told only of generations that name it.
    Secrets are encrypted; the previous one signs too until `previous_secret_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    url = models.CharField(max_length=2048)
    description = models.CharField(max_length=200, blank=True, default="")
    event_types = ArrayField(models.CharField(max_length=64), blank=True)
    secret = models.TextField()
    previous_secret = models.TextField(blank=True, default="")
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    #: Why the site switched it off; empty where its owner did.
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    #: Messages in a row that were given up.
    num_dead = models.PositiveSmallIntegerField(default=0)
    #: Told is what ended later than this, as far as it has been looked for.
    enabled_at = models.DateTimeField(db_default=Now())
    looked_until = models.DateTimeField(db_default=Now())
    #: Counts the changes that its owner made to it.
    revision = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["owner", "-id"], name="webhook_endpoint_owner")]

    def __str__(self) -> str:
        return self.url


class Watch(models.Model):
    """An endpoint is told how one generation ends, whatever else it is told of.

    It goes once the message is queued.
    """

    generation = models.OneToOneField(Generation, on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="watches")

    class Meta:
        verbose_name_plural = "watches"

    def __str__(self) -> str:
        return f"{self.generation_id} for {self.endpoint_id}"


class Delivery(models.Model):
    """One message for one endpoint; its id stays the same however often it is sent.

    It is sent by a job; sending it again after that has ended takes another job.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    generation = models.ForeignKey(
        Generation, null=True, on_delete=models.CASCADE, related_name="+"
    )
    chain_run = models.ForeignKey(ChainRun, null=True, on_delete=models.CASCADE, related_name="+")
    event_type = models.CharField(max_length=64)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="delivery")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "generation", "event_type"],
                condition=Q(generation__isnull=False),
                name="webhook_delivery_is_unique",
            ),
            models.UniqueConstraint(
                fields=["endpoint", "chain_run", "event_type"],
                condition=Q(chain_run__isnull=False),
                name="webhook_delivery_of_run_is_unique",
            ),
        ]
        indexes = [models.Index(fields=["endpoint", "-id"], name="webhook_delivery_endpoint")]

    def __str__(self) -> str:
        return f"{self.event_type} to {self.endpoint_id}"

    @property
    def message_id(self) -> str:
        """The `webhook-id` header."""
        return f"msg_{self.id.hex}"


class DeliveryAttempt(models.Model):
    """One request that was sent, and what came back; without a status nothing did."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField(db_default=Now())
    status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField()
    #: The start of the answer, or why there is none.
    answer = models.TextField(blank=True, default="")
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["at"], name="webhook_attempt_at")]

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.status or self.error}"
