"""Addresses of insights below `/api/v1/`."""

from django.urls import path

from webapp.insights import api

urlpatterns = [path("insights", api.InsightsApi.as_view(), name="insights")]
