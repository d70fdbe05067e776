"""The top of the site as an app, so that it can have commands that need every other app."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Holds no models."""

    name = "webapp.config"
