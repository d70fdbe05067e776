"""The app's place in Django."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """See `webapp/catalog/models.py` for what the app holds."""

    name = "webapp.catalog"
