"""The app's place in Django."""

from django.apps import AppConfig


class BulkConfig(AppConfig):
    """See `webapp/bulk/models.py` for what the app holds."""

    name = "webapp.bulk"
