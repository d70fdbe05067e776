"""What was done to many generations at once, so that it can be told again and taken back."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from webapp.collections.models import Collection
from webapp.common.ids import uuid7
from webapp.generations.models import Generation


class Action(models.TextChoices):
    """What can be done to many."""

    TAG = "tag"
    UNTAG = "untag"
    COLLECT = "collect"
    TRASH = "trash"
    RESTORE = "restore"
    CANCEL = "cancel"
    RETRY = "retry"


#: What can be taken back with everything as it was.
UNDOABLE = frozenset({Action.TAG, Action.UNTAG, Action.TRASH})


class BulkAct(models.Model):
    """One call for many generations.

    It is stored before the first of them is touched and finished after the last, so a call that
    was cut in between is known by its open end, and the same call again goes on with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bulk_acts"
    )
    action = models.CharField(max_length=16, choices=Action)
    tags = ArrayField(models.CharField(max_length=64), default=list)
    collection = models.ForeignKey(
        Collection, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: Counted with every part, in the transaction that changes it.
    num_changed = models.PositiveIntegerField(default=0, db_default=0)
    num_selected = models.PositiveIntegerField(default=0, db_default=0)
    #: `{id, code, detail}` of each that was left as it is for a reason.
    refused = models.JSONField(default=list)
    #: What goes to the trash by it has this time there, by which it is known when taken back.
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "-id"], name="bulk_act_owner")]

    def __str__(self) -> str:
        return f"{self.action} of {self.num_selected}"

    @property
    def is_undoable(self) -> bool:
        """Whether there is something that can be taken back."""
        return (
            self.action in UNDOABLE
            and self.finished_at is not None
            and self.undone_at is None
            and self.num_changed > 0
        )


class BulkChange(models.Model):
    """A generation that an act changed, for those acts that can be taken back."""

    act = models.ForeignKey(BulkAct, on_delete=models.CASCADE, related_name="changes")
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="+")
    #: The tags that it gained or lost by it.
    tags = ArrayField(models.CharField(max_length=64), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["act", "generation"], name="bulk_change_is_unique")
        ]

    def __str__(self) -> str:
        return f"{self.generation_id} by {self.act_id}"
