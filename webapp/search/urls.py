"""Addresses of the search below `/api/v1/`."""

from django.urls import path

from webapp.search import api, reference_api, saved_api

urlpatterns = [
    path("search", api.SearchApi.as_view(), name="search"),
    path("saved-searches", saved_api.SavedSearchesApi.as_view(), name="saved-searches"),
    path(
        "saved-searches/<uuid:saved_id>",
        saved_api.SavedSearchApi.as_view(),
        name="saved-search",
    ),
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
