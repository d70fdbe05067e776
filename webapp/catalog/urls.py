"""Addresses of the catalogue below `/api/v1/`."""

from django.urls import path

from webapp.catalog import api, connector_api

urlpatterns = [
    path("models", api.ModelsApi.as_view(), name="models"),
    path("models/<slug:slug>", api.ModelApi.as_view(), name="model"),
    path("models/<slug:slug>/versions", api.ModelVersionsApi.as_view(), name="model-versions"),
    path("models/<slug:slug>/enabled", api.ModelSwitchApi.as_view(), name="model-enabled"),
    path("connectors", connector_api.ConnectorsApi.as_view(), name="connectors"),
    path("connectors/<slug:slug>", connector_api.ConnectorApi.as_view(), name="connector"),
    path(
        "connectors/<slug:slug>/check",
        connector_api.CheckConnectorApi.as_view(),
        name="connector-check",
    ),
]
