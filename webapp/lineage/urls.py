"""The address of lineage below `/api/v1/`."""

from django.urls import path

from webapp.lineage import api

urlpatterns = [
    path(
        "generations/<uuid:generation_id>/lineage",
        api.LineageApi.as_view(),
        name="generation-lineage",
    ),
]
