"""REST: generations."""

from __future__ import annotations

import dataclasses
import datetime
import re
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import FAMILIES, Fault
from webapp.accounts.authentication import member
from webapp.accounts.models import User
from webapp.accounts.permissions import check_may_change, check_may_submit
from webapp.common.conditions import answer_with_tag
from webapp.common.interface import (
    KEY,
    PAGE,
    idempotency_key,
    list_of,
    parse_switch,
    whole_list,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import invalid
from webapp.generations import operations, queries
from webapp.generations.inputs import REFERENCE_KINDS, InputReference
from webapp.generations.models import Generation
from webapp.generations.representation import describe_generation
from webapp.generations.requests import SubmitRequest
from webapp.generations.schema import GenerationOutput
from webapp.jobs.models import JobState, Priority
from webapp.prompts.api import read_use
from webapp.prompts.requests import render_template

FILTERS = (
    "status", "model", "family", "tag", "batch", "from", "to", "owner", "code", "mine", "trashed",
)  # fmt: skip
_PERSON = re.compile(r"[1-9][0-9]{0,8}")


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

    def identity(parameter: str) -> uuid.UUID | None:
        raw = query.get(parameter)
        if not raw:
            return None
        try:
            return uuid.UUID(raw)
        except ValueError:
            faults.append(Fault(f"?{parameter}", "invalid", "must be an id"))
            return None

    def person() -> int | None:
        raw = query.get("owner")
        if raw and not _PERSON.fullmatch(raw):
            faults.append(Fault("?owner", "invalid", "must be the number of a person"))
        return int(raw) if raw and _PERSON.fullmatch(raw) else None

    only = queries.GenerationFilter(
        statuses=names("status", tuple(JobState.values)),
        models=names("model"),
        families=names("family", FAMILIES),
        tags=names("tag"),
        batch_id=identity("batch"),
        created_from=moment("from"),
        created_to=moment("to"),
        owner_id=person(),
        codes=names("code"),
        mine=parse_switch(query, "mine"),
        trashed=None if query.get("trashed") == "any" else parse_switch(query, "trashed"),
    )
    if faults:
        raise invalid(faults)
    return only


class GenerationsApi(APIView):
    """`/api/v1/generations`; the app `webhooks` adds to what it accepts, and gives the address."""

    @extend_schema(
        operation_id="generations_list",
        parameters=[
            *PAGE,
            *(OpenApiParameter(name, str) for name in FILTERS),
        ],
        responses={200: list_of(GenerationOutput)},
    )
    def get(self, request: Request) -> Response:
        """The generations that one may see, newest first."""
        query = request.query_params
        page = parse_page(query.dict(), filters=FILTERS)
        user = member(request)
        found = queries.list_generations(user=user, only=parse_filter(query.dict()), page=page)
        rows = [describe_generation(row, brief=True, viewer=user) for row in found.rows]
        return Response(found.to_dict(rows))


def read_wish_or_template(user: User, body: Mapping[str, Any]) -> SubmitRequest:
    """What a body asks for, its prompt made from a kept one where it names one."""
    used = body.get("template")
    if used is None:
        return read_wish(user, body, prompt=body["prompt"])
    rendered = render_template(user=user, use=read_use(used["id"], used))
    wish = read_wish(user, body, prompt=rendered.text)
    return dataclasses.replace(
        wish, prompt_version_id=rendered.version.id, variables=rendered.values
    )


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
        raise PermissionDenied("Only reviewers and admins may submit with high priority.")
    return priority


def accepted(request: Request, submitted: operations.Submitted) -> Response:
    """The answer to whatever made a generation. Clients that prefer to wait do so elsewhere."""
    generation = submitted.generation or _get(request, submitted.generation_id)
    body = describe_generation(generation, viewer=member(request))
    headers = {"Location": body["links"]["self"]}
    if submitted.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(body, status=201 if generation.job.terminal else 202, headers=headers)


def _get(request: Request, generation_id: uuid.UUID) -> Generation:
    return queries.get_generation(user=member(request), generation_id=generation_id)


def _get_to_change(request: Request, generation_id: uuid.UUID) -> Generation:
    generation = _get(request, generation_id)
    check_may_change(member(request), generation.owner_id)
    return generation


class GenerationApi(APIView):
    """`/api/v1/generations/{id}`."""

    @extend_schema(operation_id="generations_get", responses={200: GenerationOutput})
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """One generation; its `ETag` changes with all that it says."""
        generation = _get(request, generation_id)
        body = describe_generation(generation, viewer=member(request))
        return answer_with_tag(body, revision=generation.revision)

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
        body = describe_generation(_get(request, generation_id), viewer=member(request))
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
        submitted = operations.retry_generation(
            owner=member(request),
            generation=generation,
            idempotency_key=idempotency_key(request),
        )
        return accepted(request, submitted)


class ReproduceGenerationApi(APIView):
    """`/api/v1/generations/{id}/reproduce`."""

    @extend_schema(
        operation_id="generations_reproduce",
        request=None,
        parameters=[KEY],
        responses={201: GenerationOutput, 202: GenerationOutput},
    )
    def post(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Make its result again, as a new generation that ends with a verdict."""
        user = member(request)
        generation = _get(request, generation_id)
        check_may_submit(user)
        submitted = operations.reproduce_generation(
            owner=user,
            generation=generation,
            idempotency_key=idempotency_key(request),
        )
        return accepted(request, submitted)


class ReproductionsApi(APIView):
    """`/api/v1/generations/{id}/reproductions`."""

    @extend_schema(
        operation_id="generations_reproductions", responses={200: list_of(GenerationOutput)}
    )
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """The generations that were to make its result again, newest first."""
        user = member(request)
        rows = queries.list_reproductions(user=user, original=_get(request, generation_id))
        data = [describe_generation(row, brief=True, viewer=user) for row in rows]
        return Response(whole_list(data))


class RestoreGenerationApi(APIView):
    """`/api/v1/generations/{id}/restore`."""

    @extend_schema(
        operation_id="generations_restore", request=None, responses={200: GenerationOutput}
    )
    def post(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Take it out of the trash."""
        operations.restore_generation(generation=_get_to_change(request, generation_id))
        body = describe_generation(_get(request, generation_id), viewer=member(request))
        return Response(body)
