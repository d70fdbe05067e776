"""Addresses of chains below `/api/v1/`."""

from django.urls import path

from webapp.chains import api, run_api

_CHAIN = "chains/<uuid:chain_id>"
_RUN = "chain-runs/<uuid:run_id>"

urlpatterns = [
    path("chains", api.ChainsApi.as_view(), name="chains"),
    path(_CHAIN, api.ChainApi.as_view(), name="chain"),
    path(f"{_CHAIN}/restore", api.ChainRestoreApi.as_view(), name="chain-restore"),
    path(f"{_CHAIN}/versions", api.ChainVersionsApi.as_view(), name="chain-versions"),
    path(f"{_CHAIN}/versions/<int:number>", api.ChainVersionApi.as_view(), name="chain-version"),
    path(f"{_CHAIN}/runs", run_api.RunsOfChainApi.as_view(), name="runs-of-chain"),
    path("chain-runs", run_api.ChainRunsApi.as_view(), name="chain-runs"),
    path(_RUN, run_api.ChainRunApi.as_view(), name="chain-run"),
    path(f"{_RUN}/cancel", run_api.CancelChainRunApi.as_view(), name="chain-run-cancel"),
    path(f"{_RUN}/retry", run_api.RetryChainRunApi.as_view(), name="chain-run-retry"),
    path(f"{_RUN}/restore", run_api.RestoreChainRunApi.as_view(), name="chain-run-restore"),
]
