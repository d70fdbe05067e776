"""Addresses of what is done to many, below `/api/v1/`."""

from django.urls import path

from webapp.bulk import api

urlpatterns = [
    path("generations/bulk", api.BulkApi.as_view(), name="generations-bulk"),
    path("generations/bulk/<uuid:act_id>", api.BulkActApi.as_view(), name="generations-bulk-act"),
    path(
        "generations/bulk/<uuid:act_id>/undo",
        api.UndoBulkActApi.as_view(),
        name="generations-bulk-undo",
    ),
    path("generations/export", api.ExportApi.as_view(), name="generations-export"),
]
