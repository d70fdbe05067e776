"""The app's place in Django."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """See `webapp/jobs/models.py` for what the app holds."""

    name = "webapp.jobs"
