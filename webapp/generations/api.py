"""REST: generations."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import FAMILIES, MAX_SEED, Fault
from webapp.accounts.authentication import member
from webapp.accounts.models import User
from webapp.catalog.queries import AUTO, UnableToUseCheckpoint
from webapp.common.interface import (
    StrictSerializer,
    Text,
    WholeNumber,
    idempotency_key,
    key_was_reused,
    list_of,
    parse_body,
    refused,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import Problem, invalid
from webapp.generations import operations, queries
from webapp.generations.inputs import REFERENCE_KINDS, InputReference
from webapp.generations.models import Generation, Verdict
from webapp.generations.representation import describe_generation
from webapp.generations.requests import SubmitRequest
from webapp.jobs.admission import Refused
from webapp.jobs.models import STATUSES, JobState, Priority
from webapp.jobs.operations import UnableToReuseIdempotencyKey
from webapp.prompts.api import TemplateInput, read_use
from webapp.prompts.requests import render_template

_PRIORITIES = [priority.name.lower() for priority in Priority]
#: The furthest that a start or an end may be asked for.
_MAX_SECONDS = 30 * 24 * 3600
#: More files than any card names.
_MAX_INPUTS = 16
_FILTERS = ("status", "model", "family", "tag", "batch", "from", "to", "mine", "trashed")


class InputReferenceInput(StrictSerializer):
    """A file to start from: an upload, a result's artifact, or what a generation started from."""

    upload = serializers.UUIDField(required=False)
    artifact = serializers.UUIDField(required=False)
    generation = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, uuid.UUID]) -> dict[str, uuid.UUID]:
        """Exactly one of them."""
        if len(attrs) != 1:
            kinds = ", ".join(REFERENCE_KINDS)
            raise serializers.ValidationError(f"must have exactly one of {kinds}", "invalid")
        return attrs


class WishInput(StrictSerializer):
    """What the bodies of one generation and of many have in common."""

    model = Text(default=AUTO, max_length=64)
    params = serializers.DictField(default=dict)
    inputs = serializers.DictField(child=InputReferenceInput(), default=dict)
    seed = WholeNumber(required=False, allow_null=True, min_value=0, max_value=MAX_SEED)
    tags = serializers.ListField(child=Text(allow_blank=True), default=list)
    # `parent` is also an attribute of fields, but of their instances: the metaclass takes this
    # away.
    parent = serializers.UUIDField(  # type: ignore[assignment]
        required=False, allow_null=True
    )
    reference = serializers.UUIDField(required=False, allow_null=True)
    priority = serializers.ChoiceField(choices=_PRIORITIES, default="normal")
    expires_in = WholeNumber(required=False, allow_null=True, min_value=1, max_value=_MAX_SECONDS)
    deadline_in = WholeNumber(required=False, allow_null=True, min_value=1, max_value=_MAX_SECONDS)

    def validate_inputs(
        self, value: dict[str, dict[str, uuid.UUID]]
    ) -> dict[str, dict[str, uuid.UUID]]:
        """Refuse what would cost many queries to find out that no card takes it."""
        if len(value) > _MAX_INPUTS:
            raise serializers.ValidationError(f"at most {_MAX_INPUTS} files", "too_many")
        return value


