"""The operators' view of jobs and workers: to look, and to let a failed job try again."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from webapp.jobs import operations
from webapp.jobs.models import Job, Worker


class _ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that only the job statements may change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Jobs are submitted, not typed in."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """The database would refuse most changes anyway."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """What was accepted stays on record."""
        return False


@admin.register(Job)
class JobAdmin(_ReadOnlyAdmin):
    """Jobs of every kind, newest first."""

    list_display = (
        "id",
        "kind",
        "queue",
        "priority",
        "state",
        "attempt",
        "crashes",
        "error_code",
        "used_seconds",
        "owner",
    )
    list_filter = ("state", "kind", "queue", "priority", "error_code")
    list_select_related = ("owner",)
    ordering = ("-id",)
    actions = ("try_again",)

    @admin.action(description="Let failed jobs try again from the start", permissions=["view"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        """Queue the failed among the chosen jobs; others stay as they are."""
        again = sum(
            operations.requeue_failed_job(job_id=job_id)
            for job_id in chosen.values_list("id", flat=True)
        )
        messages.info(request, f"{again} of {chosen.count()} jobs were queued again.")


@admin.register(Worker)
class WorkerAdmin(_ReadOnlyAdmin):
    """Worker processes, the latest first."""

    list_display = ("node", "slot", "pid", "state", "started_at", "heartbeat_at", "queues")
    list_filter = ("state",)
    ordering = ("-id",)
