"""The app's place in Django."""

from django.apps import AppConfig


class ComparisonsConfig(AppConfig):
    """See `webapp/comparisons/models.py` for what the app holds."""

    name = "webapp.comparisons"
