"""REST: chains of prompts and their versions."""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import MAX_SEED, Fault
from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_change, check_may_submit
from webapp.chains import operations, queries
from webapp.chains.checking import MAX_TEXT_LENGTH
from webapp.chains.definitions import (
    FILE_KINDS,
    MAX_NAME_LENGTH,
    MAX_STEPS,
    OUTPUTS,
    SOURCE_KINDS,
    Definition,
)
from webapp.chains.models import Chain
from webapp.chains.operations import ChainWish, VersionWish
from webapp.chains.representation import describe_chain, describe_version
from webapp.common.conditions import (
    IF_MATCH,
    answer_with_tag,
    current_tag_if_changed,
    wanted_revision,
)
from webapp.common.interface import (
    KEY,
    PAGE,
    StrictSerializer,
    Text,
    WholeNumber,
    idempotency_key,
    list_of,
    parse_body,
    parse_switch,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import invalid
from webapp.prompts.templating import MAX_VALUE_LENGTH, MAX_VARIABLES


class _SourceInput(StrictSerializer):
    """Where a value comes from: one of `input`, `step` and `value`."""

    input = Text(required=False)
    step = Text(required=False)
    value = Text(
        required=False, allow_blank=True, trim_whitespace=False, max_length=MAX_VALUE_LENGTH
    )
    output = serializers.ChoiceField(choices=OUTPUTS, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one, and an output of steps only."""
        _refuse_other_than_one(attrs, SOURCE_KINDS)
        if "output" in attrs and "step" not in attrs:
            raise serializers.ValidationError({"output": "is for steps only"}, "invalid")
        return attrs


class _FileSourceInput(StrictSerializer):
    """Where a file comes from: one of `step`, `upload` and `artifact`."""

    step = Text(required=False)
    upload = serializers.UUIDField(required=False)
    artifact = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one."""
        _refuse_other_than_one(attrs, FILE_KINDS)
        return attrs


def _refuse_other_than_one(attrs: dict[str, Any], kinds: tuple[str, ...]) -> None:
    if sum(kind in attrs for kind in kinds) != 1:
        raise serializers.ValidationError(f"name exactly one of {', '.join(kinds)}", "invalid")


class _ChainTemplateInput(StrictSerializer):
    """A kept prompt, with the number or the label of a version."""

    id = serializers.UUIDField()
    version = WholeNumber(required=False, allow_null=True, min_value=1)
    # As with `parent` elsewhere, the attribute of this name is one of instances.
    label = Text(  # type: ignore[assignment]
        required=False, allow_null=True, max_length=40
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Not both."""
        if attrs.get("version") is not None and attrs.get("label") is not None:
            detail = "name a version or a label, not both"
            raise serializers.ValidationError(detail, "invalid")
        return attrs


class ChainStepInput(StrictSerializer):
    """One step: a model, and what it is told by `text` or `template`."""

    name = Text(max_length=MAX_NAME_LENGTH)
    model = Text(max_length=64)
    task = Text(default="", allow_blank=True, max_length=64)
    text = Text(required=False, allow_null=True, trim_whitespace=False, max_length=MAX_TEXT_LENGTH)
    template = _ChainTemplateInput(required=False, allow_null=True)
    params = serializers.DictField(default=dict)
    seed = WholeNumber(required=False, allow_null=True, min_value=0, max_value=MAX_SEED)
    variables = serializers.DictField(child=_SourceInput(), default=dict)
    inputs = serializers.DictField(child=_FileSourceInput(), default=dict)


class ChainAskedInput(StrictSerializer):
    """A value that a run is asked for; without a default it must be given."""

    name = Text(max_length=64)
    default = Text(
        default=None,
        allow_null=True,
        allow_blank=True,
        trim_whitespace=False,
        max_length=MAX_VALUE_LENGTH,
    )


class _StepsInput(StrictSerializer):
    inputs = serializers.ListField(child=ChainAskedInput(), default=list, max_length=MAX_VARIABLES)
    steps = serializers.ListField(child=ChainStepInput(), min_length=1, max_length=MAX_STEPS)
    note = Text(default="", allow_blank=True, max_length=operations.MAX_NOTE_LENGTH)


class ChainInput(_StepsInput):
    """The body of `POST /chains`: a name, and the steps of the first version."""

    name = Text(max_length=operations.MAX_NAME_LENGTH)
    description = Text(default="", allow_blank=True, max_length=operations.MAX_DESCRIPTION_LENGTH)


class ChainVersionInput(_StepsInput):
    """The body of `POST /chains/{id}/versions`."""


class ChainChangeInput(StrictSerializer):
    """The body of `PATCH /chains/{id}`; what is left out stays."""

    name = Text(required=False, max_length=operations.MAX_NAME_LENGTH)
    description = Text(
        required=False, allow_blank=True, max_length=operations.MAX_DESCRIPTION_LENGTH
    )


class ChainAskedOutput(serializers.Serializer[Any]):
    """A value that a run is asked for."""

    name = serializers.CharField()
    default = serializers.CharField(allow_null=True)


class ChainStepOutput(serializers.Serializer[Any]):
    """One step, as it was sent."""

    name = serializers.CharField()
    model = serializers.CharField()
    task = serializers.CharField()
    text = serializers.CharField(allow_null=True)
    template = serializers.DictField(allow_null=True)
    params = serializers.DictField()
    seed = serializers.IntegerField(allow_null=True)
    variables = serializers.DictField(child=serializers.DictField(child=serializers.CharField()))
    inputs = serializers.DictField(child=serializers.DictField(child=serializers.CharField()))


class ChainVersionOutput(serializers.Serializer[Any]):
    """The steps of a chain at one time."""

    number = serializers.IntegerField()
    inputs = ChainAskedOutput(many=True)
    steps = ChainStepOutput(many=True)
    note = serializers.CharField()
    created_at = serializers.DateTimeField()


class ChainOutput(serializers.Serializer[Any]):
    """A chain with its newest version."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    owner = serializers.CharField()
    latest = ChainVersionOutput()
    num_versions = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


def _find_to_change(request: Request, chain_id: uuid.UUID) -> Chain:
    """A chain of one's own; admins change those of others, reviewers only look."""
    user = member(request)
    chain = queries.get_chain(user=user, chain_id=chain_id)
    check_may_change(user, chain.owner_id)
    return chain


def _respond(request: Request, chain_id: uuid.UUID, *, status: int = 200) -> Response:
    chain = queries.get_chain(user=member(request), chain_id=chain_id)
    body = describe_chain(chain)
    headers = {"Location": body["links"]["self"]} if status == 201 else {}
    return answer_with_tag(body, revision=chain.revision, status=status, headers=headers)


def _current_tag(request: Request, chain_id: uuid.UUID) -> AbstractContextManager[None]:
    return current_tag_if_changed(lambda: _respond(request, chain_id))


def _steps(body: dict[str, Any]) -> VersionWish:
    return VersionWish(Definition.from_json(body), body["note"])


class ChainsApi(APIView):
    """`/api/v1/chains`."""

    @extend_schema(
        operation_id="chains_list",
        parameters=[*PAGE, OpenApiParameter("trashed", bool), OpenApiParameter("q", str)],
        responses={200: list_of(ChainOutput)},
    )
    def get(self, request: Request) -> Response:
        """The chains that one may see, newest first; with `q`, those with this in their name."""
        query = request.query_params.dict()
        page = parse_page(query, filters=("trashed", "q"))
        words = query.get("q", "")
        if "\x00" in words:
            raise invalid([Fault("?q", "invalid", "must not contain the NUL character")])
        found = queries.list_chains(
            user=member(request), page=page, trashed=parse_switch(query, "trashed"), words=words
        )
        return Response(found.to_dict([describe_chain(row) for row in found.rows]))

    @extend_schema(
        operation_id="chains_create",
        request=ChainInput,
        parameters=[KEY],
        responses={201: ChainOutput},
    )
    def post(self, request: Request) -> Response:
        """Keep steps under a name; a step takes values from those before it."""
        user = member(request)
        check_may_submit(user)
        body = parse_body(ChainInput, request)
        chain = operations.create_chain(
            owner=user,
            wish=ChainWish(body["name"], body["description"]),
            steps=_steps(body),
            idempotency_key=idempotency_key(request),
        )
        return _respond(request, chain.id, status=201)


class ChainApi(APIView):
    """`/api/v1/chains/{id}`."""

    @extend_schema(operation_id="chains_get", responses={200: ChainOutput})
    def get(self, request: Request, chain_id: uuid.UUID) -> Response:
        """One chain."""
        return _respond(request, chain_id)

    @extend_schema(
        operation_id="chains_change",
        request=ChainChangeInput,
        parameters=[IF_MATCH],
        responses={200: ChainOutput},
    )
    def patch(self, request: Request, chain_id: uuid.UUID) -> Response:
        """Rename it or say something else of it; with `If-Match`, only as it was read."""
        chain = _find_to_change(request, chain_id)
        body = parse_body(ChainChangeInput, request)
        wish = ChainWish(body.get("name", chain.name), body.get("description", chain.description))
        with _current_tag(request, chain_id):
            operations.change_chain(chain=chain, wish=wish, revision=wanted_revision(request))
        return _respond(request, chain_id)

    @extend_schema(operation_id="chains_trash", responses={204: None})
    def delete(self, request: Request, chain_id: uuid.UUID) -> Response:
        """Put it into the trash; its runs stay, and restoring brings it back."""
        operations.trash_chain(chain=_find_to_change(request, chain_id))
        return Response(status=204)


class ChainRestoreApi(APIView):
    """`/api/v1/chains/{id}/restore`."""

    @extend_schema(operation_id="chains_restore", request=None, responses={200: ChainOutput})
    def post(self, request: Request, chain_id: uuid.UUID) -> Response:
        """Take it out of the trash, unless its name was given to another meanwhile."""
        operations.restore_chain(chain=_find_to_change(request, chain_id))
        return _respond(request, chain_id)


class ChainVersionsApi(APIView):
    """`/api/v1/chains/{id}/versions`."""

    @extend_schema(
        operation_id="chain_versions_list",
        parameters=PAGE,
        responses={200: list_of(ChainVersionOutput)},
    )
    def get(self, request: Request, chain_id: uuid.UUID) -> Response:
        """Its versions, newest first."""
        page = parse_page(request.query_params.dict())
        chain = queries.get_chain(user=member(request), chain_id=chain_id)
        found = queries.page_versions(chain, page)
        return Response(found.to_dict([describe_version(each) for each in found.rows]))

    @extend_schema(
        operation_id="chain_versions_add",
        request=ChainVersionInput,
        parameters=[IF_MATCH],
        responses={201: ChainVersionOutput},
    )
    def post(self, request: Request, chain_id: uuid.UUID) -> Response:
        """Write the next version; the steps of the newest again give that one."""
        chain = _find_to_change(request, chain_id)
        body = parse_body(ChainVersionInput, request)
        with _current_tag(request, chain_id):
            version = operations.add_version(
                chain=chain,
                author=member(request),
                steps=_steps(body),
                revision=wanted_revision(request),
            )
        link = f"/api/v1/chains/{chain_id}/versions/{version.number}"
        return Response(describe_version(version), status=201, headers={"Location": link})


class ChainVersionApi(APIView):
    """`/api/v1/chains/{id}/versions/{number}`."""

    @extend_schema(operation_id="chain_versions_get", responses={200: ChainVersionOutput})
    def get(self, request: Request, chain_id: uuid.UUID, number: int) -> Response:
        """One of them."""
        chain = queries.get_chain(user=member(request), chain_id=chain_id)
        return Response(describe_version(queries.get_version(chain, number)))
