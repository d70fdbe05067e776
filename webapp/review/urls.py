"""Addresses of feedback and review below `/api/v1/`."""

from django.urls import path

from webapp.review import api, decision_api, queue_api

_GENERATION = "generations/<uuid:generation_id>"
_QUEUE = "review-queues/<uuid:queue_id>"
_ITEM = "review-items/<uuid:review_item_id>"
_ACT = "review-decisions/<uuid:act>"

urlpatterns = [
    path(f"{_GENERATION}/feedback", api.FeedbackApi.as_view(), name="feedback"),
    path(f"{_GENERATION}/decisions", decision_api.RecordOfDecisionsApi.as_view()),
    path("review-queues", queue_api.ReviewQueuesApi.as_view()),
    path(_QUEUE, queue_api.ReviewQueueApi.as_view()),
    path(f"{_QUEUE}/fill", queue_api.FillReviewQueueApi.as_view()),
    path(f"{_QUEUE}/close", queue_api.CloseReviewQueueApi.as_view()),
    path(f"{_QUEUE}/reopen", queue_api.ReopenReviewQueueApi.as_view()),
    path(f"{_QUEUE}/agreement", queue_api.ReviewAgreementApi.as_view()),
    path(f"{_QUEUE}/items", decision_api.ReviewItemsApi.as_view()),
    path(f"{_QUEUE}/next", decision_api.NextReviewItemApi.as_view()),
    path(_ITEM, decision_api.ReviewItemApi.as_view()),
    path(f"{_ITEM}/release", decision_api.ReleaseReviewItemApi.as_view()),
    path("review-decisions", decision_api.ReviewDecisionsApi.as_view()),
    path(_ACT, decision_api.ReviewDecisionApi.as_view()),
    path(f"{_ACT}/undo", decision_api.UndoReviewDecisionApi.as_view()),
]
