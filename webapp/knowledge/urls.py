"""Addresses of documents below `/api/v1/`."""

from django.urls import path

from webapp.knowledge import api, graph_api, passage_api, version_api

urlpatterns = [
    path("documents", api.DocumentsApi.as_view(), name="documents"),
    path("documents/<uuid:source_id>", api.DocumentApi.as_view(), name="document"),
    path("documents/<uuid:source_id>/chunks", api.ChunksApi.as_view(), name="document-chunks"),
    path(
        "documents/<uuid:source_id>/chunks/<uuid:passage_id>",
        passage_api.ChunkApi.as_view(),
        name="document-chunk",
    ),
    path(
        "documents/<uuid:source_id>/chunks/<uuid:passage_id>/split",
        passage_api.SplitChunkApi.as_view(),
        name="document-chunk-split",
    ),
    path(
        "documents/<uuid:source_id>/chunks/<uuid:passage_id>/join",
        passage_api.JoinChunkApi.as_view(),
        name="document-chunk-join",
    ),
    path(
        "documents/<uuid:source_id>/cancel",
        version_api.CancelDocumentApi.as_view(),
        name="document-cancel",
    ),
    path(
        "documents/<uuid:source_id>/retry",
        version_api.ReadAgainApi.as_view(),
        name="document-retry",
    ),
    path(
        "documents/<uuid:source_id>/fetch",
        version_api.FetchDocumentApi.as_view(),
        name="document-fetch",
    ),
    path(
        "documents/<uuid:source_id>/versions",
        version_api.VersionsApi.as_view(),
        name="document-versions",
    ),
    path(
        "documents/<uuid:source_id>/versions/<int:number>/restore",
        version_api.RestoreVersionApi.as_view(),
        name="document-version-restore",
    ),
    path(
        "documents/<uuid:source_id>/restore",
        api.RestoreDocumentApi.as_view(),
        name="document-restore",
    ),
    path("entities", graph_api.EntitiesApi.as_view(), name="entities"),
    path("entities/<uuid:entity_id>", graph_api.EntityApi.as_view(), name="entity"),
    path(
        "entities/<uuid:entity_id>/relations",
        graph_api.EntityRelationsApi.as_view(),
        name="entity-relations",
    ),
    path(
        "entities/<uuid:entity_id>/neighbours",
        graph_api.EntityNeighboursApi.as_view(),
        name="entity-neighbours",
    ),
    path(
        "entities/<uuid:entity_id>/merge",
        graph_api.MergeEntityApi.as_view(),
        name="entity-merge",
    ),
    path(
        "entities/<uuid:entity_id>/unmerge",
        graph_api.UnmergeEntityApi.as_view(),
        name="entity-unmerge",
    ),
    path(
        "entities/<uuid:entity_id>/split",
        graph_api.SplitAliasApi.as_view(),
        name="entity-split",
    ),
    path(
        "entities/<uuid:entity_id>/unsplit",
        graph_api.UnsplitAliasApi.as_view(),
        name="entity-unsplit",
    ),
]
