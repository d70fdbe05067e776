"""What was asked for and what came of it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.common.ids import uuid7
from webapp.generations.inputs import InputReference, KeptInput
from webapp.jobs.models import Job


class Provenance(models.TextChoices):
    """Whether content was made by people or by a model; kept with every row from the start."""

    REAL = "real"
    SYNTHETIC = "synthetic"


class BatchQuerySet(models.QuerySet["Batch"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> BatchQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)

    def comparisons(self) -> BatchQuerySet:
        """Those of one prompt to several models, which have pages and addresses of their own."""
        return self.filter(is_comparison=True)


class Batch(models.Model):
    """One request for many generations.

    `axes` lists what they differ by, `{name, values}` each; the place of a generation counts
    through them with the last one changing fastest. A comparison has one generation of each model,
    in the order of the axis `model`; the app `comparisons` shows it and keeps the votes on it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="batches"
    )
    #: As it was asked for: a slug, or that the prompts choose; empty for a comparison.
    model = models.CharField(max_length=64)
    axes = models.JSONField()
    total = models.PositiveSmallIntegerField()
    is_comparison = models.BooleanField(default=False, db_default=False)
    #: Whether the models of a comparison are not told before one has voted.
    is_blind = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(
                condition=Q(is_blind=False) | Q(is_comparison=True),
                name="batch_is_blind_as_a_comparison",
            )
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="batch_owner")]

    def __str__(self) -> str:
        return f"{self.total} generations"

    @property
    def prompts(self) -> list[str]:
        """The prompts of its generations, of which a comparison has one."""
        return next(axis["values"] for axis in self.axes if axis["name"] == "prompt")

    @property
    def has_sweep(self) -> bool:
        """Whether a parameter has several values."""
        fixed = {"prompt", "seed"}
        return any(axis["name"] not in fixed for axis in self.axes if len(axis["values"]) > 1)


