"""Chains of prompts, their versions, and what came of running them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from webapp.accounts.models import User
from webapp.chains.definitions import Definition
from webapp.common.ids import uuid7
from webapp.generations.models import Generation
from webapp.jobs.models import TERMINAL_STATES, JobState
from webapp.prompts.models import PromptVersion

#: A run is running from its first moment: its first step is queued in the same transaction.
RUN_STATES = (JobState.RUNNING, *TERMINAL_STATES)


class ChainQuerySet(models.QuerySet["Chain"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> ChainQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)


class Chain(models.Model):
    """Prompts that feed each other, under a name. Its steps are those of its versions.

    `revision` counts every change, so that one can be made to depend on what somebody has read.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="chains"
    )
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = ChainQuerySet.as_manager()

    class Meta:
        constraints = [
            # In the trash a name is free for others; restoring asks for it again.
            models.UniqueConstraint(
                "owner",
                Lower("name"),
                condition=Q(trashed_at__isnull=True),
                name="chain_name_is_unique",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="chain_has_a_name"),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="chain_owner")]

    def __str__(self) -> str:
        return self.name


class ChainVersion(models.Model):
    """The steps of a chain at one time, which never change; see `Definition`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    chain = models.ForeignKey(Chain, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition_data = models.JSONField()
    note = models.CharField(max_length=200, blank=True, default="")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["chain", "number"], name="chain_version_number_is_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"

    @property
    def definition(self) -> Definition:
        """The steps, and what a run is asked for."""
        return Definition.from_json(self.definition_data)


class ChainRunQuerySet(models.QuerySet["ChainRun"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> ChainRunQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)


class ChainRun(models.Model):
    """One way through the steps of a version.

        (start) ─► running ─► succeeded | failed | canceled | expired
                      ▲                        │
                      └──── retry ◄────────────┘   not from succeeded

    It ends when a step ended without a result, or none is left, and nothing of it runs any more.
    Whoever changes it holds its row locked, so each step is started once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="chain_runs"
    )
    chain = models.ForeignKey(Chain, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(ChainVersion, on_delete=models.PROTECT, related_name="runs")
    #: The values that were asked for, by name.
    inputs = models.JSONField(default=dict)
    state = models.CharField(
        max_length=16, choices=JobState, default=JobState.RUNNING, db_default="running"
    )
    status_seq = models.PositiveIntegerField(default=1)
    cancel_requested_at = models.DateTimeField(null=True)
    #: When a next step is to be tried; empty while a step that runs has to end first.
    look_at = models.DateTimeField(null=True)
    #: Why it failed, or why its next step has to wait.
    reason_code = models.CharField(max_length=64, blank=True, default="")
    reason_detail = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = ChainRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RUN_STATES), name="chain_run_state_is_known"
            ),
            models.CheckConstraint(
                condition=(
                    Q(state__in=TERMINAL_STATES, finished_at__isnull=False)
                    | (~Q(state__in=TERMINAL_STATES) & Q(finished_at__isnull=True))
                ),
                name="chain_run_finished_iff_terminal",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="chain_run_owner"),
            models.Index(F("chain"), F("id").desc(), name="chain_run_chain"),
            models.Index(
                fields=["owner", "finished_at"],
                name="chain_run_finished",
                condition=Q(finished_at__isnull=False),
            ),
            models.Index(fields=["id"], name="chain_run_active", condition=Q(state="running")),
        ]

    def __str__(self) -> str:
        return f"{self.chain_id} {self.state}"

    @property
    def terminal(self) -> bool:
        """Whether it has ended and will not change by itself."""
        return self.state in TERMINAL_STATES

    @property
    def status(self) -> str:
        """The state as people see it: `canceling` while what runs is asked to stop."""
        if not self.terminal and self.cancel_requested_at is not None:
            return "canceling"
        return self.state


class ChainRunStep(models.Model):
    """A step of a run. `state` is empty until it has ended; it has begun when `started_at` is set.

    Its generation is one like any other. `retried` is the one that came to no result before it.
    """

    run = models.ForeignKey(ChainRun, on_delete=models.CASCADE, related_name="steps")
    place = models.PositiveSmallIntegerField()
    #: The words that it says, as they were when the run began; empty where it has its own.
    prompt_version = models.ForeignKey(
        PromptVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    generation = models.OneToOneField(
        Generation, null=True, on_delete=models.SET_NULL, related_name="chain_step"
    )
    retried = models.ForeignKey(Generation, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=16, blank=True, default="")
    started_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "place"], name="chain_run_step_is_unique"),
            models.CheckConstraint(
                condition=Q(state__in=["", *TERMINAL_STATES]), name="chain_run_step_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"step {self.place + 1} of {self.run_id}"
