"""Addresses of collections below `/api/v1/`."""

from django.urls import path

from webapp.collections import api

_COLLECTION = "collections/<uuid:collection_id>"

urlpatterns = [
    path("collections", api.CollectionsApi.as_view(), name="collections"),
    path(_COLLECTION, api.CollectionApi.as_view(), name="collection"),
    path(f"{_COLLECTION}/restore", api.CollectionRestoreApi.as_view(), name="collection-restore"),
    path(f"{_COLLECTION}/items", api.CollectionItemsApi.as_view(), name="collection-items"),
    path(
        f"{_COLLECTION}/items/<uuid:item_id>",
        api.CollectionItemApi.as_view(),
        name="collection-item",
    ),
]