class GenerationQuerySet(models.QuerySet["Generation"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> GenerationQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)

    def with_details(self) -> GenerationQuerySet:
        """Everything that the page and the REST object of a generation show, in two queries."""
        return self.select_related(
            "job", "checkpoint", "owner", "response", "reproduction", "prompt_version"
        ).prefetch_related("response__artifacts")

    def kept(self) -> GenerationQuerySet:
        """Rows that are not in the trash."""
        return self.filter(trashed_at__isnull=True)


class Standing(models.TextChoices):
    """What the decisions of reviewers come to: all agree, one flagged it, or they disagree."""

    APPROVED = "approved"
    REJECTED = "rejected"
    FLAGGED = "flagged"
    DISPUTED = "disputed"


class Generation(models.Model):
    """A validated request and the place where its result is remembered.

    Its state is that of its job. `seed` is always concrete, so the recipe can be run again.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=Func(models.Value("generations_number"), function="nextval"),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="generations"
    )
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="generation")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+")
    checkpoint_revision = models.CharField(max_length=64)
    routed = models.BooleanField(default=False)
    prompt = models.TextField()
    parameters = models.JSONField(default=dict)
    #: The files that it starts from, by the names of the card's inputs; see `KeptInput`.
    inputs = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    tags = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    provenance = models.CharField(
        max_length=16, choices=Provenance, default=Provenance.SYNTHETIC, editable=False
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    retried_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries"
    )
    #: The result whose parameters or seed it was made with, as its owner chose to.
    reference = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="referring"
    )
    #: The version of a kept prompt that its prompt was made from, and what was put into it.
    prompt_version = models.ForeignKey(
        "prompts.PromptVersion",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="generations",
    )
    variables = models.JSONField(default=dict, db_default={})
    batch = models.ForeignKey(
        Batch, null=True, blank=True, on_delete=models.SET_NULL, related_name="generations"
    )
    batch_place = models.PositiveSmallIntegerField(null=True, blank=True)
    #: What the newest feedback of each person comes to; the app `review` keeps it.
    mean_score = models.FloatField(null=True, blank=True, editable=False)
    num_scores = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    #: What the decisions of reviewers come to, empty without any; the app `review` keeps it.
    standing = models.CharField(
        max_length=16, choices=Standing, blank=True, default="", db_default="", editable=False
    )
    #: Counts what people changed in it since: tags and trash. What workers do is not counted.
    revision = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = GenerationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "batch_place"], name="generation_batch_place_is_unique"
            ),
            models.CheckConstraint(
                condition=Q(seed__gte=0), name="generation_seed_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(provenance="synthetic"), name="generation_is_synthetic"
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="generation_owner"),
            models.Index(fields=["created_at"], name="generation_created"),
            GinIndex(fields=["tags"], name="generation_tags"),
            # For who started from an artifact; most start from nothing.
            GinIndex(fields=["inputs"], condition=~Q(inputs={}), name="generation_inputs"),
            models.Index(
                fields=["mean_score"],
                condition=Q(mean_score__isnull=False),
                name="generation_score",
            ),
            models.Index(
                fields=["standing", "-id"],
                condition=~Q(standing=""),
                name="generation_standing",
            ),
        ]

    def __str__(self) -> str:
        return self.accession

    @property
    def accession(self) -> str:
        """The catalogue number that people quote, such as P-2026-000142."""
        return f"P-{self.created_at:%Y}-{self.number:06d}"

    @property
    def kept_inputs(self) -> dict[str, KeptInput]:
        """The files that it starts from, by name."""
        return {name: KeptInput.from_json(raw) for name, raw in self.inputs.items()}

    @property
    def input_references(self) -> dict[str, InputReference]:
        """How another request names the same files, wherever they were taken from at first."""
        return {name: InputReference("generation", self.id) for name in self.inputs}


class Tag(models.Model):
    """A word that its owner puts on generations, and how they spell it.

    A generation holds the names of its tags; `tag_operations` keeps the two in step. `key` is what
    makes a tag itself, whatever its case (`tags.key_of`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tags"
    )
    name = models.CharField(max_length=64)
    key = models.CharField(max_length=256, db_collation="C")
    #: Counts the changes that its owner made to it.
    revision = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="tag_is_unique_for_owner"),
            models.CheckConstraint(condition=~Q(key=""), name="tag_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Response(models.Model):
    """What a generation came to: exactly one for each that succeeded, none for any other."""

    generation = models.OneToOneField(
        Generation, primary_key=True, on_delete=models.CASCADE, related_name="response"
    )
    fence = models.BigIntegerField()
    text = models.TextField(blank=True, default="")
    metrics = models.JSONField(default=dict)
    extra = models.JSONField(default=dict)
    #: What the result depended on beside the request, for when it is made again.
    environment = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"response of {self.generation_id}"


class Verdict(models.TextChoices):
    """How near a result that was made again came to the first."""

    BIT_EXACT = "bit_exact"
    PERCEPTUALLY_EQUAL = "perceptually_equal"
    DIVERGED = "diverged"


class Reproduction(models.Model):
    """A generation that was asked to make another's result again, and what came of it.

    The verdict is empty until its result is stored, and stays so where it has none.
    """

    generation = models.OneToOneField(
        Generation, primary_key=True, on_delete=models.CASCADE, related_name="reproduction"
    )
    original = models.ForeignKey(
        Generation, on_delete=models.CASCADE, related_name="reproductions"
    )
    original_sha256 = models.CharField(max_length=64)
    verdict = models.CharField(max_length=32, choices=Verdict, blank=True, default="")
    facts = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["", *Verdict.values]),
                name="reproduction_verdict_is_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.generation_id} of {self.original_id}: {self.verdict or 'open'}"


class Artifact(models.Model):
    """A file of a response, kept in the blob store under its SHA-256."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="artifacts")
    ordinal = models.PositiveSmallIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    media_type = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["response", "ordinal"], name="artifact_ordinal_is_unique"
            )
        ]
        indexes = [models.Index(fields=["sha256"], name="artifact_sha256")]

    def __str__(self) -> str:
        return f"{self.media_type} {self.sha256[:12]}"


class UploadQuerySet(models.QuerySet["Upload"]):
    """Filters by their use."""

    def visible_to(self, user: User) -> UploadQuerySet:
        """Own rows; for reviewers and admins everybody's."""
        return self if user.sees_everything else self.filter(owner=user)


class Upload(models.Model):
    """A picture that somebody brought for generations to start from.

    Its bytes lie in the blob store, drawn anew from what was sent (`uploading.py`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="uploads"
    )
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    media_type = models.CharField(max_length=64)
    #: What the file was called when its owner first sent it.
    name = models.CharField(max_length=255)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "sha256"], name="upload_is_unique_for_owner")
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="upload_owner")]

    def __str__(self) -> str:
        return self.name
