"""Addresses of generations below `/api/v1/`; that of all of them is among those of webhooks."""

from django.urls import path

from webapp.generations import api, batch_api, file_api, tag_api

urlpatterns = [
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
    path("generations/tags", tag_api.RetagApi.as_view(), name="generations-retag"),
    path(
        "generations/<uuid:generation_id>/tags",
        tag_api.GenerationTagsApi.as_view(),
        name="generation-tags",
    ),
    path("tags", tag_api.TagsApi.as_view(), name="tags"),
    path("tags/<uuid:tag_id>", tag_api.TagApi.as_view(), name="tag"),
    path("batches", batch_api.BatchesApi.as_view(), name="batches"),
    path("batches/<uuid:batch_id>", batch_api.BatchApi.as_view(), name="batch"),
    path(
        "batches/<uuid:batch_id>/cancel",
        batch_api.CancelBatchApi.as_view(),
        name="batch-cancel",
    ),
    path(
        "batches/<uuid:batch_id>/restore",
        batch_api.RestoreBatchApi.as_view(),
        name="batch-restore",
    ),
    path(
        "artifacts/<uuid:artifact_id>/content",
        file_api.ArtifactContentApi.as_view(),
        name="artifact-content",
    ),
    path(
        "generations/<uuid:generation_id>/inputs/<str:name>/content",
        file_api.InputContentApi.as_view(),
        name="generation-input",
    ),
    path("uploads", file_api.UploadsApi.as_view(), name="uploads"),
    path("uploads/<uuid:upload_id>", file_api.UploadApi.as_view(), name="upload"),
    path(
        "uploads/<uuid:upload_id>/content",
        file_api.UploadContentApi.as_view(),
        name="upload-content",
    ),
]
