"""REST: prompts that are kept, their versions and labels."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_change, check_may_submit
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
from webapp.prompts import operations, queries
from webapp.prompts.models import PromptTemplate, PromptVersion
from webapp.prompts.operations import TemplateWish, Words
from webapp.prompts.requests import TemplateUse, render_template
from webapp.prompts.templating import variables_of


class _WordsInput(StrictSerializer):
    text = Text(trim_whitespace=False, max_length=operations.MAX_TEXT_LENGTH)
    defaults = serializers.DictField(
        child=Text(allow_blank=True, trim_whitespace=False), default=dict
    )
    note = Text(default="", allow_blank=True, max_length=operations.MAX_NOTE_LENGTH)


class PromptInput(_WordsInput):
    """The body of `POST /prompts`: a name, and the words of the first version."""

    name = Text(max_length=operations.MAX_NAME_LENGTH)
    description = Text(default="", allow_blank=True, max_length=operations.MAX_DESCRIPTION_LENGTH)


class PromptChangeInput(StrictSerializer):
    """The body of `PATCH /prompts/{id}`; what is left out stays."""

    name = Text(required=False, max_length=operations.MAX_NAME_LENGTH)
    description = Text(
        required=False, allow_blank=True, max_length=operations.MAX_DESCRIPTION_LENGTH
    )


class PromptVersionInput(_WordsInput):
    """The body of `POST /prompts/{id}/versions`."""


class PromptLabelInput(StrictSerializer):
    """The body of `PUT /prompts/{id}/labels/{label}`."""

    version = WholeNumber(min_value=1)


class TemplateUseFields(StrictSerializer):
    """Which version, by number or label, and the values for its places."""

    version = WholeNumber(required=False, allow_null=True, min_value=1)
    # As with `parent` elsewhere, the attribute of this name is one of instances.
    label = Text(  # type: ignore[assignment]
        required=False, allow_null=True, max_length=40
    )
    variables = serializers.DictField(default=dict)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Not both."""
        if attrs.get("version") is not None and attrs.get("label") is not None:
            detail = "name a version or a label, not both"
            raise serializers.ValidationError(detail, "invalid")
        return attrs


class TemplateInput(TemplateUseFields):
    """The member `template` of `POST /generations`."""

    id = serializers.UUIDField()


class PromptVersionOutput(serializers.Serializer[Any]):
    """The words of a prompt at one time."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    text = serializers.CharField()
    variables = serializers.ListField(child=serializers.CharField())
    defaults = serializers.DictField(child=serializers.CharField())
    note = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()


class PromptOutput(serializers.Serializer[Any]):
    """A prompt with its newest version; `labels` has the number that each label names."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    owner = serializers.CharField()
    latest = PromptVersionOutput()
    labels = serializers.DictField(child=serializers.IntegerField())
    num_versions = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class RenderedOutput(serializers.Serializer[Any]):
    """A prompt with its values put in."""

    text = serializers.CharField()
    version = serializers.IntegerField()


def describe_prompt(template: PromptTemplate) -> dict[str, Any]:
    """A prompt as the interface shows it."""
    link = f"/api/v1/prompts/{template.id}"
    newest = queries.newest_version(template)
    return {
        "id": str(template.id),
        "name": template.name,
        "description": template.description,
        "owner": template.owner.get_username(),
        "latest": describe_version(newest, template),
        "labels": {each.name: each.version.number for each in template.labels.all()},
        # Numbers follow each other, and no version goes.
        "num_versions": newest.number,
        "created_at": template.created_at,
        "changed_at": template.changed_at,
        "trashed_at": template.trashed_at,
        "links": {"self": link, "versions": f"{link}/versions", "page": f"/prompts/{template.id}"},
    }


def describe_version(version: PromptVersion, template: PromptTemplate) -> dict[str, Any]:
    """A version as the interface shows it."""
    labels = template.labels.all()
    return {
        "id": str(version.id),
        "number": version.number,
        "text": version.text,
        "variables": list(variables_of(version.text)),
        "defaults": version.defaults,
        "note": version.note,
        "labels": [each.name for each in labels if each.version_id == version.id],
        "created_at": version.created_at,
    }


