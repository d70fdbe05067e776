"""REST: votes on the sides of comparisons, and the rankings that they come to."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import FAMILIES, Fault
from webapp.accounts.authentication import member
from webapp.accounts.permissions import check_may_submit
from webapp.common.interface import StrictSerializer, list_of, parse_body
from webapp.common.pagination import parse_page
from webapp.common.problems import Problem, invalid
from webapp.comparisons import operations, queries
from webapp.comparisons.api import find, read_switches
from webapp.comparisons.models import Verdict
from webapp.comparisons.representation import describe_ranking, describe_vote
from webapp.comparisons.sides import LETTERS, UnableToFindSide

_FILTERS = ("blind", "mine")


class VoteInput(StrictSerializer):
    """The body of `POST /comparisons/{id}/votes`: `first` is the first side of the pair."""

    pair = serializers.ListField(
        child=serializers.ChoiceField(choices=LETTERS), min_length=2, max_length=2
    )
    verdict = serializers.ChoiceField(choices=Verdict.choices)


class VoteOutput(serializers.Serializer[Any]):
    """A vote; `counts` is false for those that the voter has replaced."""

    id = serializers.UUIDField()
    pair = serializers.ListField(child=serializers.CharField())
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    blind = serializers.BooleanField()
    voter = serializers.CharField()
    counts = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class RankedModelOutput(serializers.Serializer[Any]):
    """A model in a ranking: its rating with the ends of its 95 % interval, and its votes."""

    slug = serializers.CharField()
    name = serializers.CharField()
    family = serializers.ChoiceField(choices=FAMILIES)
    rating = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    num_votes = serializers.IntegerField()
    num_wins = serializers.IntegerField()
    num_losses = serializers.IntegerField()
    num_ties = serializers.IntegerField()
    group = serializers.IntegerField()


class RankingOutput(serializers.Serializer[Any]):
    """The models of a task, the strongest first; made by `describe_ranking`."""

    task = serializers.CharField()
    num_votes = serializers.IntegerField()
    num_groups = serializers.IntegerField()
    models = RankedModelOutput(many=True)


class VotesApi(APIView):
    """`/api/v1/comparisons/{id}/votes`."""

    @extend_schema(
        operation_id="votes_list",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses={200: list_of(VoteOutput)},
    )
    def get(self, request: Request, comparison_id: uuid.UUID) -> Response:
        """One's own votes on it, newest first; for reviewers and admins everybody's."""
        user = member(request)
        page = parse_page(request.query_params.dict())
        batch = find(request, comparison_id)
        found = queries.list_votes(user=user, batch=batch, page=page)
        seen = queries.see_comparison(viewer=user, batch=batch)
        rows = [
            describe_vote(row, seen, is_replaced=getattr(row, "is_replaced", False))
            for row in found.rows
        ]
        return Response(found.to_dict(rows))

    @extend_schema(
        operation_id="votes_give",
        request=VoteInput,
        responses={200: VoteOutput, 201: VoteOutput},
    )
    def post(self, request: Request, comparison_id: uuid.UUID) -> Response:
        """Say which of two results is better, in place of what one said before.

        201 for a new vote, 200 where it was said before.
        """
        user = member(request)
        batch = find(request, comparison_id)
        check_may_submit(user)
        body = parse_body(VoteInput, request)
        left, right = body["pair"]
        try:
            vote, is_new = operations.give_vote(
                voter=user,
                batch=batch,
                left=left,
                right=right,
                verdict=Verdict(body["verdict"]),
            )
        except UnableToFindSide as error:
            place = body["pair"].index(str(error))
            detail = f"the comparison has no side {error}"
            raise invalid([Fault(f"/pair/{place}", "not_found", detail)]) from error
        except operations.UnableToVote as error:
            raise Problem(409, "conflict", str(error)) from error
        seen = queries.see_comparison(viewer=user, batch=batch)
        return Response(describe_vote(vote, seen), status=201 if is_new else 200)


class RankingsApi(APIView):
    """`/api/v1/rankings`."""

    @extend_schema(
        operation_id="rankings_list",
        parameters=[
            OpenApiParameter("task", str),
            *(OpenApiParameter(name, bool) for name in _FILTERS),
        ],
        responses={200: list_of(RankingOutput)},
    )
    def get(self, request: Request) -> Response:
        """How strong models are by everybody's votes, for every task that has any."""
        query = request.query_params.dict()
        unknown = [
            Fault(f"?{name}", "unknown_parameter", f"there is no parameter {name!r}")
            for name in query
            if name not in {"task", *_FILTERS}
        ]
        if unknown:
            raise invalid(unknown)
        only = queries.RankingFilter(**read_switches(query, _FILTERS))
        found = queries.list_rankings(user=member(request), only=only)
        task = query.get("task")
        rows = [describe_ranking(each) for each in found if task in {None, each.task}]
        return Response({"data": rows, "next_cursor": None, "has_more": False})
