"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from webapp.config import health, metrics

api_patterns: list[URLPattern | URLResolver] = [
    path("", include("webapp.accounts.urls")),
    path("", include("webapp.jobs.urls")),
    path("", include("webapp.catalog.urls")),
    path("", include("webapp.generations.urls")),
    path("", include("webapp.prompts.urls")),
    path("", include("webapp.chains.urls")),
    path("", include("webapp.collections.urls")),
    path("", include("webapp.search.urls")),
    path("", include("webapp.bulk.urls")),
    path("", include("webapp.knowledge.urls")),
    path("", include("webapp.grounding.urls")),
    path("", include("webapp.chats.urls")),
    path("", include("webapp.webhooks.urls")),
    path("", include("webapp.review.urls")),
    path("", include("webapp.comparisons.urls")),
    path("", include("webapp.lineage.urls")),
    path("", include("webapp.insights.urls")),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="schema"),
    path(
        "docs",
        SpectacularSwaggerSplitView.as_view(
            url_name="api:schema", template_name="api_docs.html", title="Pinakes"
        ),
        name="docs",
    ),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("webapp.config.urls_pages")),
    path("api/v1/", include((api_patterns, "api"))),
    path("openai/v1/", include(("webapp.openai_api.urls", "openai"))),
    path("healthz/live", health.live, name="healthz-live"),
    path("healthz/ready", health.ready, name="healthz-ready"),
    path("metrics", metrics.MetricsApi.as_view(), name="metrics"),
    # One way to sign in, with its brake on guessing.
    path(
        "admin/login/",
        RedirectView.as_view(pattern_name=settings.LOGIN_URL, query_string=True),
    ),
    path("admin/", admin.site.urls),
]
