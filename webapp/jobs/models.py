"""Jobs: work that is accepted once and ends exactly once, whatever dies in between."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from webapp.common.ids import uuid7


class WorkerState(models.TextChoices):
    """A worker process is active, told to take no more, or gone."""

    ACTIVE = "active"
    DRAINING = "draining"
    DEAD = "dead"


class Worker(models.Model):
    """One pool process. Its single heartbeat is the lease of every job that it runs.

    No column that a heartbeat changes is indexed, so that beats stay cheap (HOT updates).
    """

    queues = ArrayField(models.CharField(max_length=64))
    node = models.CharField(max_length=255)
    slot = models.SmallIntegerField()
    pid = models.IntegerField()
    state = models.CharField(
        max_length=16, choices=WorkerState, default=WorkerState.ACTIVE, db_default="active"
    )
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    info = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=WorkerState.values), name="worker_state_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.node}/{self.slot} ({self.pid})"


class JobState(models.TextChoices):
    """See Job for the way through them."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Priority(models.IntegerChoices):
    """Lower numbers first. Within a priority the owners' fair shares decide."""

    HIGH = 3
    NORMAL = 5
    LOW = 7


#: A state as people see it: `Job.status`.
STATUSES = (*JobState.values, "canceling")
TERMINAL_STATES = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED, JobState.EXPIRED)


class Job(models.Model):
    """A unit of accepted work. The row is the truth; messages only say that there is one.

        (submit) ─► queued ─► running ─► succeeded | failed | canceled
                     │  ▲        │
                     │  └────────┘  retry, worker lost, released by a draining worker
                     ├─► canceled | expired
        failed ─► queued            an admin tries again

    A trigger refuses every other change, counts `status_seq` and writes the history (JobEvent).
    A running job belongs to the worker that holds its `fence`; a number that is never used twice.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=32)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    queue = models.CharField(max_length=64)
    batch_key = models.CharField(max_length=128, blank=True, default="")
    priority = models.SmallIntegerField(choices=Priority, default=Priority.NORMAL)
    #: When it is its turn, in the virtual time of its queue and priority (`jobs/admission.py`).
    start_tag = models.FloatField(default=0.0)
    #: What it was taken to cost when it was let in, and what it has cost.
    estimated_seconds = models.FloatField(default=1.0)
    used_seconds = models.FloatField(default=0.0)
    #: Not before this; by when it must have started; by when it must have ended.
    sched_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    finish_by = models.DateTimeField(null=True, blank=True)
    attempt_seconds = models.PositiveIntegerField()
    #: Whether it counts as something that its owner has waiting or running.
    limited = models.BooleanField(default=True, db_default=True)
    state = models.CharField(
        max_length=16, choices=JobState, default=JobState.QUEUED, db_default="queued"
    )
    status_seq = models.PositiveIntegerField(default=1)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=4)
    crashes = models.PositiveSmallIntegerField(default=0)
    fence = models.BigIntegerField(null=True)
    worker = models.ForeignKey(Worker, null=True, on_delete=models.PROTECT, related_name="jobs")
    deadline_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    progress = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=JobState.values), name="job_state_is_known"
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="running", fence__isnull=False, worker__isnull=False)
                    | (~Q(state="running") & Q(fence__isnull=True, worker__isnull=True))
                ),
                name="job_lease_iff_running",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state__in=TERMINAL_STATES, finished_at__isnull=False)
                    | (~Q(state__in=TERMINAL_STATES) & Q(finished_at__isnull=True))
                ),
                name="job_finished_iff_terminal",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "priority", "start_tag", "id"],
                name="job_claim",
                condition=Q(state="queued"),
            ),
            models.Index(fields=["worker"], name="job_running", condition=Q(state="running")),
            models.Index(F("owner"), F("created_at").desc(), name="job_owner"),
            models.Index(fields=["kind", "created_at"], name="job_created"),
            models.Index(fields=["owner"], name="job_owner_queued", condition=Q(state="queued")),
            models.Index(
                fields=["owner", "finished_at"],
                name="job_owner_finished",
                condition=Q(finished_at__isnull=False),
            ),
            models.Index(
                fields=["finished_at"], name="job_finished", condition=Q(finished_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id} {self.state}"

    @property
    def terminal(self) -> bool:
        """Whether the job has ended and will not change by itself."""
        return self.state in TERMINAL_STATES

    @property
    def status(self) -> str:
        """The state as people see it: `canceling` while a running job is asked to stop."""
        if self.state == JobState.RUNNING and self.cancel_requested_at is not None:
            return "canceling"
        return self.state


class FairShare(models.Model):
    """Where in the virtual time of a queue and priority the last job of an owner will end."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    queue = models.CharField(max_length=64)
    priority = models.SmallIntegerField(choices=Priority)
    finish_tag = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "queue", "priority"], name="fair_share_is_unique"
            )
        ]
        indexes = [
            models.Index(fields=["queue", "priority", "finish_tag"], name="fair_share_latest")
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} in {self.queue}: {self.finish_tag:.1f}"


class JobAttempt(models.Model):
    """One try at a job by one worker; open while `ended_at` is empty."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    fence = models.BigIntegerField()
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=32, blank=True, default="")
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "fence"], name="job_attempt_fence_is_unique")
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.fence} {self.outcome}"


class JobEvent(models.Model):
    """The history of a job's states, written by the trigger only."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=16)
    code = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "seq"], name="job_event_seq_is_unique")
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.seq} {self.status}"


class IdempotencyKey(models.Model):
    """Remembers what a client's key made, so that the same request again makes nothing new."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    endpoint = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    request_sha256 = models.CharField(max_length=64)
    object_id = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "endpoint", "key"], name="idempotency_key_is_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.key}"