class GenerationInput(WishInput):
    """The body of `POST /generations`: a prompt, or a kept one and the values for its places."""

    prompt = Text(required=False, allow_blank=True, trim_whitespace=False)
    template = TemplateInput(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one of the two."""
        if attrs.get("template") is None and "prompt" not in attrs:
            raise serializers.ValidationError(
                {"prompt": self.fields["prompt"].error_messages["required"]}, "required"
            )
        if attrs.get("template") is not None and "prompt" in attrs:
            raise serializers.ValidationError(
                {"template": "give a prompt or a template, not both"}, "invalid"
            )
        return attrs


class QueueOutput(serializers.Serializer[Any]):
    """Where a waiting generation stands."""

    position = serializers.IntegerField()
    eta_s = serializers.IntegerField(allow_null=True)


class ProgressOutput(serializers.Serializer[Any]):
    """How far a running generation is."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()
    unit = serializers.CharField()


class ReasonOutput(serializers.Serializer[Any]):
    """Why a generation ended as it did."""

    code = serializers.CharField()
    detail = serializers.CharField()


class ModelReferenceOutput(serializers.Serializer[Any]):
    """The checkpoint that a generation uses."""

    slug = serializers.CharField()
    family = serializers.ChoiceField(choices=FAMILIES)
    modality = serializers.CharField()
    weights_sha256 = serializers.CharField()
    routed = serializers.BooleanField()


class ArtifactOutput(serializers.Serializer[Any]):
    """A file."""

    id = serializers.UUIDField()
    media_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    url = serializers.CharField()


class InputOutput(serializers.Serializer[Any]):
    """A file that a generation starts from; where it was taken from may be gone by now."""

    media_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    upload = serializers.UUIDField(allow_null=True)
    artifact = serializers.UUIDField(allow_null=True)
    url = serializers.CharField()


class PlaceInBatchOutput(serializers.Serializer[Any]):
    """The batch that a generation belongs to, and its place in it."""

    id = serializers.UUIDField()
    place = serializers.IntegerField()


class ReproductionOutput(serializers.Serializer[Any]):
    """What came of making a result again; the verdict is null until there is a result."""

    original = serializers.UUIDField()
    verdict = serializers.ChoiceField(choices=Verdict.choices, allow_null=True)
    facts = serializers.DictField()


class ScoreOutput(serializers.Serializer[Any]):
    """What people think of a result: the mean of the newest score of each, from 1 to 5."""

    mean = serializers.FloatField()
    num_scores = serializers.IntegerField()


class UsedTemplateOutput(serializers.Serializer[Any]):
    """The kept prompt that a prompt was made from."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    variables = serializers.DictField(child=serializers.CharField())


class GenerationOutput(serializers.Serializer[Any]):
    """A generation; made by `describe_generation`, written out here for the schema."""

    id = serializers.UUIDField()
    accession = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    terminal = serializers.BooleanField()
    status_seq = serializers.IntegerField()
    status_reason = ReasonOutput(allow_null=True)
    progress = ProgressOutput(allow_null=True)
    queue = QueueOutput(allow_null=True)
    model = ModelReferenceOutput()
    prompt = serializers.CharField()
    params = serializers.DictField()
    inputs = serializers.DictField(child=InputOutput())
    seed = serializers.IntegerField()
    tags = serializers.ListField(child=serializers.CharField())
    score = ScoreOutput(allow_null=True)
    provenance = serializers.CharField()
    owner = serializers.CharField()
    parent = serializers.UUIDField(allow_null=True)  # type: ignore[assignment]
    reference = serializers.UUIDField(allow_null=True)
    template = UsedTemplateOutput(allow_null=True)
    retried_from = serializers.UUIDField(allow_null=True)
    batch = PlaceInBatchOutput(allow_null=True)
    reproduction = ReproductionOutput(allow_null=True)
    text = serializers.CharField(allow_null=True)
    artifacts = ArtifactOutput(many=True)
    metrics = serializers.DictField()
    extra = serializers.DictField()
    environment = serializers.DictField()
    attempt = serializers.IntegerField()
    priority = serializers.ChoiceField(choices=_PRIORITIES)
    expires_at = serializers.DateTimeField(allow_null=True)
    deadline_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


def parse_filter(query: Mapping[str, str]) -> queries.GenerationFilter:
    """Read the filters of a list; a comma means or. Raises a 422 Problem with all faults."""
    faults: list[Fault] = []

    def names(parameter: str, allowed: tuple[str, ...] | None = None) -> tuple[str, ...]:
        values = tuple(value for value in query.get(parameter, "").split(",") if value)
        unknown = [value for value in values if allowed is not None and value not in allowed]
        if unknown:
            detail = f"{', '.join(unknown)}: must be one of {', '.join(allowed or ())}"
            faults.append(Fault(f"?{parameter}", "invalid", detail))
        return values

    def moment(parameter: str) -> datetime.datetime | None:
        raw = query.get(parameter)
        if not raw:
            return None
        try:
            value = parse_datetime(raw)
        except ValueError:
            value = None
        if value is None or value.tzinfo is None:
            detail = "must be a time with its zone, such as 2026-01-31T12:00:00Z"
            faults.append(Fault(f"?{parameter}", "invalid", detail))
            return None
        return value

    def switch(parameter: str) -> bool:
        raw = query.get(parameter, "false")
        if raw not in {"true", "false"}:
            faults.append(Fault(f"?{parameter}", "invalid", "must be true or false"))
        return bool(raw == "true")

    def identity(parameter: str) -> uuid.UUID | None:
        raw = query.get(parameter)
        if not raw:
            return None
        try:
            return uuid.UUID(raw)
        except ValueError:
            faults.append(Fault(f"?{parameter}", "invalid", "must be an id"))
            return None

    only = queries.GenerationFilter(
        statuses=names("status", tuple(JobState.values)),
        models=names("model"),
        families=names("family", FAMILIES),
        tags=names("tag"),
        batch_id=identity("batch"),
        created_from=moment("from"),
        created_to=moment("to"),
        mine=switch("mine"),
        trashed=switch("trashed"),
    )
    if faults:
        raise invalid(faults)
    return only


class GenerationsApi(APIView):
    """`/api/v1/generations`."""

    @extend_schema(
        operation_id="generations_list",
        parameters=[
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
            *(OpenApiParameter(name, str) for name in _FILTERS),
        ],
        responses={200: list_of(GenerationOutput)},
    )
    def get(self, request: Request) -> Response:
        """The generations that one may see, newest first."""
        query = request.query_params
        page = parse_page(query.dict(), filters=_FILTERS)
        found = queries.list_generations(
            user=member(request), only=parse_filter(query.dict()), page=page
        )
        return Response(
            found.to_dict([describe_generation(row, brief=True) for row in found.rows])
        )

    @extend_schema(
        operation_id="generations_create",
        request=GenerationInput,
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER),
            OpenApiParameter("Prefer", str, OpenApiParameter.HEADER),
        ],
        responses={201: GenerationOutput, 202: GenerationOutput},
    )
    def post(self, request: Request) -> Response:
        """Accept a prompt: 202, or 201 where `Prefer: wait=N` saw the end."""
        user = member(request)
        refuse_who_may_not_submit(user)
        body = parse_body(GenerationInput, request)
        with refusals_as_problems():
            wish = _read_wish_or_template(user, body)
            submitted = operations.submit_generation(
                owner=user, request=wish, idempotency_key=idempotency_key(request)
            )
        return _accepted(request, submitted)


def _read_wish_or_template(user: User, body: Mapping[str, Any]) -> SubmitRequest:
    """What a body asks for, its prompt made from a kept one where it names one."""
    used = body.get("template")
    if used is None:
        return read_wish(user, body, prompt=body["prompt"])
    rendered = render_template(user=user, use=read_use(used["id"], used))
    wish = read_wish(user, body, prompt=rendered.text)
    return dataclasses.replace(
        wish, prompt_version_id=rendered.version.id, variables=rendered.values
    )


def refuse_who_may_not_submit(user: User) -> None:
    """The 403 for accounts without a role that may submit."""
    if not user.may_submit:
        raise Problem(403, "permission_denied", "Your account has no role that may submit.")


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    """Answer what a submission may be refused for; nothing was stored then."""
    try:
        yield
    except operations.UnableToRetry as error:
        raise Problem(409, "conflict", f"Nothing to retry. {error}") from error
    except operations.UnableToReproduce as error:
        raise Problem(409, "conflict", f"It cannot be made again. {error}") from error
    except UnableToUseCheckpoint as error:
        raise Problem(409, "model_unavailable", str(error)) from error
    except UnableToReuseIdempotencyKey as error:
        raise key_was_reused() from error
    except Refused as error:
        raise refused(
            error.code, str(error), retry_after_seconds=error.retry_after_seconds
        ) from error


def read_wish(user: User, body: Mapping[str, Any], *, prompt: str) -> SubmitRequest:
    """What a validated body asks for."""
    return SubmitRequest(
        model=body["model"],
        prompt=prompt,
        params=body["params"],
        inputs=_read_references(body["inputs"]),
        seed=body.get("seed"),
        tags=tuple(body["tags"]),
        parent_id=body.get("parent"),
        reference_id=body.get("reference"),
        priority=_priority(user, body["priority"]),
        expires_in_seconds=body.get("expires_in"),
        deadline_in_seconds=body.get("deadline_in"),
    )


def _read_references(raw: Mapping[str, Mapping[str, uuid.UUID]]) -> dict[str, InputReference]:
    references = {}
    for name, reference in raw.items():
        [kind] = [kind for kind in REFERENCE_KINDS if kind in reference]
        references[name] = InputReference(kind, reference[kind])
    return references


def _priority(user: User, name: str) -> Priority:
    """Everybody may step back; before others go only those who answer for the site."""
    priority = Priority[name.upper()]
    if priority < Priority.NORMAL and not user.sees_everything:
        detail = "Only reviewers and admins may submit with high priority."
        raise Problem(403, "permission_denied", detail)
    return priority


def _accepted(request: Request, submitted: operations.Submitted) -> Response:
    """The answer to whatever made a generation. Clients that prefer to wait do so elsewhere."""
    generation = submitted.generation or _get(request, submitted.generation_id)
    body = describe_generation(generation)
    headers = {"Location": body["links"]["self"]}
    if submitted.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(body, status=201 if generation.job.terminal else 202, headers=headers)


def _get(request: Request, generation_id: uuid.UUID) -> Generation:
    try:
        return queries.get_generation(user=member(request), generation_id=generation_id)
    except queries.UnableToFindGeneration as error:
        detail = "There is no such generation, or it is not yours."
        raise Problem(404, "not_found", detail) from error


def _get_to_change(request: Request, generation_id: uuid.UUID) -> Generation:
    """A generation that the user may change too: reviewers read all but change their own."""
    generation = _get(request, generation_id)
    user = member(request)
    if generation.owner_id != user.id and not user.runs_the_site:
        raise Problem(403, "permission_denied", "Only its owner and admins may change it.")
    return generation


class GenerationApi(APIView):
    """`/api/v1/generations/{id}`."""

    @extend_schema(operation_id="generations_get", responses={200: GenerationOutput})
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """One generation."""
        return Response(describe_generation(_get(request, generation_id)))

    @extend_schema(operation_id="generations_trash", responses={204: None})
    def delete(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Put it in the trash; restoring brings it back."""
        operations.trash_generation(generation=_get_to_change(request, generation_id))
        return Response(status=204)


class CancelGenerationApi(APIView):
    """`/api/v1/generations/{id}/cancel`."""

    @extend_schema(
        operation_id="generations_cancel",
        request=None,
        responses={200: GenerationOutput, 202: GenerationOutput},
    )
    def post(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Stop it: 202 while it is stopping, 200 where it has ended already."""
        job = operations.cancel_generation(generation=_get_to_change(request, generation_id))
        body = describe_generation(_get(request, generation_id))
        return Response(body, status=200 if job.terminal else 202)


class RetryGenerationApi(APIView):
    """`/api/v1/generations/{id}/retry`."""

    @extend_schema(
        operation_id="generations_retry",
        request=None,
        responses={201: GenerationOutput, 202: GenerationOutput},
    )
    def post(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Run one that ended without a result again, as a new generation linked to it."""
        generation = _get_to_change(request, generation_id)
        with refusals_as_problems():
            submitted = operations.retry_generation(
                owner=member(request),
                generation=generation,
                idempotency_key=idempotency_key(request),
            )
        return _accepted(request, submitted)


class ReproduceGenerationApi(APIView):
    """`/api/v1/generations/{id}/reproduce`."""

    @extend_schema(
        operation_id="generations_reproduce",
        request=None,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: GenerationOutput, 202: GenerationOutput},
    )
    def post(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Make its result again, as a new generation that ends with a verdict."""
        user = member(request)
        generation = _get(request, generation_id)
        refuse_who_may_not_submit(user)
        with refusals_as_problems():
            submitted = operations.reproduce_generation(
                owner=user,
                generation=generation,
                idempotency_key=idempotency_key(request),
            )
        return _accepted(request, submitted)


class ReproductionsApi(APIView):
    """`/api/v1/generations/{id}/reproductions`."""

    @extend_schema(
        operation_id="generations_reproductions", responses={200: list_of(GenerationOutput)}
    )
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """The generations that were to make its result again, newest first."""
        rows = queries.list_reproductions(
            user=member(request), original=_get(request, generation_id)
        )
        data = [describe_generation(row, brief=True) for row in rows]
        return Response({"data": data, "next_cursor": None, "has_more": False})


class RestoreGenerationApi(APIView):
    """`/api/v1/generations/{id}/restore`."""

    @extend_schema(
        operation_id="generations_restore", request=None, responses={200: GenerationOutput}
    )
    def post(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Take it out of the trash."""
        operations.restore_generation(generation=_get_to_change(request, generation_id))
        return Response(describe_generation(_get(request, generation_id)))
