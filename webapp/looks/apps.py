"""The app's place in Django."""

from django.apps import AppConfig


class LooksConfig(AppConfig):
    """See `webapp/looks/models.py` for what the app holds."""

    name = "webapp.looks"
