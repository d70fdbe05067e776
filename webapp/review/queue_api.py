"""REST: review queues, for reviewers and admins."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts.authentication import member
from webapp.accounts.permissions import ReviewsResults
from webapp.common.conditions import (
    IF_MATCH,
    answer_with_tag,
    current_tag_if_changed,
    wanted_revision,
)
from webapp.common.interface import (
    KEY,
    PAGE,
    idempotency_key,
    list_of,
    parse_body,
    parse_switch,
)
from webapp.common.pagination import parse_page
from webapp.review import queue_operations, queue_queries
from webapp.review.models import ReviewQueue
from webapp.review.queue_operations import QueueFilter, QueueWish
from webapp.review.representation import describe_agreement, describe_queue
from webapp.review.schema import (
    FilledOutput,
    ReviewAgreementOutput,
    ReviewQueueChangeInput,
    ReviewQueueInput,
    ReviewQueueOutput,
)


def _respond(request: Request, queue_id: uuid.UUID, *, status: int = 200) -> Response:
    queue = queue_queries.get_queue(queue_id)
    progress = queue_queries.measure_progress(queues=[queue], reviewer=member(request))
    body = describe_queue(queue, progress[queue.id])
    headers = {"Location": body["links"]["self"]} if status == 201 else {}
    return answer_with_tag(body, revision=queue.revision, status=status, headers=headers)


def _current_tag(request: Request, queue_id: uuid.UUID) -> AbstractContextManager[None]:
    return current_tag_if_changed(lambda: _respond(request, queue_id))


def _read_wish(body: Mapping[str, Any], queue: ReviewQueue | None = None) -> QueueWish:
    """What a validated body asks for; what it leaves out is as it is."""
    only = body.get("only")
    if only is None:
        assert queue is not None
        only = queue.only
    lists = {name: tuple(only.get(name, ())) for name in ("families", "models", "standings")}
    taken = QueueFilter(**{**only, **lists})
    return QueueWish(
        name=body.get("name", queue and queue.name),
        instructions=body.get("instructions", queue and queue.instructions),
        overlap=body.get("overlap", queue and queue.overlap),
        labels=tuple(body.get("labels", queue and queue.labels)),
        only=taken,
    )


class ReviewQueuesApi(APIView):
    """`/api/v1/review-queues`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(
        operation_id="review_queues_list",
        parameters=[*PAGE, OpenApiParameter("closed", bool)],
        responses={200: list_of(ReviewQueueOutput)},
    )
    def get(self, request: Request) -> Response:
        """The queues, newest first; `closed` tells the closed ones instead of the others."""
        query = request.query_params.dict()
        page = parse_page(query, filters=("closed",))
        found = queue_queries.list_queues(closed=parse_switch(query, "closed"), page=page)
        progress = queue_queries.measure_progress(queues=found.rows, reviewer=member(request))
        return Response(
            found.to_dict([describe_queue(row, progress[row.id]) for row in found.rows])
        )

    @extend_schema(
        operation_id="review_queues_create",
        request=ReviewQueueInput,
        parameters=[KEY],
        responses={201: ReviewQueueOutput},
    )
    def post(self, request: Request) -> Response:
        """Make a queue and take in the newest results that it asks for, at most 10,000."""
        made = queue_operations.create_queue(
            creator=member(request),
            wish=_read_wish(parse_body(ReviewQueueInput, request)),
            idempotency_key=idempotency_key(request),
        )
        return _respond(request, made.id, status=201)


class ReviewQueueApi(APIView):
    """`/api/v1/review-queues/{id}`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(operation_id="review_queues_get", responses={200: ReviewQueueOutput})
    def get(self, request: Request, queue_id: uuid.UUID) -> Response:
        """One queue, with how far it is and what of that is one's own."""
        return _respond(request, queue_id)

    @extend_schema(
        operation_id="review_queues_change",
        request=ReviewQueueChangeInput,
        parameters=[IF_MATCH],
        responses={200: ReviewQueueOutput},
    )
    def patch(self, request: Request, queue_id: uuid.UUID) -> Response:
        """Change what it is called, asks and takes in from now on; what it holds stays."""
        queue = queue_queries.get_queue(queue_id)
        wish = _read_wish(parse_body(ReviewQueueChangeInput, request), queue)
        with _current_tag(request, queue_id):
            queue_operations.change_queue(
                queue=queue, wish=wish, revision=wanted_revision(request)
            )
        return _respond(request, queue_id)


class FillReviewQueueApi(APIView):
    """`/api/v1/review-queues/{id}/fill`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(operation_id="review_queues_fill", request=None, responses={200: FilledOutput})
    def post(self, request: Request, queue_id: uuid.UUID) -> Response:
        """Take in what has come since and fits, at most 10,000 of the newest."""
        del request
        queue = queue_queries.get_queue(queue_id)
        return Response({"added": queue_operations.fill_queue(queue=queue)})


class CloseReviewQueueApi(APIView):
    """`/api/v1/review-queues/{id}/close`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(
        operation_id="review_queues_close", request=None, responses={200: ReviewQueueOutput}
    )
    def post(self, request: Request, queue_id: uuid.UUID) -> Response:
        """Hand out no more of it; what was decided stays. Again changes nothing."""
        queue_operations.close_queue(queue=queue_queries.get_queue(queue_id))
        return _respond(request, queue_id)


class ReopenReviewQueueApi(APIView):
    """`/api/v1/review-queues/{id}/reopen`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(
        operation_id="review_queues_reopen", request=None, responses={200: ReviewQueueOutput}
    )
    def post(self, request: Request, queue_id: uuid.UUID) -> Response:
        """Hand items out again."""
        queue_operations.reopen_queue(queue=queue_queries.get_queue(queue_id))
        return _respond(request, queue_id)


class ReviewAgreementApi(APIView):
    """`/api/v1/review-queues/{id}/agreement`."""

    permission_classes = [IsAuthenticated, ReviewsResults]

    @extend_schema(operation_id="review_queues_agreement", responses={200: ReviewAgreementOutput})
    def get(self, request: Request, queue_id: uuid.UUID) -> Response:
        """How far reviewers agree on what several decided on, and what each decided."""
        del request
        agreement, reviewers = queue_queries.tally(queue_queries.get_queue(queue_id))
        return Response(describe_agreement(agreement, reviewers))
