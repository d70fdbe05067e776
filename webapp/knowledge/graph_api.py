"""REST: entities of the knowledge graph."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_change
from webapp.common.interface import PAGE, StrictSerializer, Text, list_of, parse_body
from webapp.common.problems import invalid
from webapp.knowledge import graph_operations, graph_queries
from webapp.knowledge.entities_words import MAX_NAME_LENGTH, EntityKind
from webapp.knowledge.graph_models import Entity, EntityAlias
from webapp.knowledge.graph_neighbours import get_neighbourhood
from webapp.knowledge.graph_queries import ListedEntity
from webapp.knowledge.graph_representation import (
    describe_alias,
    describe_entity,
    describe_neighbourhood,
    describe_relation,
)
from webapp.knowledge.graph_requests import MAX_QUERY_LENGTH, parse_list, parse_neighbours
from webapp.search.api import OriginOutput

#: Named here for the schema, where every list of choices has a name.
ENTITY_KINDS = [str(kind) for kind in EntityKind]


class EntityOutput(serializers.Serializer[Any]):
    """An entity; made by `describe_entity`, written out here for the schema."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ENTITY_KINDS)
    owner = serializers.CharField()
    num_mentions = serializers.IntegerField()
    num_origins = serializers.IntegerField(help_text="documents and generations that name it")
    merged_into = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    links = serializers.DictField(child=serializers.CharField())


class AliasOutput(serializers.Serializer[Any]):
    """A spelling of an entity."""

    text = serializers.CharField()
    split = serializers.BooleanField()


class EntityDetailOutput(EntityOutput):
    """An entity with its spellings and what was merged into it."""

    aliases = AliasOutput(many=True)
    merged = serializers.ListField(child=serializers.UUIDField())


class NamedEntityOutput(serializers.Serializer[Any]):
    """As much of an entity as a reference to it needs."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ENTITY_KINDS)


class GraphCitationOutput(serializers.Serializer[Any]):
    """The characters of a passage that an edge stands on."""

    passage = serializers.UUIDField()
    ordinal = serializers.IntegerField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    origin = OriginOutput()


class RelationOutput(serializers.Serializer[Any]):
    """What a sentence says of two entities."""

    id = serializers.UUIDField()
    subject = NamedEntityOutput()
    predicate = serializers.CharField()
    object = NamedEntityOutput()
    confidence = serializers.FloatField()
    extractor = serializers.CharField()
    extractor_version = serializers.IntegerField()
    sentence = serializers.CharField()
    citation = GraphCitationOutput()


class NodeOutput(NamedEntityOutput):
    """An entity and how many edges away it is."""

    distance = serializers.IntegerField()


class EdgeOutput(serializers.Serializer[Any]):
    """Two entities; without a predicate they stand in the same passages."""

    one = serializers.UUIDField()
    other = serializers.UUIDField()
    predicate = serializers.CharField(allow_null=True)
    count = serializers.IntegerField()
    citation = GraphCitationOutput()


class NeighbourhoodOutput(serializers.Serializer[Any]):
    """What lies around an entity, itself first."""

    nodes = NodeOutput(many=True)
    edges = EdgeOutput(many=True)


class MergeInput(StrictSerializer):
    """The body of `POST /entities/{id}/merge`."""

    other = serializers.UUIDField()


class AliasInput(StrictSerializer):
    """The body of `POST /entities/{id}/split` and `/unsplit`."""

    alias = Text(max_length=MAX_NAME_LENGTH)


def _get(request: Request, entity_id: uuid.UUID) -> ListedEntity:
    return graph_queries.get_entity(user=member(request), entity_id=entity_id)


def _get_to_change(request: Request, entity_id: uuid.UUID) -> Entity:
    """An entity that the user may also change: reviewers read everything but change their own."""
    entity = _get(request, entity_id).entity
    check_may_change(member(request), entity.owner_id)
    return entity


def _shown(entity: Entity) -> Entity:
    return graph_operations.root_of(entity)


def _detail(request: Request, entity_id: uuid.UUID) -> Response:
    listed = _get(request, entity_id)
    aliases = graph_queries.list_aliases(entity=_shown(listed.entity))
    split = graph_queries.list_split_aliases(entity=listed.entity)
    joined = graph_queries.list_joined(entity=listed.entity)
    return Response(
        {
            **describe_entity(listed),
            "aliases": [describe_alias(alias) for alias in dict.fromkeys([*aliases, *split])],
            "merged": [str(entity.id) for entity in joined],
        }
    )


def _page(data: list[Any], *, offset: int, limit: int) -> dict[str, Any]:
    """A list document around one row more than was asked for, if there is one."""
    more = len(data) > limit
    return {
        "data": data[:limit],
        "next_cursor": str(offset + limit) if more else None,
        "has_more": more,
    }


class EntitiesApi(APIView):
    """`/api/v1/entities`."""

    @extend_schema(
        operation_id="entities_list",
        parameters=[
            *PAGE,
            OpenApiParameter("q", str, description=f"at most {MAX_QUERY_LENGTH} characters"),
            OpenApiParameter("kind", str, enum=list(EntityKind)),
        ],
        responses={200: list_of(EntityOutput)},
    )
    def get(self, request: Request) -> Response:
        """What one's documents and generations name, most mentioned first."""
        wish = parse_list(request.query_params.dict(), filters=("q", "kind"))
        page = graph_queries.list_entities(
            user=member(request),
            text=wish.text,
            kind=wish.kind,
            limit=wish.limit,
            offset=wish.offset,
        )
        return Response(
            {
                "data": [describe_entity(row) for row in page.rows],
                "next_cursor": str(wish.offset + wish.limit) if page.has_more else None,
                "has_more": page.has_more,
            }
        )


