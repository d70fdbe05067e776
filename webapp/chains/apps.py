"""The app's place in Django."""

from django.apps import AppConfig


class ChainsConfig(AppConfig):
    """See `webapp/chains/models.py` for what the app holds."""

    name = "webapp.chains"
