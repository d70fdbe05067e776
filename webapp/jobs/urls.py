"""Addresses of jobs below `/api/v1/`."""

from django.urls import path

from webapp.jobs import api

urlpatterns = [path("usage", api.UsageApi.as_view(), name="usage")]
