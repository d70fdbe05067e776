"""Addresses of the search below `/api/v1/`."""

from django.urls import path

from webapp.search import api, reference_api

urlpatterns = [
    path("search", api.SearchApi.as_view(), name="search"),
    path(
        "generations/references",
        reference_api.ReferencesApi.as_view(),
        name="generation-references",
    ),
    path(
        "generations/<uuid:generation_id>/similar",
        api.SimilarApi.as_view(),
        name="generation-similar",
    ),
]
