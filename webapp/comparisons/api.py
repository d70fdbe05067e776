"""REST: one prompt to several models, side by side."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import MAX_SEED, Fault
from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_submit
from webapp.common.interface import (
    StrictSerializer,
    Text,
    WholeNumber,
    idempotency_key,
    list_of,
    parse_body,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import Problem, invalid
from webapp.comparisons import operations, queries
from webapp.comparisons.representation import describe_comparison
from webapp.comparisons.sides import LETTERS
from webapp.generations import operations as generations
from webapp.generations.comparing import FAMILIES_WISH, MAX_MODELS, MIN_MODELS, ComparisonRequest
from webapp.generations.models import Batch
from webapp.generations.requests import SubmitRequest
from webapp.generations.schema import (
    ArtifactOutput,
    ModelReferenceOutput,
    ProgressOutput,
    ReasonOutput,
)
from webapp.jobs.models import STATUSES

_FILTERS = ("trashed", "mine", "blind")
_SLUGS = {
    "type": "array",
    "items": {"type": "string", "maxLength": 64},
    "minItems": MIN_MODELS,
    "maxItems": MAX_MODELS,
}


@extend_schema_field({"oneOf": [_SLUGS, {"type": "string", "enum": [FAMILIES_WISH]}]})
class ModelsField(serializers.ListField):
    """Slugs, or that of every family one is to be taken."""

    child = Text(max_length=64)

    def to_internal_value(self, data: Any) -> Any:  # noqa: ANN401 -- as the base class
        """Let the word through and leave the rest to the list."""
        return data if data == FAMILIES_WISH else tuple(super().to_internal_value(data))


class ComparisonInput(StrictSerializer):
    """The body of `POST /comparisons`."""

    prompt = Text(allow_blank=True, trim_whitespace=False)
    models = ModelsField()
    blind = serializers.BooleanField(default=False)
    same_seed = serializers.BooleanField(default=True)
    seed = WholeNumber(required=False, allow_null=True, min_value=0, max_value=MAX_SEED)
    tags = serializers.ListField(child=Text(allow_blank=True), default=list)


class SideOutput(serializers.Serializer[Any]):
    """One result; who made it, and what tells it, is null until one may know."""

    letter = serializers.ChoiceField(choices=LETTERS)
    status = serializers.ChoiceField(choices=STATUSES)
    terminal = serializers.BooleanField()
    text = serializers.CharField(allow_null=True)
    artifacts = ArtifactOutput(many=True)
    status_reason = ReasonOutput(allow_null=True)
    progress = ProgressOutput(allow_null=True)
    model = ModelReferenceOutput(allow_null=True)
    seed = serializers.IntegerField(allow_null=True)
    generation = serializers.UUIDField(allow_null=True)


class ComparisonOutput(serializers.Serializer[Any]):
    """A comparison; made by `describe_comparison`, written out here for the schema."""

    id = serializers.UUIDField()
    terminal = serializers.BooleanField()
    progress = ProgressOutput()
    counts = serializers.DictField(child=serializers.IntegerField())
    prompt = serializers.CharField()
    same_seed = serializers.BooleanField()
    blind = serializers.BooleanField()
    revealed = serializers.BooleanField()
    sides = SideOutput(many=True)
    num_pairs = serializers.IntegerField()
    num_voted = serializers.IntegerField()
    next_pair = serializers.ListField(child=serializers.CharField(), allow_null=True)
    owner = serializers.CharField()
    created_at = serializers.DateTimeField()
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


def read_switches(query: dict[str, str], names: tuple[str, ...]) -> dict[str, bool]:
    """The switches of a list that were given; raises a 422 Problem for what is none."""
    given = {name: query[name] for name in names if name in query}
    faults = [
        Fault(f"?{name}", "invalid", "must be true or false")
        for name, raw in given.items()
        if raw not in {"true", "false"}
    ]
    if faults:
        raise invalid(faults)
    return {name: raw == "true" for name, raw in given.items()}


def find(request: Request, comparison_id: uuid.UUID) -> Batch:
    """A comparison that the user may see; a stranger's is answered like a missing one."""
    try:
        return queries.get_comparison(user=member(request), comparison_id=comparison_id)
    except queries.UnableToFindComparison as error:
        detail = "There is no such comparison, or it is not yours."
        raise Problem(404, "not_found", detail) from error


