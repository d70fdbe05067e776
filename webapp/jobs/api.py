"""REST: what one may use, and what one uses."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts.authentication import member
from webapp.jobs import queries


class AmountOutput(serializers.Serializer[Any]):
    """How much of something is in use, and how much may be; no limit where that is null."""

    current = serializers.IntegerField()
    maximum = serializers.IntegerField(allow_null=True)


class ComputeSecondsOutput(serializers.Serializer[Any]):
    """Seconds of computing of this day (UTC); reserved are estimates for what has not ended."""

    used = serializers.FloatField()
    reserved = serializers.FloatField()
    maximum = serializers.IntegerField(allow_null=True)
    resets_in_s = serializers.IntegerField()


class UsageOutput(serializers.Serializer[Any]):
    """What one may use, and what one uses."""

    queued = AmountOutput()
    running = AmountOutput()
    compute_seconds_today = ComputeSecondsOutput()
    weight = serializers.FloatField()


class UsageApi(APIView):
    """`/api/v1/usage`."""

    @extend_schema(operation_id="usage_get", responses={200: UsageOutput})
    def get(self, request: Request) -> Response:
        """One's own limits, and what is used of them now."""
        standing = queries.standing_of(owner=member(request), always_count_seconds=True)
        limits = standing.limits
        return Response(
            {
                "queued": {"current": standing.queued, "maximum": limits.max_queued},
                "running": {"current": standing.running, "maximum": limits.max_running},
                "compute_seconds_today": {
                    "used": round(standing.used_seconds, 3),
                    "reserved": round(standing.reserved_seconds, 3),
                    "maximum": limits.compute_seconds_per_day,
                    "resets_in_s": standing.seconds_to_midnight,
                },
                "weight": limits.weight,
            }
        )
