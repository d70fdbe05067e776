"""Addresses of feedback below `/api/v1/`."""

from django.urls import path

from webapp.review import api

urlpatterns = [
    path("generations/<uuid:generation_id>/feedback", api.FeedbackApi.as_view(), name="feedback"),
]
