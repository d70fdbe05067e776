"""People, their roles and the keys that act in their name."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.utils.functional import cached_property

from webapp.common.ids import uuid7


class Role(models.TextChoices):
    """Roles are groups of these names; a user may have several."""

    AUTHOR = "author"
    REVIEWER = "reviewer"
    ADMIN = "admin"


class User(AbstractUser):
    """A person. Authors submit, reviewers read everything, admins also run the site."""

    #: See `Preferences`; what was never chosen is not in it.
    preferences = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))

    #: The names of the groups where they were read with the row.
    group_names: list[str] | None = None

    @cached_property
    def roles(self) -> frozenset[str]:
        """The names of the groups, read once per object; superusers have every role."""
        if self.is_superuser:
            return frozenset(Role.values)
        names = self.group_names
        if names is None:
            names = list(self.groups.values_list("name", flat=True))
        return frozenset(names) & frozenset(Role.values)

    @property
    def may_submit(self) -> bool:
        """Whether prompts, documents and questions are taken from this user."""
        return bool(self.roles)

    @property
    def sees_everything(self) -> bool:
        """Whether rows of other owners are visible to this user."""
        return bool(self.roles & {Role.REVIEWER, Role.ADMIN})

    @property
    def runs_the_site(self) -> bool:
        """Whether this user may change models, users and other people's rows."""
        return Role.ADMIN in self.roles

    def may_change(self, owner_id: int) -> bool:
        """Whether this user may change what belongs to somebody; reviewers change their own."""
        return owner_id == self.pk or self.runs_the_site


class Quota(models.Model):
    """What one user may use, where that differs from everybody's settings; empty means as those.

    `weight` is the user's part where several wait: twice the weight gets twice the seconds.
    """

    user = models.OneToOneField(
        User, primary_key=True, on_delete=models.CASCADE, related_name="quota"
    )
    max_queued = models.PositiveIntegerField(null=True, blank=True)
    max_running = models.PositiveIntegerField(null=True, blank=True)
    compute_seconds_per_day = models.PositiveIntegerField(null=True, blank=True)
    weight = models.FloatField(default=1.0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(weight__gte=0.01, weight__lte=100), name="quota_weight_is_reasonable"
            )
        ]

    def __str__(self) -> str:
        return f"quota of {self.user_id}"


class Scope(models.TextChoices):
    """What a key may do of what its user may do."""

    READ = "read", "read"
    WRITE = "write", "write"
    #: Make and end keys, and, where the user is an admin, run the site: with it a key could give
    #: itself all else.
    MANAGE = "manage", "manage"


#: What a new key gets where nothing is said.
USUAL_SCOPES = (Scope.READ, Scope.WRITE)


def all_scopes() -> list[str]:
    """What a key had before there were scopes."""
    return list(Scope.values)


class ApiKey(models.Model):
    """A secret that acts as its user. Only its SHA-256 is kept; the key is shown once.

    A key has 256 random bits, so a plain hash cannot be guessed backwards.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    #: Keys from before there were scopes have all of them.
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope), default=all_scopes)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=models.F("created_at")),
                name="api_key_expires_after_creation",
            ),
            models.CheckConstraint(
                condition=Q(scopes__len__gt=0)
                & Q(scopes__contained_by=["read", "write", "manage"]),
                name="api_key_has_known_scopes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
