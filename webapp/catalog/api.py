"""REST: what the site can generate with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts.authentication import member
from webapp.accounts.permissions import RunsTheSite
from webapp.catalog import operations, queries
from webapp.catalog.loaded import count_loaded
from webapp.catalog.models import Checkpoint
from webapp.common.interface import StrictSerializer, list_of, parse_body, whole_list


class ModelOutput(serializers.Serializer[Any]):
    """A checkpoint; `card` is what it says about itself, parameters with their ranges included."""

    slug = serializers.CharField()
    name = serializers.CharField()
    family = serializers.CharField()
    modality = serializers.CharField()
    available = serializers.BooleanField()
    unavailable_reason = serializers.CharField()
    enabled = serializers.BooleanField()
    loaded_in = serializers.IntegerField(help_text="worker processes that hold it in memory")
    weights_sha256 = serializers.CharField()
    card = serializers.DictField()


def describe_checkpoint(checkpoint: Checkpoint, loaded: Mapping[str, int]) -> dict[str, Any]:
    """The REST object of a checkpoint; `loaded` counts the processes that hold each."""
    return {
        "slug": checkpoint.slug,
        "name": checkpoint.name,
        "family": checkpoint.family,
        "modality": checkpoint.modality,
        "available": checkpoint.available,
        "unavailable_reason": checkpoint.unavailable_reason,
        "enabled": checkpoint.enabled,
        "loaded_in": loaded.get(checkpoint.slug, 0),
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
        """Every model, those that are not available with the reason.

        Admins are told of those that are switched off too.
        """
        whole = member(request).runs_the_site
        rows = queries.list_all_checkpoints() if whole else queries.list_checkpoints()
        loaded = count_loaded()
        data = [describe_checkpoint(row, loaded) for row in rows]
        return Response(whole_list(data))


class ModelApi(APIView):
    """`/api/v1/models/{slug}`."""

    @extend_schema(operation_id="models_get", responses={200: ModelOutput})
    def get(self, request: Request, slug: str) -> Response:
        """One model."""
        return Response(describe_checkpoint(queries.get_checkpoint(slug), count_loaded()))


class ModelSwitchInput(StrictSerializer):
    """The body of `PUT /models/{slug}/enabled`."""

    enabled = serializers.BooleanField()


class ModelSwitchApi(APIView):
    """`/api/v1/models/{slug}/enabled`."""

    permission_classes = [IsAuthenticated, RunsTheSite]

    @extend_schema(
        operation_id="models_switch", request=ModelSwitchInput, responses={200: ModelOutput}
    )
    def put(self, request: Request, slug: str) -> Response:
        """Let requests for it in, or refuse them from now on with `model_unavailable`."""
        checkpoint = queries.get_checkpoint(slug)
        body = parse_body(ModelSwitchInput, request)
        operations.switch_checkpoint(checkpoint=checkpoint, enabled=body["enabled"])
        return Response(describe_checkpoint(queries.get_checkpoint(slug), count_loaded()))


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
