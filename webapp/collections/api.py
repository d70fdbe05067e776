"""REST: collections and what they hold."""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_change, check_may_submit
from webapp.collections import operations, queries
from webapp.collections.models import Collection, CollectionItem
from webapp.collections.operations import CollectionWish
from webapp.collections.queries import ItemReference
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
    idempotency_key,
    list_of,
    parse_body,
    parse_switch,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import invalid


class CollectionInput(StrictSerializer):
    """The body of `POST /collections`."""

    name = Text(max_length=operations.MAX_NAME_LENGTH)
    description = Text(default="", allow_blank=True, max_length=operations.MAX_DESCRIPTION_LENGTH)


class CollectionChangeInput(StrictSerializer):
    """The body of `PATCH /collections/{id}`; what is left out stays."""

    name = Text(required=False, max_length=operations.MAX_NAME_LENGTH)
    description = Text(
        required=False, allow_blank=True, max_length=operations.MAX_DESCRIPTION_LENGTH
    )


class CollectionItemsInput(StrictSerializer):
    """The body of `POST /collections/{id}/items`."""

    generations = serializers.ListField(child=serializers.UUIDField(), default=list)
    documents = serializers.ListField(child=serializers.UUIDField(), default=list)


class CollectionOutput(serializers.Serializer[Any]):
    """A collection; `num_items` counts what the reader sees of it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    owner = serializers.CharField()
    num_items = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())


class CollectionItemOutput(serializers.Serializer[Any]):
    """A generation or a document in a collection."""

    type = serializers.ChoiceField(choices=["generation", "document"])
    id = serializers.UUIDField()
    title = serializers.CharField()
    link = serializers.CharField()
    added_at = serializers.DateTimeField()


class AddedOutput(serializers.Serializer[Any]):
    """What came of adding: how many were not in the collection before."""

    added = serializers.IntegerField()
    num_items = serializers.IntegerField()


def describe_collection(collection: Collection, num_items: int) -> dict[str, Any]:
    """A collection as the interface shows it."""
    link = f"/api/v1/collections/{collection.id}"
    return {
        "id": str(collection.id),
        "name": collection.name,
        "description": collection.description,
        "owner": collection.owner.get_username(),
        "num_items": num_items,
        "created_at": collection.created_at,
        "changed_at": collection.changed_at,
        "trashed_at": collection.trashed_at,
        "links": {"self": link, "items": f"{link}/items"},
    }


def describe_item(item: CollectionItem) -> dict[str, Any]:
    """What a collection holds, in short."""
    if item.generation is not None:
        kind, title, item_id = "generation", item.generation.prompt, item.generation.id
        link = f"/api/v1/generations/{item_id}"
    else:
        assert item.source is not None
        kind, title, item_id = "document", item.source.title, item.source.id
        link = f"/api/v1/documents/{item_id}"
    return {
        "type": kind,
        "id": str(item_id),
        "title": title[:300],
        "link": link,
        "added_at": item.added_at,
    }


def _find(request: Request, collection_id: uuid.UUID) -> Collection:
    return queries.get_collection(user=member(request), collection_id=collection_id)


def _find_to_change(request: Request, collection_id: uuid.UUID) -> Collection:
    collection = _find(request, collection_id)
    check_may_change(member(request), collection.owner_id)
    return collection


def _respond(request: Request, collection: Collection, *, status: int = 200) -> Response:
    counts = queries.count_items(user=member(request), collection_ids=[collection.id])
    body = describe_collection(collection, counts[collection.id])
    headers = {"Location": body["links"]["self"]} if status == 201 else {}
    return answer_with_tag(body, revision=collection.revision, status=status, headers=headers)


def _current_tag(request: Request, collection_id: uuid.UUID) -> AbstractContextManager[None]:
    return current_tag_if_changed(lambda: _respond(request, _find(request, collection_id)))


class CollectionsApi(APIView):
    """`/api/v1/collections`."""

    @extend_schema(
        operation_id="collections_list",
        parameters=[*PAGE, OpenApiParameter("trashed", bool)],
        responses={200: list_of(CollectionOutput)},
    )
    def get(self, request: Request) -> Response:
        """The collections that one may see, newest first."""
        user, query = member(request), request.query_params.dict()
        page = parse_page(query, filters=("trashed",))
        found = queries.list_collections(
            user=user, page=page, trashed=parse_switch(query, "trashed")
        )
        counts = queries.count_items(user=user, collection_ids=[row.id for row in found.rows])
        return Response(
            found.to_dict([describe_collection(row, counts[row.id]) for row in found.rows])
        )

    @extend_schema(
        operation_id="collections_create",
        request=CollectionInput,
        parameters=[KEY],
        responses={201: CollectionOutput},
    )
    def post(self, request: Request) -> Response:
        """Make an empty collection; its name is unlike those of one's others."""
        user = member(request)
        check_may_submit(user)
        wish = CollectionWish(**parse_body(CollectionInput, request))
        collection = operations.create_collection(
            owner=user, wish=wish, idempotency_key=idempotency_key(request)
        )
        return _respond(request, collection, status=201)


