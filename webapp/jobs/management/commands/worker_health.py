"""`manage.py worker_health`: whether the workers of this machine give signs of life."""

import platform
import sys
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db.models.functions import Now

from webapp.jobs.queries import live_workers


class Command(BaseCommand):
    """Look for a fresh heartbeat in the database; a process in a list proves nothing."""

    help = "Exit with status 1 when no worker process of this host has given a sign of life."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Meant for the health check of a container."""
        fresh = Now() - timedelta(seconds=settings.JOBS_HEARTBEAT_TTL)
        alive = live_workers().filter(node__endswith=f"@{platform.node()}", heartbeat_at__gt=fresh)
        if not alive.exists():
            self.stderr.write("no sign of life")
            sys.exit(1)
