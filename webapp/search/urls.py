"""Addresses of the search below `/api/v1/`."""

from django.urls import path

from webapp.search import api, reference_api, saved_api, space_api

_SPACE = "embedding-spaces/<int:space_id>"

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
    path(
        "uploads/<uuid:upload_id>/similar",
        api.SimilarToUploadApi.as_view(),
        name="upload-similar",
    ),
    path("embedding-spaces", space_api.SpacesApi.as_view(), name="embedding-spaces"),
    path(_SPACE, space_api.SpaceApi.as_view(), name="embedding-space"),
    path(f"{_SPACE}/switch", space_api.SwitchSpaceApi.as_view(), name="embedding-space-switch"),
    path(
        f"{_SPACE}/rollback", space_api.RollBackSpaceApi.as_view(), name="embedding-space-rollback"
    ),
    path(f"{_SPACE}/check", space_api.CheckSpaceApi.as_view(), name="embedding-space-check"),
]