@contextmanager
def _faults_of_version() -> Iterator[None]:
    """A version that the body names and that is not there is a fault of the body."""
    try:
        yield
    except queries.UnableToFindVersion as error:
        raise invalid([Fault("/version", "not_found", str(error))]) from error


def _find_to_change(request: Request, template_id: uuid.UUID) -> PromptTemplate:
    user = member(request)
    template = queries.get_template(user=user, template_id=template_id)
    check_may_change(user, template.owner_id)
    return template


def _respond(request: Request, template_id: uuid.UUID, *, status: int = 200) -> Response:
    template = queries.get_template(user=member(request), template_id=template_id)
    body = describe_prompt(template)
    headers = {"Location": body["links"]["self"]} if status == 201 else {}
    return answer_with_tag(body, revision=template.revision, status=status, headers=headers)


def _current_tag(request: Request, template_id: uuid.UUID) -> AbstractContextManager[None]:
    return current_tag_if_changed(lambda: _respond(request, template_id))


class PromptsApi(APIView):
    """`/api/v1/prompts`."""

    @extend_schema(
        operation_id="prompts_list",
        parameters=[*PAGE, OpenApiParameter("trashed", bool)],
        responses={200: list_of(PromptOutput)},
    )
    def get(self, request: Request) -> Response:
        """The prompts that one may see, newest first."""
        query = request.query_params.dict()
        page = parse_page(query, filters=("trashed",))
        found = queries.list_templates(
            user=member(request), page=page, trashed=parse_switch(query, "trashed")
        )
        return Response(found.to_dict([describe_prompt(row) for row in found.rows]))

    @extend_schema(
        operation_id="prompts_create",
        request=PromptInput,
        parameters=[KEY],
        responses={201: PromptOutput},
    )
    def post(self, request: Request) -> Response:
        """Keep a prompt under a name; places for values are names in double braces."""
        user = member(request)
        check_may_submit(user)
        body = parse_body(PromptInput, request)
        template = operations.create_template(
            owner=user,
            wish=TemplateWish(body["name"], body["description"]),
            words=Words(body["text"], body["defaults"], body["note"]),
            idempotency_key=idempotency_key(request),
        )
        return _respond(request, template.id, status=201)


class PromptApi(APIView):
    """`/api/v1/prompts/{id}`."""

    @extend_schema(operation_id="prompts_get", responses={200: PromptOutput})
    def get(self, request: Request, template_id: uuid.UUID) -> Response:
        """One prompt."""
        return _respond(request, template_id)

    @extend_schema(
        operation_id="prompts_change",
        request=PromptChangeInput,
        parameters=[IF_MATCH],
        responses={200: PromptOutput},
    )
    def patch(self, request: Request, template_id: uuid.UUID) -> Response:
        """Rename it or say something else of it; with `If-Match`, only as it was read."""
        template = _find_to_change(request, template_id)
        body = parse_body(PromptChangeInput, request)
        wish = TemplateWish(
            body.get("name", template.name), body.get("description", template.description)
        )
        with _current_tag(request, template_id):
            operations.change_template(
                template=template, wish=wish, revision=wanted_revision(request)
            )
        return _respond(request, template_id)

    @extend_schema(operation_id="prompts_trash", responses={204: None})
    def delete(self, request: Request, template_id: uuid.UUID) -> Response:
        """Put it into the trash; restoring brings it back."""
        operations.trash_template(template=_find_to_change(request, template_id))
        return Response(status=204)


class PromptRestoreApi(APIView):
    """`/api/v1/prompts/{id}/restore`."""

    @extend_schema(operation_id="prompts_restore", request=None, responses={200: PromptOutput})
    def post(self, request: Request, template_id: uuid.UUID) -> Response:
        """Take it out of the trash, unless its name was given to another meanwhile."""
        operations.restore_template(template=_find_to_change(request, template_id))
        return _respond(request, template_id)