class CollectionApi(APIView):
    """`/api/v1/collections/{id}`."""

    @extend_schema(operation_id="collections_get", responses={200: CollectionOutput})
    def get(self, request: Request, collection_id: uuid.UUID) -> Response:
        """One collection; its `ETag` changes with it and with what it holds."""
        return _respond(request, _find(request, collection_id))

    @extend_schema(
        operation_id="collections_change",
        request=CollectionChangeInput,
        parameters=[IF_MATCH],
        responses={200: CollectionOutput},
    )
    def patch(self, request: Request, collection_id: uuid.UUID) -> Response:
        """Rename it or say something else of it; with `If-Match`, only as it was read."""
        collection = _find_to_change(request, collection_id)
        body = parse_body(CollectionChangeInput, request)
        wish = CollectionWish(
            body.get("name", collection.name), body.get("description", collection.description)
        )
        with _current_tag(request, collection_id):
            changed = operations.change_collection(
                collection=collection, wish=wish, revision=wanted_revision(request)
            )
        return _respond(request, changed)

    @extend_schema(operation_id="collections_trash", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, collection_id: uuid.UUID) -> Response:
        """Put it into the trash; what it holds stays, and restoring brings it back."""
        collection = _find_to_change(request, collection_id)
        with _current_tag(request, collection_id):
            operations.trash_collection(collection=collection, revision=wanted_revision(request))
        return Response(status=204)


class CollectionRestoreApi(APIView):
    """`/api/v1/collections/{id}/restore`."""

    @extend_schema(
        operation_id="collections_restore", request=None, responses={200: CollectionOutput}
    )
    def post(self, request: Request, collection_id: uuid.UUID) -> Response:
        """Take it out of the trash, unless its name was given to another meanwhile."""
        operations.restore_collection(collection=_find_to_change(request, collection_id))
        return _respond(request, _find(request, collection_id))


class CollectionItemsApi(APIView):
    """`/api/v1/collections/{id}/items`."""

    @extend_schema(
        operation_id="collection_items_list",
        parameters=PAGE,
        responses={200: list_of(CollectionItemOutput)},
    )
    def get(self, request: Request, collection_id: uuid.UUID) -> Response:
        """What it holds of what one may see, the latest additions first, without the trash."""
        user = member(request)
        page = parse_page(request.query_params.dict())
        collection = _find(request, collection_id)
        found = queries.list_items(user=user, collection=collection, page=page)
        return Response(found.to_dict([describe_item(item) for item in found.rows]))

    @extend_schema(
        operation_id="collection_items_add",
        request=CollectionItemsInput,
        responses={200: AddedOutput},
    )
    def post(self, request: Request, collection_id: uuid.UUID) -> Response:
        """Add all of these or, if one cannot be added, none; what is in it already stays."""
        collection = _find_to_change(request, collection_id)
        body = parse_body(CollectionItemsInput, request)
        items = [
            *(ItemReference(generation_id=each) for each in body["generations"]),
            *(ItemReference(source_id=each) for each in body["documents"]),
        ]
        if not 1 <= len(items) <= operations.MAX_ITEMS_AT_ONCE:
            detail = f"name 1 to {operations.MAX_ITEMS_AT_ONCE} generations and documents"
            raise invalid([Fault("", "invalid", detail)])
        try:
            added = operations.add_items(collection=collection, items=items)
        except operations.UnableToAddItems as error:
            raise invalid([_fault_of(item, body) for item in error.refused]) from error
        counts = queries.count_items(user=member(request), collection_ids=[collection.id])
        return Response({"added": added, "num_items": counts[collection.id]})


def _fault_of(item: ItemReference, body: dict[str, Any]) -> Fault:
    name = "generations" if item.generation_id else "documents"
    detail = "is not there, not yours, or in the trash"
    return Fault(f"/{name}/{body[name].index(item.item_id)}", "not_found", detail)


class CollectionItemApi(APIView):
    """`/api/v1/collections/{id}/items/{id}`."""

    @extend_schema(operation_id="collection_items_remove", responses={204: None})
    def delete(self, request: Request, collection_id: uuid.UUID, item_id: uuid.UUID) -> Response:
        """Take a generation or document out of it; again changes nothing."""
        collection = _find_to_change(request, collection_id)
        operations.remove_item(collection=collection, item_id=item_id)
        return Response(status=204)
