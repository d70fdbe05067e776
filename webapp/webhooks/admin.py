"""Webhooks for operators: to see what is told where, and to switch it off."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from webapp.webhooks.models import Endpoint


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Endpoints of all people; secrets are not shown."""

    list_display = ("url", "owner", "enabled", "disabled_reason", "created_at")
    list_filter = ("enabled",)
    search_fields = ("url", "owner__username")
    fields = ("url", "owner", "event_types", "enabled", "disabled_reason", "created_at")
    readonly_fields = ("url", "owner", "event_types", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They are made by their owners."""
        return False
