"""Every address of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView

from webapp.config import health

api_patterns = [
    path("", include("webapp.accounts.urls")),
    path("", include("webapp.catalog.urls")),
    path("", include("webapp.generations.urls")),
    *([path("", include(f"webapp.{app}.urls")) for app in ("search", "knowledge", "grounding") if __import__("importlib.util").util.find_spec(f"webapp.{app}.urls")]),
    path("openapi.json", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularRedocView.as_view(url_name="api:schema"), name="docs"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("webapp.config.urls_pages")),
    path("api/v1/", include((api_patterns, "api"))),
    path("healthz/live", health.live, name="healthz-live"),
    path("healthz/ready", health.ready, name="healthz-ready"),
    path("admin/", admin.site.urls),
]
