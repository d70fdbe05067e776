"""The app's place in Django."""

from django.apps import AppConfig


class PromptsConfig(AppConfig):
    """See `webapp/prompts/models.py` for what the app holds."""

    name = "webapp.prompts"
