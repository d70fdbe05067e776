"""REST: search, and what is similar."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.embedding import UnableToEmbed
from webapp.accounts.authentication import member
from webapp.common.problems import Problem
from webapp.generations.queries import get_generation
from webapp.search import queries
from webapp.search.representation import describe_page
from webapp.search.requests import SEARCH_PARAMETERS, parse_search, parse_similar
from webapp.search.results import MODES

#: Named here for the schema, where every list of choices has a name.
ORIGIN_TYPES = ["generation", "document"]


class OriginOutput(serializers.Serializer[Any]):
    """What a passage belongs to."""

    type = serializers.ChoiceField(choices=ORIGIN_TYPES)
    id = serializers.UUIDField()
    title = serializers.CharField()
    link = serializers.CharField()


class ScorePartsOutput(serializers.Serializer[Any]):
    """Why a passage was found."""

    keyword = serializers.FloatField(help_text="BM25")
    keyword_share = serializers.FloatField(help_text="0 to 1 within this search")
    similarity = serializers.FloatField(help_text="cosine of query and passage")
    similarity_share = serializers.FloatField(help_text="0 to 1 within this search")


class SearchHitOutput(serializers.Serializer[Any]):
    """A passage found."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    origin = OriginOutput()
    model = serializers.CharField(allow_null=True)
    family = serializers.CharField(allow_null=True)
    heading = serializers.CharField()
    text = serializers.CharField()
    ordinal = serializers.IntegerField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    page = serializers.IntegerField(allow_null=True)
    language = serializers.CharField()
    created_at = serializers.DateTimeField()
    score = serializers.FloatField()
    score_parts = ScorePartsOutput()
    repeats = serializers.IntegerField(
        help_text="passages that say nearly the same, left out unless repeats=true"
    )


class SearchOutput(serializers.Serializer[Any]):
    """A part of what was found, best first."""

    data = SearchHitOutput(many=True)  # type: ignore[assignment] # a field; the attribute is of instances
    next_cursor = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()
    total = serializers.IntegerField()
    mode = serializers.ChoiceField(choices=MODES)
    space = serializers.CharField()
    facets = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        help_text="with facets=true: how many of the found have each kind, family, model, tag,"
        " language, provenance, month, collection (by id) and score (in whole stars)",
    )
    also_searched = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="words that occur nowhere, with the near words searched for as well; "
        "exact=true searches as typed",
    )
    took_ms = serializers.FloatField()


_PARAMETER_TYPES: dict[str, type] = {
    "limit": int,
    "offset": int,
    "owner": int,
    "facets": bool,
    "min_score": float,
    "max_score": float,
    "repeats": bool,
}


def embedder_unavailable(error: UnableToEmbed) -> Problem:
    """The 503 of a search by meaning alone while the embedder's server is away."""
    detail = f"Nothing can be compared by meaning now: {error}"
    return Problem(503, "embedder_unavailable", detail, headers={"Retry-After": "5"})


class SearchApi(APIView):
    """`/api/v1/search`."""

    @extend_schema(
        operation_id="search",
        parameters=[
            OpenApiParameter(name, _PARAMETER_TYPES.get(name, str)) for name in SEARCH_PARAMETERS
        ],
        responses={200: SearchOutput},
    )
    def get(self, request: Request) -> Response:
        """Find by words and by meaning what one may see, in generations and documents alike."""
        wish = parse_search(request.query_params.dict())
        try:
            page = queries.hybrid_search(
                user=member(request),
                query=wish.query,
                mode=wish.mode,
                only=wish.only,
                limit=wish.limit,
                offset=wish.offset,
                with_facets=wish.with_facets,
                with_repeats=wish.with_repeats,
                tolerates_typos=not wish.is_exact,
            )
        except UnableToEmbed as error:
            raise embedder_unavailable(error) from error
        shown = wish.offset + len(page.hits)
        more = bool(page.hits) and shown < min(page.total, queries.MAX_PLACES)
        return Response(describe_page(page, next_cursor=str(shown) if more else None))


class SimilarApi(APIView):
    """`/api/v1/generations/{id}/similar`."""

    @extend_schema(
        operation_id="generations_similar",
        parameters=[OpenApiParameter("limit", int)],
        responses={200: SearchOutput},
    )
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """What comes closest in meaning to its prompt, itself left out."""
        user = member(request)
        limit = parse_similar(request.query_params.dict())
        generation = get_generation(user=user, generation_id=generation_id)
        page = queries.similar_to(user=user, generation=generation, limit=limit)
        return Response(describe_page(page, next_cursor=None))
