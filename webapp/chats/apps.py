"""The app's place in Django."""

from django.apps import AppConfig


class ChatsConfig(AppConfig):
    """See `webapp/chats/models.py` for what the app holds."""

    name = "webapp.chats"