class PromptVersionsApi(APIView):
    """`/api/v1/prompts/{id}/versions`."""

    @extend_schema(
        operation_id="prompt_versions_list",
        parameters=PAGE,
        responses={200: list_of(PromptVersionOutput)},
    )
    def get(self, request: Request, template_id: uuid.UUID) -> Response:
        """All of them, newest first."""
        page = parse_page(request.query_params.dict())
        template = queries.get_template(user=member(request), template_id=template_id)
        found = queries.page_versions(template, page)
        return Response(found.to_dict([describe_version(each, template) for each in found.rows]))

    @extend_schema(
        operation_id="prompt_versions_add",
        request=PromptVersionInput,
        parameters=[IF_MATCH],
        responses={201: PromptVersionOutput},
    )
    def post(self, request: Request, template_id: uuid.UUID) -> Response:
        """Write the next version; the words of the newest again give that one."""
        template = _find_to_change(request, template_id)
        body = parse_body(PromptVersionInput, request)
        with _current_tag(request, template_id):
            version = operations.add_version(
                template=template,
                author=member(request),
                words=Words(body["text"], body["defaults"], body["note"]),
                revision=wanted_revision(request),
            )
        link = f"/api/v1/prompts/{template_id}/versions/{version.number}"
        body = describe_version(
            version, queries.get_template(user=member(request), template_id=template_id)
        )
        return Response(body, status=201, headers={"Location": link})


class PromptVersionApi(APIView):
    """`/api/v1/prompts/{id}/versions/{number}`."""

    @extend_schema(operation_id="prompt_versions_get", responses={200: PromptVersionOutput})
    def get(self, request: Request, template_id: uuid.UUID, number: int) -> Response:
        """One of them."""
        template = queries.get_template(user=member(request), template_id=template_id)
        version = queries.choose_version(template, number)
        return Response(describe_version(version, template))


class PromptLabelApi(APIView):
    """`/api/v1/prompts/{id}/labels/{label}`."""

    @extend_schema(
        operation_id="prompt_labels_set",
        request=PromptLabelInput,
        parameters=[IF_MATCH],
        responses={200: PromptOutput},
    )
    def put(self, request: Request, template_id: uuid.UUID, label: str) -> Response:
        """Have a label name a version, whichever it named before."""
        template = _find_to_change(request, template_id)
        body = parse_body(PromptLabelInput, request)
        with _faults_of_version(), _current_tag(request, template_id):
            operations.set_label(
                template=template,
                name=label,
                wanted=body["version"],
                revision=wanted_revision(request),
            )
        return _respond(request, template_id)

    @extend_schema(operation_id="prompt_labels_drop", responses={204: None})
    def delete(self, request: Request, template_id: uuid.UUID, label: str) -> Response:
        """Take a label away; again changes nothing."""
        operations.drop_label(template=_find_to_change(request, template_id), name=label)
        return Response(status=204)


class PromptRenderApi(APIView):
    """`/api/v1/prompts/{id}/render`."""

    @extend_schema(
        operation_id="prompts_render", request=TemplateUseFields, responses={200: RenderedOutput}
    )
    def post(self, request: Request, template_id: uuid.UUID) -> Response:
        """The text with its values put in, and nothing else done."""
        user = member(request)
        # What is not there is said before what is wrong with the request.
        queries.get_template(user=user, template_id=template_id)
        body = parse_body(TemplateUseFields, request)
        with _faults_of_version():
            rendered = render_template(user=user, use=read_use(template_id, body))
        return Response({"text": rendered.text, "version": rendered.version.number})


def read_use(template_id: uuid.UUID, body: dict[str, Any]) -> TemplateUse:
    """What a validated body asks for."""
    wanted = body.get("version") or body.get("label") or queries.LATEST
    return TemplateUse(template_id, wanted, body["variables"])
