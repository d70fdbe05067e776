"""Addresses of comparisons below `/api/v1/`."""

from django.urls import path

from webapp.comparisons import api, vote_api

_COMPARISON = "comparisons/<uuid:comparison_id>"

urlpatterns = [
    path("comparisons", api.ComparisonsApi.as_view(), name="comparisons"),
    path(_COMPARISON, api.ComparisonApi.as_view(), name="comparison"),
    path(f"{_COMPARISON}/cancel", api.CancelComparisonApi.as_view(), name="comparison-cancel"),
    path(f"{_COMPARISON}/restore", api.RestoreComparisonApi.as_view(), name="comparison-restore"),
    path(f"{_COMPARISON}/reveal", api.RevealComparisonApi.as_view(), name="comparison-reveal"),
    path(f"{_COMPARISON}/votes", vote_api.VotesApi.as_view(), name="votes"),
    path("rankings", vote_api.RankingsApi.as_view(), name="rankings"),
]
