"""Addresses of people below `/api/v1/`."""

from django.urls import path

from webapp.accounts import api

urlpatterns = [
    path("me", api.MeApi.as_view(), name="me"),
    path("me/preferences", api.PreferencesApi.as_view(), name="preferences"),
    path("api-keys", api.ApiKeysApi.as_view(), name="api-keys"),
    path("api-keys/<uuid:key_id>", api.ApiKeyApi.as_view(), name="api-key"),
]
