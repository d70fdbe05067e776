"""Addresses of generations below `/api/v1/`."""

from django.urls import path

from webapp.generations import api

urlpatterns = [
    path("generations", api.GenerationsApi.as_view(), name="generations"),
    path("generations/<uuid:generation_id>", api.GenerationApi.as_view(), name="generation"),
    path(
        "generations/<uuid:generation_id>/cancel",
        api.CancelGenerationApi.as_view(),
        name="generation-cancel",
    ),
    path(
        "generations/<uuid:generation_id>/retry",
        api.RetryGenerationApi.as_view(),
        name="generation-retry",
    ),
    path(
        "generations/<uuid:generation_id>/reproduce",
        api.ReproduceGenerationApi.as_view(),
        name="generation-reproduce",
    ),
    path(
        "generations/<uuid:generation_id>/reproductions",
        api.ReproductionsApi.as_view(),
        name="generation-reproductions",
    ),
    path(
        "generations/<uuid:generation_id>/restore",
        api.RestoreGenerationApi.as_view(),
        name="generation-restore",
    ),
    path(
        "artifacts/<uuid:artifact_id>/content",
        api.ArtifactContentApi.as_view(),
        name="artifact-content",
    ),
]
