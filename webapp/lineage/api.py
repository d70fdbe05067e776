"""REST: where a generation came from, and what came of it."""

from __future__ import annotations

import uuid
from typing import Any, get_args

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.common.problems import invalid
from webapp.generations.queries import get_generation
from webapp.lineage.queries import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    EdgeKind,
    Lineage,
    Node,
    NodeType,
    read_lineage,
)

#: Named here for the schema, where every list of choices has a name.
LINEAGE_TYPES = list(get_args(NodeType))
LINEAGE_KINDS = list(get_args(EdgeKind))
_LINKS: dict[NodeType, str] = {
    "generation": "generations",
    "prompt": "prompts",
    "batch": "batches",
    "upload": "uploads",
    "chat": "chats",
    "answer": "answers",
    "collection": "collections",
}


class LineageNodeOutput(serializers.Serializer[Any]):
    """Something that led to a generation or came of it; `key` is what edges call it."""

    key = serializers.CharField()
    type = serializers.ChoiceField(choices=LINEAGE_TYPES)
    id = serializers.UUIDField()
    title = serializers.CharField()
    accession = serializers.CharField(allow_null=True)
    status = serializers.CharField(allow_null=True)
    trashed = serializers.BooleanField()
    link = serializers.CharField()


class LineageEdgeOutput(serializers.Serializer[Any]):
    """What `origin` was to `result`."""

    origin = serializers.CharField()
    result = serializers.CharField()
    kind = serializers.ChoiceField(choices=LINEAGE_KINDS)


class LineageOutput(serializers.Serializer[Any]):
    """A graph of nodes, the generation itself first; `truncated` where there is more of it."""

    start = serializers.CharField()
    nodes = LineageNodeOutput(many=True)
    edges = LineageEdgeOutput(many=True)
    truncated = serializers.BooleanField()


def describe_lineage(lineage: Lineage) -> dict[str, Any]:
    """A lineage as the interface shows it."""
    return {
        "start": lineage.root.key,
        "nodes": [_describe_node(node) for node in lineage.nodes],
        "edges": [
            {"origin": edge.origin, "result": edge.result, "kind": edge.kind}
            for edge in lineage.edges
        ],
        "truncated": lineage.is_cut,
    }


def _describe_node(node: Node) -> dict[str, Any]:
    return {
        "key": node.key,
        "type": node.type,
        "id": str(node.id),
        "title": node.title,
        "accession": node.name or None,
        "status": node.status or None,
        "trashed": node.is_trashed,
        "link": f"/api/v1/{_LINKS[node.type]}/{node.id}",
    }


class LineageApi(APIView):
    """`/api/v1/generations/{id}/lineage`."""

    @extend_schema(
        operation_id="generations_lineage",
        parameters=[
            OpenApiParameter("limit", int, description=f"of other generations, to {MAX_LIMIT}")
        ],
        responses={200: LineageOutput},
    )
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """All that led to it and came of it, of what one may see."""
        limit = _read_limit(request.query_params.dict())
        user = member(request)
        generation = get_generation(user=user, generation_id=generation_id)
        found = read_lineage(user=user, generation=generation, limit=limit)
        return Response(describe_lineage(found))


def _read_limit(query: dict[str, str]) -> int:
    faults = [
        Fault(f"?{name}", "unknown_parameter", f"there is no parameter {name!r}")
        for name in query
        if name != "limit"
    ]
    raw = query.get("limit", str(DEFAULT_LIMIT))
    limit = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 6 else 0
    if not 1 <= limit <= MAX_LIMIT:
        faults.append(Fault("?limit", "out_of_range", f"must be between 1 and {MAX_LIMIT}"))
    if faults:
        raise invalid(faults)
    return limit
