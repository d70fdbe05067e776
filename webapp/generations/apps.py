"""The app's place in Django."""

from django.apps import AppConfig


class GenerationsConfig(AppConfig):
    """See `webapp/generations/models.py` for what the app holds."""

    name = "webapp.generations"
