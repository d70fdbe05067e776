"""The page for when the server cannot be reached, and the script that keeps it at hand."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET


@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """What the browser shows from its own store while the server is away."""
    return render(request, "offline.html")


@require_GET
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script; it must lie at the root, because it may only answer for what is below it."""
    return render(request, "service-worker.js", content_type="text/javascript")


urlpatterns: list[URLPattern] = [
    path("offline", offline, name="offline"),
    path("service-worker.js", service_worker, name="service-worker"),
]
