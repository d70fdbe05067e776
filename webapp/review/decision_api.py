"""REST: being given results to review, deciding on them, and the record of what was decided."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.accounts.permissions import ReviewsResults
from webapp.common.interface import KEY, PAGE, idempotency_key, list_of, parse_body
from webapp.common.pagination import parse_page
from webapp.common.problems import invalid
from webapp.generations.models import Standing
from webapp.generations.queries import get_generation
from webapp.review import decision_operations, queue_operations, queue_queries
from webapp.review.decision_operations import Judgement
from webapp.review.models import ReviewItem
from webapp.review.queue_queries import ItemFilter
from webapp.review.representation import describe_act, describe_decision, describe_item
from webapp.review.schema import (
    DecisionOutput,
    ReviewActOutput,
    ReviewDecisionInput,
    ReviewItemOutput,
    TakenBackOutput,
    TakeNextInput,
    TakenItemOutput,
)


def _describe(request: Request, items: Sequence[ReviewItem]) -> list[dict[str, object]]:
    own = queue_queries.own_of(reviewer=member(request), items=items)
    return [describe_item(item, own) for item in items]


class ReviewItemsApi(APIView):
    """`/api/v1/review-queues/{id}/items`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(
        operation_id="review_items_list",
        parameters=[
            *PAGE,
            OpenApiParameter("open", bool, description="whether decisions are lacking"),
            OpenApiParameter("standing", str, description="a comma means or"),
        ],
        responses={200: list_of(ReviewItemOutput)},
    )
    def get(self, request: Request, queue_id: uuid.UUID) -> Response:
        """What a queue holds without the trash, newest first."""
        query = request.query_params.dict()
        page = parse_page(query, filters=("open", "standing"))
        found = queue_queries.list_items(
            queue=queue_queries.get_queue(queue_id), only=_read_filter(query), page=page
        )
        return Response(found.to_dict(_describe(request, found.rows)))


def _read_filter(query: Mapping[str, str]) -> ItemFilter:
    """Which items a list is to have; raises a 422 Problem with all faults."""
    faults = []
    standings = tuple(each for each in query.get("standing", "").split(",") if each)
    if set(standings) - set(Standing.values):
        detail = f"must be among {', '.join(Standing.values)}"
        faults.append(Fault("?standing", "invalid", detail))
    given = query.get("open")
    if given not in {None, "true", "false"}:
        faults.append(Fault("?open", "invalid", "must be true or false"))
    if faults:
        raise invalid(faults)
    return ItemFilter(standings, None if given is None else given == "true")


class NextReviewItemApi(APIView):
    """`/api/v1/review-queues/{id}/next`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(
        operation_id="review_items_next", request=TakeNextInput, responses={200: TakenItemOutput}
    )
    def post(self, request: Request, queue_id: uuid.UUID) -> Response:
        """Be given the next open item, and hold its place for 30 minutes.

        What one held in this queue before is free again. A closed queue hands out nothing: 409.
        """
        item = queue_operations.assign_next(
            queue=queue_queries.get_queue(queue_id),
            reviewer=member(request),
            after=parse_body(TakeNextInput, request).get("after"),
        )
        return Response({"item": None if item is None else _describe(request, [item])[0]})


class ReviewItemApi(APIView):
    """`/api/v1/review-items/{id}`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(operation_id="review_items_get", responses={200: ReviewItemOutput})
    def get(self, request: Request, review_item_id: uuid.UUID) -> Response:
        """One result in a queue, with what one decided on it."""
        item = queue_queries.get_item(review_item_id)
        return Response(_describe(request, [item])[0])


class ReleaseReviewItemApi(APIView):
    """`/api/v1/review-items/{id}/release`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(
        operation_id="review_items_release", request=None, responses={200: ReviewItemOutput}
    )
    def post(self, request: Request, review_item_id: uuid.UUID) -> Response:
        """Let go of the place that one holds, so that others are given it."""
        item = queue_queries.get_item(review_item_id)
        queue_operations.release_item(item=item, reviewer=member(request))
        return Response(_describe(request, [item])[0])


class ReviewDecisionsApi(APIView):
    """`/api/v1/review-decisions`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(
        operation_id="review_decisions_create",
        request=ReviewDecisionInput,
        parameters=[KEY],
        responses={201: ReviewActOutput},
    )
    def post(self, request: Request) -> Response:
        """Decide the same on all of these or on none; what one decided before counts no more.

        A score is given as feedback. Where one of them has no result or is in the trash, 409.
        """
        user = member(request)
        body = parse_body(ReviewDecisionInput, request)
        item_of = _find_items(body["items"]) if "items" in body else {}
        act = decision_operations.decide(
            reviewer=user,
            generations=list(item_of) or body["generations"],
            judgement=Judgement(
                body["verdict"], tuple(body["labels"]), body["comment"], body["score"]
            ),
            item_of=item_of,
            idempotency_key=idempotency_key(request),
        )
        shown = describe_act(queue_queries.get_act(reviewer=user, act=act))
        return Response(shown, status=201, headers={"Location": shown["links"]["self"]})


def _find_items(item_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """The items by their generations; raises a 422 Problem that names those that will not do."""
    found = queue_queries.find_items(item_ids)
    item_of: dict[uuid.UUID, uuid.UUID] = {}
    faults = []
    for place, item_id in enumerate(item_ids):
        item = found.get(item_id)
        if item is None:
            faults.append(Fault(f"/items/{place}", "not_found", "there is no such item"))
        elif item.generation_id in item_of:
            detail = "has the result of another item that is named here"
            faults.append(Fault(f"/items/{place}", "repeated", detail))
        else:
            item_of[item.generation_id] = item.id
    if faults:
        raise invalid(faults)
    return item_of


class ReviewDecisionApi(APIView):
    """`/api/v1/review-decisions/{id}`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(operation_id="review_decisions_get", responses={200: ReviewActOutput})
    def get(self, request: Request, act: uuid.UUID) -> Response:
        """What one decided in one go, and on how many results it is one's newest word."""
        return Response(describe_act(queue_queries.get_act(reviewer=member(request), act=act)))


class UndoReviewDecisionApi(APIView):
    """`/api/v1/review-decisions/{id}/undo`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(
        operation_id="review_decisions_undo", request=None, responses={200: TakenBackOutput}
    )
    def post(self, request: Request, act: uuid.UUID) -> Response:
        """Have it count no more where one has not decided anew since; again takes back nothing.

        The record keeps it, with a line that says that it was taken back.
        """
        user = member(request)
        queue_queries.get_act(reviewer=user, act=act)
        return Response({"taken_back": decision_operations.take_back(reviewer=user, act=act)})


class RecordOfDecisionsApi(APIView):
    """`/api/v1/generations/{id}/decisions`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(
        operation_id="decisions_list", parameters=PAGE, responses={200: list_of(DecisionOutput)}
    )
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """All that was ever decided on a result, newest first.

        Who has not decided is not told what others think: 409.
        """
        user = member(request)
        page = parse_page(request.query_params.dict())
        found = queue_queries.list_record(
            reviewer=user,
            generation=get_generation(user=user, generation_id=generation_id),
            page=page,
        )
        rows = [
            describe_decision(row, is_replaced=getattr(row, "is_replaced", False))
            for row in found.rows
        ]
        return Response(found.to_dict(rows))
