"""The app's place in Django."""

from django.apps import AppConfig


class SearchConfig(AppConfig):
    """See `webapp/search/models.py` for what the app holds."""

    name = "webapp.search"
