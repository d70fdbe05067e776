"""Addresses of the catalogue below `/api/v1/`."""

from django.urls import path

from webapp.catalog import api

urlpatterns = [
    path("models", api.ModelsApi.as_view(), name="models"),
    path("models/<slug:slug>", api.ModelApi.as_view(), name="model"),
]
