"""The app's place in Django."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """See `webapp/webhooks/models.py` for what the app holds."""

    name = "webapp.webhooks"
