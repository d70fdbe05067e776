"""Pages of no app: what a problem means, and what is shown while the server is away."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import URLPattern, path
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from webapp.common.problems import PROBLEM_TYPES


@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """What the browser shows from its own store while the server is away."""
    return render(request, "offline.html")


@require_GET
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script; it must lie at the root, because it may only answer for what is below it."""
    return render(request, "service-worker.js", content_type="text/javascript")


@require_GET
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """What a code of the REST interface means; the `type` of every problem leads here."""
    if code not in PROBLEM_TYPES:
        raise Http404
    return render(request, "problem.html", {"code": code, "problem": PROBLEM_TYPES[code]})


@require_GET
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for this name on pages that are not ours, such as a picture by itself."""
    return redirect(static("favicon.svg"))


urlpatterns: list[URLPattern] = [
    path("problems/<slug:code>", problem, name="problem"),
    path("offline", offline, name="offline"),
    path("favicon.ico", favicon, name="favicon"),
    path("service-worker.js", service_worker, name="service-worker"),
]
