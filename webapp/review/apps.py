"""The app's place in Django."""

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """See `webapp/review/models.py` for what the app holds."""

    name = "webapp.review"
