"""The app's place in Django."""

from django.apps import AppConfig


class CollectionsConfig(AppConfig):
    """See `webapp/collections/models.py` for what the app holds."""

    name = "webapp.collections"
