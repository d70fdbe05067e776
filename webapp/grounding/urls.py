"""Addresses of answers below `/api/v1/`."""

from django.urls import path

from webapp.grounding import api

urlpatterns = [
    path("answers", api.AnswersApi.as_view(), name="answers"),
    path("answers/<uuid:answer_id>", api.AnswerApi.as_view(), name="answer"),
    path(
        "answers/<uuid:answer_id>/restore", api.AnswerRestoreApi.as_view(), name="answer-restore"
    ),
    path("answers/<uuid:answer_id>/cancel", api.AnswerCancelApi.as_view(), name="answer-cancel"),
]