class EntityApi(APIView):
    """`/api/v1/entities/{id}`."""

    @extend_schema(operation_id="entities_get", responses={200: EntityDetailOutput})
    def get(self, request: Request, entity_id: uuid.UUID) -> Response:
        """One entity with its spellings."""
        return _detail(request, entity_id)


class EntityRelationsApi(APIView):
    """`/api/v1/entities/{id}/relations`."""

    @extend_schema(
        operation_id="entities_relations",
        parameters=PAGE,
        responses={200: list_of(RelationOutput)},
    )
    def get(self, request: Request, entity_id: uuid.UUID) -> Response:
        """What is said of it, each with the sentence that says it."""
        entity = _shown(_get(request, entity_id).entity)
        wish = parse_list(request.query_params.dict())
        rows = graph_queries.list_relations(
            entity=entity, limit=wish.limit + 1, offset=wish.offset
        )
        data = [describe_relation(row) for row in rows]
        return Response(_page(data, offset=wish.offset, limit=wish.limit))


class EntityNeighboursApi(APIView):
    """`/api/v1/entities/{id}/neighbours`."""

    @extend_schema(
        operation_id="entities_neighbours",
        parameters=[OpenApiParameter("depth", int), OpenApiParameter("limit", int)],
        responses={200: NeighbourhoodOutput},
    )
    def get(self, request: Request, entity_id: uuid.UUID) -> Response:
        """What lies around it: what is said of it first, then what stands in its passages."""
        entity = _shown(_get(request, entity_id).entity)
        wish = parse_neighbours(request.query_params.dict())
        around = get_neighbourhood(entity=entity, depth=wish.depth, limit=wish.limit)
        return Response(describe_neighbourhood(around))


class MergeEntityApi(APIView):
    """`/api/v1/entities/{id}/merge`."""

    @extend_schema(
        operation_id="entities_merge", request=MergeInput, responses={200: EntityDetailOutput}
    )
    def post(self, request: Request, entity_id: uuid.UUID) -> Response:
        """Show another entity as this one from now on; `unmerge` of the other undoes it."""
        entity = _get_to_change(request, entity_id)
        other_id = parse_body(MergeInput, request)["other"]
        try:
            other = _get_to_change(request, other_id)
        except graph_queries.UnableToFindEntity as error:
            fault = Fault("/other", "not_found", "there is no such entity")
            raise invalid([fault]) from error
        try:
            shown = graph_operations.join_entities(entity=entity, other=other)
        except graph_operations.UnableToJoin as error:
            raise invalid([Fault("/other", "invalid", str(error))]) from error
        return _detail(request, shown.id)


class UnmergeEntityApi(APIView):
    """`/api/v1/entities/{id}/unmerge`."""

    @extend_schema(
        operation_id="entities_unmerge", request=None, responses={200: EntityDetailOutput}
    )
    def post(self, request: Request, entity_id: uuid.UUID) -> Response:
        """Let a merged entity stand by itself again."""
        entity = _get_to_change(request, entity_id)
        graph_operations.part_entity(entity=entity)
        return _detail(request, entity_id)


class SplitAliasApi(APIView):
    """`/api/v1/entities/{id}/split`."""

    @extend_schema(
        operation_id="entities_split", request=AliasInput, responses={200: EntityDetailOutput}
    )
    def post(self, request: Request, entity_id: uuid.UUID) -> Response:
        """Take a spelling out with its mentions; answers with what it stands for now."""
        alias = _alias(request, entity_id)
        shown = graph_operations.split_alias(alias=alias)
        return _detail(request, shown.id)


class UnsplitAliasApi(APIView):
    """`/api/v1/entities/{id}/unsplit`."""

    @extend_schema(
        operation_id="entities_unsplit", request=AliasInput, responses={200: EntityDetailOutput}
    )
    def post(self, request: Request, entity_id: uuid.UUID) -> Response:
        """Put a spelling that was split off this entity back; answers with the entity."""
        alias = _alias(request, entity_id)
        shown = graph_operations.return_alias(alias=alias)
        return _detail(request, shown.id)


def _alias(request: Request, entity_id: uuid.UUID) -> EntityAlias:
    """The named spelling of an entity, shown under it or split off it."""
    entity = _get_to_change(request, entity_id)
    text = parse_body(AliasInput, request)["alias"]
    here = graph_queries.list_aliases(entity=_shown(entity))
    for alias in [*graph_queries.list_split_aliases(entity=entity), *here]:
        if alias.text == text:
            return alias
    raise invalid([Fault("/alias", "not_found", "the entity has no such spelling")])
