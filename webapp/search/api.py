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
from webapp.accounts.models import User
from webapp.common.problems import Problem
from webapp.generations.input_queries import get_upload
from webapp.generations.models import Generation, Upload
from webapp.generations.queries import get_generation
from webapp.looks.queries import UnableToSee
from webapp.looks.sentences import UnableToLook
from webapp.search import queries
from webapp.search.finding import find
from webapp.search.looking import looks_like
from webapp.search.representation import describe_page
from webapp.search.requests import SEARCH_PARAMETERS, SIMILAR_BY, parse_search, parse_similar
from webapp.search.results import ANY_MODES, LOOK, SearchPage

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
    mode = serializers.ChoiceField(choices=ANY_MODES)
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


def looks_unavailable(error: UnableToLook) -> Problem:
    """The 409 of a search by look where no network compares pictures: trying again is no use."""
    return Problem(409, "looks_unavailable", f"Pictures cannot be compared here: {error}.")


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
        """Find by words and by meaning what one may see, in generations and documents alike.

        `mode=look` finds pictures by what they show, whatever their prompts say: `score` is the
        cosine of picture and question, at most 200 are ranked, and `source`, `language`,
        `repeats`, `exact` and `facets` are refused.
        """
        wish = parse_search(request.query_params.dict())
        try:
            page = find(user=member(request), wish=wish)
        except UnableToEmbed as error:
            raise embedder_unavailable(error) from error
        except UnableToLook as error:
            raise looks_unavailable(error) from error
        shown = wish.offset + len(page.hits)
        more = bool(page.hits) and shown < min(page.total, queries.MAX_PLACES)
        return Response(describe_page(page, next_cursor=str(shown) if more else None))


class SimilarApi(APIView):
    """`/api/v1/generations/{id}/similar`."""

    @extend_schema(
        operation_id="generations_similar",
        parameters=[
            OpenApiParameter("limit", int),
            OpenApiParameter("by", str, enum=SIMILAR_BY),
        ],
        responses={200: SearchOutput},
    )
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """What comes closest in meaning to its prompt, itself left out.

        With `by=look`, the pictures that look like its own.
        """
        user = member(request)
        wish = parse_similar(request.query_params.dict())
        generation = get_generation(user=user, generation_id=generation_id)
        if wish.by == LOOK:
            page = _looks_like(user, generation=generation, limit=wish.limit)
        else:
            page = queries.similar_to(user=user, generation=generation, limit=wish.limit)
        return Response(describe_page(page, next_cursor=None))


class SimilarToUploadApi(APIView):
    """`/api/v1/uploads/{id}/similar`."""

    @extend_schema(
        operation_id="uploads_similar",
        parameters=[
            OpenApiParameter("limit", int),
            OpenApiParameter("by", str, enum=[LOOK]),
        ],
        responses={200: SearchOutput},
    )
    def get(self, request: Request, upload_id: uuid.UUID) -> Response:
        """The pictures of generations that look like an upload."""
        user = member(request)
        wish = parse_similar(request.query_params.dict(), allowed=(LOOK,))
        upload = get_upload(user=user, upload_id=upload_id)
        page = _looks_like(user, upload=upload, limit=wish.limit)
        return Response(describe_page(page, next_cursor=None))


def _looks_like(
    user: User,
    *,
    limit: int,
    generation: Generation | None = None,
    upload: Upload | None = None,
) -> SearchPage:
    try:
        return looks_like(user=user, generation=generation, upload=upload, limit=limit)
    except UnableToLook as error:
        raise looks_unavailable(error) from error
    except UnableToSee as error:
        raise Problem(409, "not_seen", str(error)) from error
