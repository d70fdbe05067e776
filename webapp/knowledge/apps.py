"""The app's place in Django."""

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    """See `webapp/knowledge/models.py` for what the app holds."""

    name = "webapp.knowledge"
