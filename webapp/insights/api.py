"""REST: usage over time."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts.authentication import member
from webapp.common.problems import Problem, invalid
from webapp.insights.periods import UNITS
from webapp.insights.queries import UnableToSeeUsage, read_usage
from webapp.insights.representation import describe_usage, write_table
from webapp.insights.requests import CUSTOM, GROUPS, PARAMETERS, SPANS, read_usage_request

CSV_TYPE = "text/csv"
#: How to ask for the other form without a header, as the rest framework names it.
_FORMAT = "format"
_CHOICES: dict[str, list[str]] = {"span": [*SPANS, CUSTOM], "by": list(GROUPS)}


class TableRenderer(BaseRenderer):
    """Comma-separated lines that the view has written."""

    media_type = CSV_TYPE
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,  # noqa: ANN401 -- as the base class
        accepted_media_type: str | None = None,
        renderer_context: Any = None,  # noqa: ANN401 -- as the base class
    ) -> bytes:
        """The lines as they are; a problem is a document in this form too."""
        if isinstance(data, str):
            return data.encode()
        written: bytes = JSONRenderer().render(data, accepted_media_type, renderer_context)
        return written


class SpreadOutput(serializers.Serializer[Any]):
    """Seconds that half of them took at most, and that 95 of 100 did."""

    p50 = serializers.FloatField()
    p95 = serializers.FloatField()


class FiguresOutput(serializers.Serializer[Any]):
    """What is known of some generations; null where there was nothing to measure."""

    total = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="by state")
    success_share = serializers.FloatField(
        allow_null=True, help_text="of those that neither wait nor run nor were canceled"
    )
    compute_seconds = serializers.FloatField()
    waited_s = SpreadOutput(allow_null=True)
    ran_s = SpreadOutput(allow_null=True)
    mean_score = serializers.FloatField(allow_null=True)
    num_scores = serializers.IntegerField()


class TotalOutput(FiguresOutput):
    """The figures of everything, and how many people asked for it."""

    num_people = serializers.IntegerField()


class SeriesOutput(FiguresOutput):
    """The figures of a family, a model or an outcome, and what its results are made of."""

    name = serializers.CharField()
    bytes = serializers.IntegerField()
    tokens = serializers.IntegerField()
    passes = serializers.IntegerField()


class BucketOutput(FiguresOutput):
    """The figures of an hour, a day, a week or a month, and of each series in it."""

    to = serializers.DateTimeField()
    series = serializers.DictField(child=FiguresOutput())

    def get_fields(self) -> dict[str, Any]:
        """With `from`, which Python keeps for itself."""
        return {"from": serializers.DateTimeField(), **super().get_fields()}


class FailureOutput(serializers.Serializer[Any]):
    """How many failed with a code."""

    code = serializers.CharField()
    total = serializers.IntegerField()
    series = serializers.DictField(child=serializers.IntegerField())


class PersonOutput(serializers.Serializer[Any]):
    """How many generations somebody asked for."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    total = serializers.IntegerField()
    compute_seconds = serializers.FloatField()
    series = serializers.DictField(child=serializers.IntegerField())


class SpanOutput(serializers.Serializer[Any]):
    """Which time was counted, and how it was cut."""

    to = serializers.DateTimeField()
    zone = serializers.CharField()
    unit = serializers.ChoiceField(choices=UNITS)
    by = serializers.ChoiceField(choices=GROUPS)

    def get_fields(self) -> dict[str, Any]:
        """With `from`, which Python keeps for itself."""
        return {"from": serializers.DateTimeField(), **super().get_fields()}


class InsightsOutput(serializers.Serializer[Any]):
    """Usage over time; `before` is of as much time right before, `people` null for authors."""

    span = SpanOutput()
    total = TotalOutput()
    before = TotalOutput()
    series = SeriesOutput(many=True)
    buckets = BucketOutput(many=True)
    failures = FailureOutput(many=True)
    people = PersonOutput(many=True, allow_null=True)


class InsightsApi(APIView):
    """`/api/v1/insights`."""

    renderer_classes = (JSONRenderer, TableRenderer)

    @extend_schema(
        operation_id="insights_get",
        parameters=[
            *(
                OpenApiParameter(name, int if name == "owner" else str, enum=_CHOICES.get(name))
                for name in PARAMETERS
            ),
            OpenApiParameter(_FORMAT, str, enum=["json", "csv"]),
        ],
        responses={
            (200, "application/json"): InsightsOutput,
            (200, CSV_TYPE): OpenApiResponse(str, "A line for each bucket and series."),
        },
    )
    def get(self, request: Request) -> Response:
        """How many generations there were, how long they took and how they were liked."""
        fields = request.query_params.dict()
        fields.pop(_FORMAT, None)
        now = timezone.now()
        wish, faults = read_usage_request(fields, now=now)
        if faults:
            raise invalid(faults)
        try:
            usage = read_usage(user=member(request), request=wish, now=now)
        except UnableToSeeUsage as error:
            detail = "Only reviewers and admins may see the usage of others."
            raise Problem(403, "permission_denied", detail) from error
        if request.accepted_renderer.format == TableRenderer.format:
            headers = {"Content-Disposition": 'attachment; filename="insights.csv"'}
            return Response(write_table(usage), headers=headers)
        return Response(describe_usage(usage))
