"""REST: what the site can generate with."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.catalog import queries
from webapp.catalog.models import Checkpoint
from webapp.common.interface import list_of, whole_list


class ModelOutput(serializers.Serializer[Any]):
    """A checkpoint; `card` is what it says about itself, parameters with their ranges included."""

    slug = serializers.CharField()
    name = serializers.CharField()
    family = serializers.CharField()
    modality = serializers.CharField()
    available = serializers.BooleanField()
    unavailable_reason = serializers.CharField()
    weights_sha256 = serializers.CharField()
    card = serializers.DictField()


def describe_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    """The REST object of a checkpoint."""
    return {
        "slug": checkpoint.slug,
        "name": checkpoint.name,
        "family": checkpoint.family,
        "modality": checkpoint.modality,
        "available": checkpoint.available,
        "unavailable_reason": checkpoint.unavailable_reason,
        "weights_sha256": checkpoint.revision,
        "card": checkpoint.card_data,
    }


class ModelVersionOutput(serializers.Serializer[Any]):
    """Weights that a slug stands or stood for, with the card that they came with."""

    weights_sha256 = serializers.CharField()
    is_current = serializers.BooleanField()
    first_seen_at = serializers.DateTimeField()
    card = serializers.DictField()


class ModelsApi(APIView):
    """`/api/v1/models`."""

    @extend_schema(operation_id="models_list", responses={200: list_of(ModelOutput)})
    def get(self, request: Request) -> Response:
        """Every model, those that are not available with the reason."""
        data = [describe_checkpoint(row) for row in queries.list_checkpoints()]
        return Response(whole_list(data))


class ModelApi(APIView):
    """`/api/v1/models/{slug}`."""

    @extend_schema(operation_id="models_get", responses={200: ModelOutput})
    def get(self, request: Request, slug: str) -> Response:
        """One model."""
        return Response(describe_checkpoint(queries.get_checkpoint(slug)))


class ModelVersionsApi(APIView):
    """`/api/v1/models/{slug}/versions`."""

    @extend_schema(
        operation_id="model_versions_list", responses={200: list_of(ModelVersionOutput)}
    )
    def get(self, request: Request, slug: str) -> Response:
        """The weights that this slug has stood for since the site knows it, newest first.

        Generations name theirs in `model.weights_sha256`.
        """
        del request
        checkpoint = queries.get_checkpoint(slug)
        data = [
            {
                "weights_sha256": row.revision,
                "is_current": row.revision == checkpoint.revision,
                "first_seen_at": row.first_seen_at,
                "card": row.card_data,
            }
            for row in queries.list_versions(checkpoint=checkpoint)
        ]
        return Response(whole_list(data))
