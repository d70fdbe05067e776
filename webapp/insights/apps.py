"""The app's place in Django."""

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    """Reads only: what it tells is counted from the rows of jobs, generations and feedback."""

    name = "webapp.insights"
