"""The app's place in Django."""

from django.apps import AppConfig


class GroundingConfig(AppConfig):
    """See `webapp/grounding/models.py` for what the app holds."""

    name = "webapp.grounding"
