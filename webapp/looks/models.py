"""What pictures show, as vectors beside which sentences lie too."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from pgvector.django import HalfVectorField, HnswIndex

from webapp.common.ids import uuid7
from webapp.generations.models import Generation, Upload

#: Width of the space; a network of another width is not used.
DIMS = 128


class Look(models.Model):
    """The unit vector of one picture: of the result of a generation, or of an upload.

    `weights` is the SHA-256 of the network that saw it; those of two networks are never compared.
    `trouble` is why there is no vector, so that an unreadable file is not tried for ever. `fit` is
    the cosine with the prompt of its generation. Who may see it and whether it is in the trash its
    origin says, and nothing here repeats that. Rows are inserted and deleted, never updated.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    generation = models.OneToOneField(
        Generation, null=True, blank=True, on_delete=models.CASCADE, related_name="look"
    )
    upload = models.OneToOneField(
        Upload, null=True, blank=True, on_delete=models.CASCADE, related_name="look"
    )
    weights = models.CharField(max_length=64)
    embedding = HalfVectorField(dimensions=DIMS, null=True)
    fit = models.FloatField(null=True)
    trouble = models.CharField(max_length=300, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(generation__isnull=True) ^ Q(upload__isnull=True),
                name="look_has_exactly_one_origin",
            ),
            models.CheckConstraint(
                condition=Q(embedding__isnull=True) ^ Q(trouble=""),
                name="look_has_a_vector_or_a_reason",
            ),
        ]
        indexes = [
            HnswIndex(
                name="look_graph",
                fields=["embedding"],
                m=16,
                ef_construction=64,
                opclasses=["halfvec_ip_ops"],
            )
        ]

    def __str__(self) -> str:
        return f"look of {self.generation_id or self.upload_id}"