def _find_to_change(request: Request, comparison_id: uuid.UUID) -> Batch:
    """One that the user may change too: reviewers read and judge all, but change their own."""
    batch = find(request, comparison_id)
    user = member(request)
    if batch.owner_id != user.id and not user.runs_the_site:
        raise Problem(403, "permission_denied", "Only its owner and admins may change it.")
    return batch


def _describe(request: Request, comparison_id: uuid.UUID) -> dict[str, Any]:
    batch = find(request, comparison_id)
    return describe_comparison(queries.see_comparison(viewer=member(request), batch=batch))


class ComparisonsApi(APIView):
    """`/api/v1/comparisons`."""

    @extend_schema(
        operation_id="comparisons_list",
        parameters=[
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
            *(OpenApiParameter(name, bool) for name in _FILTERS),
        ],
        responses={200: list_of(ComparisonOutput)},
    )
    def get(self, request: Request) -> Response:
        """The comparisons that one may see, newest first."""
        query = request.query_params.dict()
        page = parse_page(query, filters=_FILTERS)
        only = queries.ComparisonFilter(**read_switches(query, _FILTERS))
        user = member(request)
        found = queries.list_comparisons(user=user, only=only, page=page)
        seen = queries.see_comparisons(viewer=user, batches=found.rows)
        return Response(found.to_dict([describe_comparison(each, brief=True) for each in seen]))

    @extend_schema(
        operation_id="comparisons_create",
        request=ComparisonInput,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={202: ComparisonOutput},
    )
    def post(self, request: Request) -> Response:
        """Send one prompt to several models, or to one of every family: all or none."""
        user = member(request)
        check_may_submit(user)
        body = parse_body(ComparisonInput, request)
        wish = ComparisonRequest(
            each=SubmitRequest(
                model="", prompt=body["prompt"], seed=body.get("seed"), tags=tuple(body["tags"])
            ),
            models=body["models"],
            same_seed=body["same_seed"],
            is_blind=body["blind"],
        )
        submitted = generations.submit_comparison(
            owner=user, request=wish, idempotency_key=idempotency_key(request)
        )
        answer = _describe(request, submitted.batch_id)
        headers = {"Location": answer["links"]["self"]}
        if submitted.replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(answer, status=202, headers=headers)


class ComparisonApi(APIView):
    """`/api/v1/comparisons/{id}`."""

    @extend_schema(operation_id="comparisons_get", responses={200: ComparisonOutput})
    def get(self, request: Request, comparison_id: uuid.UUID) -> Response:
        """One comparison, its sides in one's own order where it is blind."""
        return Response(_describe(request, comparison_id))

    @extend_schema(operation_id="comparisons_trash", responses={204: None})
    def delete(self, request: Request, comparison_id: uuid.UUID) -> Response:
        """Put it and its generations in the trash; its votes count no more meanwhile."""
        generations.trash_batch(batch=_find_to_change(request, comparison_id))
        return Response(status=204)


class CancelComparisonApi(APIView):
    """`/api/v1/comparisons/{id}/cancel`."""

    @extend_schema(
        operation_id="comparisons_cancel",
        request=None,
        responses={200: ComparisonOutput, 202: ComparisonOutput},
    )
    def post(self, request: Request, comparison_id: uuid.UUID) -> Response:
        """Stop what has not ended: 202 while something is stopping, 200 where all has ended."""
        generations.cancel_batch(batch=_find_to_change(request, comparison_id))
        answer = _describe(request, comparison_id)
        return Response(answer, status=200 if answer["terminal"] else 202)


class RestoreComparisonApi(APIView):
    """`/api/v1/comparisons/{id}/restore`."""

    @extend_schema(
        operation_id="comparisons_restore", request=None, responses={200: ComparisonOutput}
    )
    def post(self, request: Request, comparison_id: uuid.UUID) -> Response:
        """Take it out of the trash, with those of its generations that went there with it."""
        generations.restore_batch(batch=_find_to_change(request, comparison_id))
        return Response(_describe(request, comparison_id))


class RevealComparisonApi(APIView):
    """`/api/v1/comparisons/{id}/reveal`."""

    @extend_schema(
        operation_id="comparisons_reveal", request=None, responses={200: ComparisonOutput}
    )
    def post(self, request: Request, comparison_id: uuid.UUID) -> Response:
        """See who made what before all pairs are voted on; later votes are not blind then."""
        batch = find(request, comparison_id)
        try:
            operations.reveal_comparison(viewer=member(request), batch=batch)
        except operations.UnableToReveal as error:
            raise Problem(409, "conflict", str(error)) from error
        return Response(_describe(request, comparison_id))
