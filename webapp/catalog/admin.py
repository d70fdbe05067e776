"""The operators' view of the catalogue."""

from django.contrib import admin

from webapp.catalog.models import Checkpoint


@admin.register(Checkpoint)
class CheckpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lets an admin switch a checkpoint off; everything else comes from its card."""

    list_display = ("slug", "family", "available", "enabled", "unavailable_reason")
    list_filter = ("family", "available", "enabled")
    fields = ("slug", "enabled", "available", "unavailable_reason", "revision", "folder")
    readonly_fields = ("slug", "available", "unavailable_reason", "revision", "folder")
